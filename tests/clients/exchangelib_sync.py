#!/usr/bin/python3
"""What a script on exchangelib does that keeps a copy of a mailbox: follow a
folder and what becomes of its items, over a restart too; delete in the three
ways, recover and purge; move and copy in bulk, also into another mailbox; mark
as junk; mark a folder as read."""

import os
import shutil
import sys
import tempfile
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import Account, BASIC, Configuration, Credentials, DELEGATE, Message  # noqa: E402
from exchangelib.errors import ErrorInvalidSyncStateData, ErrorItemNotFound  # noqa: E402
from exchangelib.items import HARD_DELETE, MOVE_TO_DELETED_ITEMS, SOFT_DELETE  # noqa: E402

GRANT = ("--grant", "bob@example.test:alice@example.test:editor")


def connect(server, user, mailbox=None):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(mailbox or user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def fill(folder, subjects):
    return folder.bulk_create([Message(subject=one, body="x", is_read=False) for one in subjects])


def changes(folder, **more):
    """[(kind, subject or is it read)]; what was created can be read."""
    found = []
    for kind, what in folder.sync_items(only_fields=["subject"], **more):
        if kind == "create":
            harness.expect(folder.account.fetch([what], only_fields=["subject"]).__next__().subject, what.subject, "what was created")
        found.append((kind, what[1] if kind == "read_flag_change" else getattr(what, "subject", None)))
    return sorted(found, key=repr)


def follow(alice):
    box = alice.inbox
    ids = fill(box, ["one", "two", "three", "four", "five"])
    harness.expect([kind for kind, _ in changes(box, max_changes_returned=2)], ["create"] * 5, "the first sync, in pages")
    harness.expect(changes(box), [], "nothing happened")
    one, two, three = list(alice.fetch(ids[:3], only_fields=["subject", "is_read", "body"]))
    one.subject = "ONE"
    one.save(update_fields=["subject"])
    two.is_read = True
    two.save(update_fields=["is_read"])
    three.delete()
    fill(box, ["six"])
    harness.expect(changes(box, max_changes_returned=1),
                   [("create", "six"), ("delete", None), ("read_flag_change", True), ("update", "ONE")], "one of each")
    message = Message(account=alice, folder=alice.drafts, subject="sent", body="x", to_recipients=["bob@example.test"])
    harness.expect(changes(alice.sent), [], "Sent Items")
    message.save()
    message.send()
    harness.expect(changes(alice.sent), [("create", "sent")], "Sent Items after sending")


def ignore(alice):
    box = alice.inbox
    known = {item.subject: (item.id, item.changekey) for item in box.all().only("subject")}
    box.item_sync_state = None
    found = [what for kind, what in changes(box, ignore=[known["ONE"], known["six"]])]
    assert "ONE" not in found and "six" not in found and "five" in found, found


def delete_and_recover(alice):
    fill(alice.inbox, ["hard", "soft", "moved"])
    items = {item.subject: item for item in alice.inbox.all()}
    items["hard"].delete()
    items["soft"].soft_delete()
    items["moved"].move_to_trash()
    left = [item.subject for item in alice.inbox.all()]
    assert not {"hard", "soft", "moved"} & set(left), left
    harness.expect([item.subject for item in alice.recoverable_items_deletions.all()], ["soft"], "recoverable")
    harness.expect([item.subject for item in alice.trash.all()], ["moved"], "Deleted Items")
    alice.trash.all().get().move_to_trash()
    harness.expect(sorted(item.subject for item in alice.recoverable_items_deletions.all()), ["moved", "soft"], "deleted from there")
    again = [item for item in alice.recoverable_items_deletions.all() if item.subject == "soft"][0]
    again.move(to_folder=alice.inbox)
    assert "soft" in [item.subject for item in alice.inbox.all()], "recovered"
    alice.recoverable_items_deletions.all().get().delete()
    harness.expect(alice.recoverable_items_deletions.all().count(), 0, "purged")


def in_bulk(alice):
    ids = fill(alice.inbox, ["b%d" % i for i in range(250)])
    before = alice.inbox.all().count()
    copies = alice.bulk_copy(ids, to_folder=alice.drafts)
    harness.expect((len(copies), alice.inbox.all().count(), alice.drafts.all().count()), (250, before, 250), "copied")
    moved = alice.bulk_move(ids, to_folder=alice.sent)
    harness.expect((len(moved), alice.inbox.all().count()), (250, before - 250), "moved")
    for how, some in ((HARD_DELETE, moved[:100]), (SOFT_DELETE, moved[100:200]), (MOVE_TO_DELETED_ITEMS, moved[200:])):
        harness.expect(alice.bulk_delete(some, delete_type=how), [True] * len(some), how)
    answers = alice.bulk_delete([copies[0], moved[0], copies[1]])
    harness.expect((answers[0], answers[2], isinstance(answers[1], ErrorItemNotFound)), (True, True, True), "one that has gone")


def into_another_mailbox(alice, theirs, bob):
    item = [one for one in alice.inbox.all() if one.subject == "six"][0]
    item.copy(to_folder=theirs.inbox)
    item.move(to_folder=theirs.inbox)
    harness.expect([one.subject for one in bob.inbox.all() if one.subject == "six"], ["six"] * 2, "in Bob's Inbox")
    assert "six" not in [one.subject for one in alice.inbox.all()], "the original is there"


def junk(alice):
    fill(alice.inbox, ["spam"])
    spam = [one for one in alice.inbox.all() if one.subject == "spam"]
    moved = alice.bulk_mark_as_junk(spam, is_junk=True, move_item=True)
    harness.expect([one.subject for one in alice.junk.all()], ["spam"], "Junk Email")
    alice.bulk_mark_as_junk(moved, is_junk=False, move_item=True)
    harness.expect((alice.junk.all().count(), "spam" in [one.subject for one in alice.inbox.all()]), (0, True), "and back")


def restart(data):
    with harness.Server(*GRANT, data=data) as server:
        box = connect(server, harness.ALICE).inbox
        changes(box)
        fill(box, ["before"])
        state = box.item_sync_state
    with harness.Server(*GRANT, data=data) as server:
        box = connect(server, harness.ALICE).inbox
        fill(box, ["after"])
        harness.expect(changes(box, sync_state=state), [("create", "after"), ("create", "before")], "after a restart")
        try:
            list(box.sync_items(sync_state=state[:-8] + "AAAAAAA="))
        except ErrorInvalidSyncStateData:
            return
        raise AssertionError("a forged state was taken")


def main():
    suite = harness.Suite("exchangelib sync")

    def whole(data):
        with harness.Server(*GRANT, data=data) as server:
            alice, bob = connect(server, harness.ALICE), connect(server, ("bob@example.test", "secret"))
            suite.run("follow a folder", follow, alice)
            suite.run("ignore some", ignore, alice)
            suite.run("delete, recover, purge", delete_and_recover, alice)
            suite.run("copy, move and delete in bulk", in_bulk, alice)
            suite.run("into another mailbox", into_another_mailbox, alice, connect(server, harness.ALICE, "bob@example.test"), bob)
            suite.run("junk and back", junk, alice)
        suite.run("over a restart", restart, data)
    data = tempfile.mkdtemp(prefix="ewsd-sync-")
    try:
        suite.run("the server starts, ends, and no sanitizer complains", whole, data)
    finally:
        shutil.rmtree(data, ignore_errors=True)
    suite.done()


main()
