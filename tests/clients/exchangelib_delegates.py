#!/usr/bin/python3
"""Delegates and impersonation as scripts on exchangelib do it, unmodified as
Debian ships it: access_type=DELEGATE into somebody else's mailbox, with folder
rights, the rights to send and full access, and access_type=IMPERSONATION."""

import email
import email.policy
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import (Account, BASIC, Configuration, Credentials, DELEGATE, FileAttachment,  # noqa: E402
                         IMPERSONATION, Mailbox, Message)
from exchangelib.errors import (ErrorAccessDenied, ErrorCannotDeleteObject, ErrorFolderNotFound, ErrorImpersonateUserDenied,  # noqa: E402
                                ErrorItemNotFound, ErrorSendAsDenied)

USERS = ("alice", "bob", "carol", "dave")
GRANTS = (("bob", "editor"), ("bob", "send-on-behalf"), ("carol", "full-access"), ("carol", "send-as"), ("carol", "impersonate"))


def address(name):
    return name + "@example.test"


def connect(server, who, mailbox, access_type=DELEGATE):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC,
                                  credentials=Credentials(address(who), "secret"))
    return Account(address(mailbox), config=configuration, autodiscover=False, access_type=access_type)


def captured(server, subject):
    found = harness.until(lambda: [m for m in server.messages() if m["subject"] == subject], "a message called " + subject)
    harness.expect(len(found), 1, "captured " + subject)
    return found[0], email.message_from_bytes(server.raw(found[0]["id"]), policy=email.policy.default)


def refused(error, function, *arguments):
    try:
        function(*arguments)
    except error:
        return
    raise AssertionError("%s was not raised" % error.__name__)


def draft_in(account, subject):
    draft = Message(account=account, folder=account.drafts, subject=subject, body="As agreed.",
                    to_recipients=[Mailbox(name="Eve", email_address="eve@elsewhere.test")])
    draft.save()
    return draft


def named(folder, subject):
    return [item for item in folder.all() if item.subject == subject]


def on_behalf(server):
    """The workaround of the page: the principal's Sent Items are named."""
    alice, shared = connect(server, "alice", "alice"), connect(server, "bob", "alice")
    draft = draft_in(shared, "On behalf")
    draft.attach(FileAttachment(name="a.txt", content=b"abc"))
    harness.expect(len(named(alice.drafts, "On behalf")), 1, "drafts that alice sees")
    draft.send(copy_to_folder=shared.sent)
    harness.expect([len(named(f, "On behalf")) for f in (alice.drafts, alice.sent)], [0, 1], "Drafts, Sent Items")
    captive, message = captured(server, "On behalf")
    harness.expect((message["from"].addresses[0].addr_spec, message["sender"].address.addr_spec), (address("alice"), address("bob")))
    copy = named(shared.sent, "On behalf")[0]
    harness.expect((copy.author.email_address, copy.sender.email_address), (address("alice"), address("bob")), "the copy")
    harness.expect(captive["sender"], address("bob"), "envelope sender")


def silently_without_a_copy(server):
    """D1: the delegate's own Sent Items."""
    bob, shared = connect(server, "bob", "bob"), connect(server, "bob", "alice")
    draft_in(shared, "No copy").send(copy_to_folder=bob.sent)
    captured(server, "No copy")
    counts = [len(named(f, "No copy")) for f in (shared.drafts, shared.sent, bob.sent)]
    harness.expect(counts, [1, 0, 0], "Drafts, Sent Items, and those of bob")


def author_set(server):
    """From in one's own mailbox, with and without the right."""
    for who, good in (("bob", True), ("carol", True), ("dave", False)):
        own = connect(server, who, who)
        subject = "From alice by " + who
        message = Message(account=own, folder=own.sent, subject=subject, body="x", author=Mailbox(email_address=address("alice")),
                          to_recipients=["eve@elsewhere.test"])
        if not good:
            refused(ErrorSendAsDenied, message.send_and_save)
            continue
        message.send_and_save()
        sender = captured(server, subject)[1]["sender"]
        harness.expect(sender and sender.address.addr_spec, address("bob") if who == "bob" else None, "Sender")


def full_access(server):
    """Everything of the mailbox; here with send-as beside it."""
    shared = connect(server, "carol", "alice")
    names = {folder.name for folder in shared.root.walk()}
    assert {"Inbox", "Drafts", "Sent Items"} <= names, names
    item = draft_in(shared, "By carol")
    item.subject = "By carol, changed"
    item.save()
    item.send(copy_to_folder=shared.sent)
    message = captured(server, "By carol, changed")[1]
    harness.expect((message["from"].addresses[0].addr_spec, message["sender"]), (address("alice"), None))
    copy = named(shared.sent, "By carol, changed")[0]
    harness.expect(copy.effective_rights.delete, True, "EffectiveRights")
    copy.move_to_trash()
    harness.expect(len(named(shared.trash, "By carol, changed")), 1, "Deleted Items")


def editors_cannot_use_the_trash(server):
    shared = connect(server, "bob", "alice")
    draft = draft_in(shared, "Trash")
    refused(ErrorCannotDeleteObject, draft.move_to_trash)
    draft.move(to_folder=shared.trash)
    harness.expect(len(named(shared.trash, "Trash")), 1, "Deleted Items")


def no_rights(server):
    alice, foreign = connect(server, "alice", "alice"), connect(server, "dave", "alice")
    secret = draft_in(alice, "Secret")
    refused(ErrorFolderNotFound, lambda: foreign.inbox.total_count)
    refused(ErrorFolderNotFound, lambda: Message(account=foreign, folder=foreign.drafts, subject="x").save())
    own = connect(server, "dave", "dave")
    stolen = list(own.fetch([(secret.id, secret.changekey)]))
    harness.expect([type(item) for item in stolen], [ErrorItemNotFound])
    results = list(own.bulk_send([(secret.id, secret.changekey)]))
    harness.expect([type(r) for r in results], [ErrorItemNotFound])


def batch_stops(server):
    """One draft that may be read but not deleted, between two of one's own."""
    bob, dave = connect(server, "bob", "bob"), connect(server, "dave", "dave")
    theirs = draft_in(bob, "Not for dave")
    mine = [draft_in(dave, "Mine %d" % n) for n in range(2)]
    ids = [(d.id, d.changekey) for d in (mine[0], theirs, mine[1])]
    refused(ErrorAccessDenied, lambda: list(dave.bulk_send(ids)))
    harness.expect([len(named(dave.sent, "Mine %d" % n)) for n in range(2)], [1, 0], "sent")
    harness.expect(len(named(dave.drafts, "Mine 1")), 1, "the last stays a draft")
    harness.expect(len(named(bob.drafts, "Not for dave")), 1, "as does what is not his")


def impersonation(server):
    alice, other = connect(server, "alice", "alice"), connect(server, "carol", "alice", IMPERSONATION)
    draft = draft_in(other, "Impersonated")
    harness.expect(len(named(alice.drafts, "Impersonated")), 1, "drafts that alice sees")
    draft.send()
    harness.expect([len(named(f, "Impersonated")) for f in (alice.drafts, alice.sent)], [0, 1], "Drafts, Sent Items")
    captive, message = captured(server, "Impersonated")
    harness.expect((message["from"].addresses[0].addr_spec, message["sender"], captive["sender"]),
                   (address("alice"), None, address("alice")))
    denied = connect(server, "bob", "alice", IMPERSONATION)
    refused(ErrorImpersonateUserDenied, lambda: denied.inbox.total_count)


def main():
    suite = harness.Suite("exchangelib delegates")
    arguments = [word for name in USERS for word in ("--user", address(name) + ":secret")]
    for who, right in GRANTS:
        arguments += ["--grant", "%s:%s:%s" % (address("alice"), address(who), right)]
    arguments += ["--grant", "%s:drafts:%s:reviewer" % (address("bob"), address("dave"))]

    def whole():
        with harness.Server(*arguments, "--set", "auth.failure_delay=1") as server:
            for case in (on_behalf, silently_without_a_copy, author_set, full_access, editors_cannot_use_the_trash, no_rights,
                         batch_stops, impersonation):
                suite.run(case.__name__.replace("_", " "), case, server)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
