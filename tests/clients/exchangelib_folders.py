#!/usr/bin/python3
"""What a script on exchangelib does with folders: walk the tree, make, rename,
move, copy, empty, wipe and delete them, read who may do what, follow changes."""

import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from harness import expect  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import Account, BASIC, Configuration, Credentials, DELEGATE, Message  # noqa: E402
from exchangelib.errors import ErrorDeleteDistinguishedFolder, ErrorFolderExists  # noqa: E402
from exchangelib.folders import Calendar, Contacts, Messages, Tasks  # noqa: E402


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def expect_error(error, action, what):
    try:
        action()
    except error:
        return
    raise AssertionError("%s: no %s" % (what, error.__name__))


def made(parent, name, kind=Messages):
    folder = kind(parent=parent, name=name)
    folder.save()
    return folder


def names(folder):
    return sorted(child.name for child in folder.children)


def fill(alice, folder, count):
    for number in range(count):
        Message(account=alice, folder=folder, subject="m%d" % number, body="x").save()


def tree(server):
    alice = connect(server, harness.ALICE)
    top = alice.msg_folder_root
    assert "Inbox" in names(top) and alice.inbox.parent.name == top.name, names(top)
    for kind in (Calendar, Contacts, Tasks):
        assert any(isinstance(folder, kind) for folder in top.walk()), kind
    assert "Inbox" in top.tree(), top.tree()
    work = made(alice.inbox, "Work")
    made(work, "2026")
    expect((alice.inbox / "Work" / "2026").name, "2026", "a path")
    expect([folder.name for folder in alice.inbox.glob("**/20*")], ["2026"], "a pattern")


def changes(server):
    alice = connect(server, harness.ALICE)
    one, two = made(alice.inbox, "One"), made(alice.inbox, "Two")
    expect_error(ErrorFolderExists, lambda: made(alice.inbox, "ONE"), "a name that is taken")
    one.name = "Uno"
    one.save(update_fields=["name"])
    alice.root.clear_cache()
    expect(names(alice.inbox), ["Two", "Uno"], "renamed")
    identity = two.id
    two.move(to_folder=one)
    expect((two.id, two.parent.name), (identity, "Uno"), "moved")
    alice.root.clear_cache()
    expect(names(alice.inbox), ["Uno"], "moved away")


def getting_rid(server):
    alice = connect(server, harness.ALICE)
    box = made(alice.inbox, "Box")
    inner = made(box, "Inner")
    fill(alice, box, 3)
    fill(alice, inner, 2)
    box.refresh()
    expect((box.total_count, box.child_folder_count, box.unread_count), (3, 1, 3), "counts")
    box.empty(delete_type="SoftDelete", delete_sub_folders=False)
    box.refresh()
    expect((box.total_count, box.child_folder_count), (0, 1), "emptied")
    fill(alice, box, 1)
    box.wipe()
    alice.root.clear_cache()
    expect((box.all().count(), names(alice.inbox / "Box")), (0, []), "wiped")
    box.delete()
    alice.root.clear_cache()
    expect(names(alice.inbox), [], "deleted")
    expect_error(ErrorDeleteDistinguishedFolder, alice.drafts.delete, "the Drafts")


def permissions(server):
    alice = connect(server, harness.ALICE)
    found = {p.user_id.primary_smtp_address or p.user_id.distinguished_user: (p.edit_items, p.read_items)
             for p in alice.inbox.permission_set.permissions}
    expect(found, {"Default": ("None", "None"), "Anonymous": ("None", "None"), "bob@example.test": ("All", "FullDetails")}, "the Inbox' permissions")
    expect(alice.calendar.permission_set.calendar_permissions[0].calendar_permission_level, "None", "the Calendar's")


def following(server):
    alice = connect(server, harness.ALICE)
    first = list(alice.inbox.sync_hierarchy())
    expect(first, [], "nothing yet")
    work = made(alice.inbox, "Work")
    expect([(kind, folder.name) for kind, folder in alice.inbox.sync_hierarchy()], [("create", "Work")], "a new one")
    work.name = "Play"
    work.save(update_fields=["name"])
    expect([(kind, folder.name) for kind, folder in alice.inbox.sync_hierarchy()], [("update", "Play")], "a new name")
    fill(alice, work, 2)
    expect(list(alice.inbox.sync_hierarchy()), [], "counts are no change")
    work.delete()
    expect([kind for kind, _ in alice.inbox.sync_hierarchy()], ["delete"], "it is gone")


def main():
    suite = harness.Suite("exchangelib")
    for case in (tree, changes, getting_rid, permissions, following):
        with harness.Server("--grant", "alice@example.test:inbox:bob@example.test:editor") as server:
            suite.run("folders: " + case.__name__.replace("_", " "), case, server)
    suite.done()


main()
