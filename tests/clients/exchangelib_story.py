#!/usr/bin/python3
"""The story of a script on exchangelib, unmodified as Debian ships it, against
`ewsd dev`: connect, draft, attach, send in its three ways, send a hundred at
once, list, read back as the recipient, delete.

usage: exchangelib_story.py [OPTION of ewsd dev]..."""

import email
import email.policy
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import (Account, BASIC, Configuration, Credentials, DELEGATE,  # noqa: E402
                         FileAttachment, HTMLBody, Mailbox, Message)
from exchangelib.errors import ErrorItemNotFound, UnauthorizedError  # noqa: E402

DATA = bytes(range(256)) * 300


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC,
                                  credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def captured(server, subject):
    found = harness.until(lambda: [m for m in server.messages() if m["subject"] == subject],
                          "a captured message called " + subject)
    harness.expect(len(found), 1, "captured " + subject)
    return email.message_from_bytes(server.raw(found[0]["id"]), policy=email.policy.default)


def in_inbox(account, subject):
    return harness.until(lambda: [i for i in account.inbox.all() if i.subject == subject],
                         subject + " in the Inbox")[0]


def send_a_draft(server, alice, bob):
    draft = Message(account=alice, folder=alice.drafts, subject="A draft", body=HTMLBody("<p>H\u00e9llo &amp; bye</p>"),
                    to_recipients=[Mailbox(name="Bob", email_address="bob@example.test")],
                    cc_recipients=["carol@elsewhere.test"], bcc_recipients=["hidden@elsewhere.test"])
    draft.save()
    assert draft.id and draft.changekey
    draft.attach(FileAttachment(name="data.bin", content=DATA, content_type="application/octet-stream"))
    harness.expect([i.subject for i in alice.drafts.all()], ["A draft"], "Drafts")
    draft.send()
    harness.expect(list(alice.drafts.all()), [], "Drafts after sending")
    sent = [i for i in alice.sent.all() if i.subject == "A draft"]
    harness.expect(len(sent), 1, "copies in Sent Items")
    harness.expect([m.email_address for m in sent[0].bcc_recipients], ["hidden@elsewhere.test"], "Bcc of the copy")
    harness.expect(sent[0].is_draft, False, "is_draft of the copy")
    message = captured(server, "A draft")
    assert "bcc" not in message and "hidden" not in message.as_string(), "Bcc was transmitted"
    harness.expect([part.get_payload(decode=True) for part in message.iter_attachments()], [DATA], "captured attachment")
    got = in_inbox(bob, "A draft")
    harness.expect(got.attachments[0].content, DATA, "attachment as Bob reads it")
    harness.expect(got.attachments[0].name, "data.bin", "its name")
    assert "H\u00e9llo &amp; bye" in got.body, got.body
    harness.expect(got.sender.email_address, "alice@example.test", "sender")
    harness.expect(got.is_read, False, "is_read")
    harness.expect(got.bcc_recipients, None, "Bcc as Bob reads it")
    parsed = email.message_from_bytes(got.mime_content, policy=email.policy.default)
    harness.expect(parsed["message-id"], message["message-id"], "Message-ID")


def send_directly(server, alice):
    Message(account=alice, subject="Direct", body="plain", to_recipients=["x@elsewhere.test"]).send(save_copy=False)
    Message(account=alice, folder=alice.sent, subject="Direct and kept", body="plain",
            to_recipients=["x@elsewhere.test"]).send_and_save()
    captured(server, "Direct")
    captured(server, "Direct and kept")
    kept = [i.subject for i in alice.sent.all() if i.subject.startswith("Direct")]
    harness.expect(kept, ["Direct and kept"], "kept copies")


def send_attached(server, alice):
    message = Message(account=alice, folder=alice.sent, subject="Inline", body="see file", to_recipients=["x@elsewhere.test"])
    message.attach(FileAttachment(name="a.txt", content=b"abc\r\n"))
    message.send_and_save()
    parts = list(captured(server, "Inline").iter_attachments())
    harness.expect([part.get_payload(decode=True) for part in parts], [b"abc\r\n"], "attachment")


def send_without_copy(server, alice):
    draft = Message(account=alice, folder=alice.drafts, subject="No copy", body="x", to_recipients=["x@elsewhere.test"])
    draft.save()
    draft.send(save_copy=False)
    captured(server, "No copy")
    harness.expect([i for i in alice.sent.all() if i.subject == "No copy"], [], "copies")


def send_a_hundred(server, alice):
    before = alice.sent.all().count()
    drafts = [Message(account=alice, folder=alice.drafts, subject="Bulk %d" % n, body="x",
                      to_recipients=["bulk@elsewhere.test"]) for n in range(100)]
    ids = alice.bulk_create(folder=alice.drafts, items=drafts)
    harness.expect(len(ids), 100, "created")
    harness.expect(list(alice.bulk_send(ids)), [True] * 100, "answers")
    harness.expect(alice.sent.all().count(), before + 100, "Sent Items")
    harness.expect(alice.drafts.all().count(), 0, "Drafts")
    bulk = harness.until(lambda: (lambda found: found if len(found) >= 100 else None)(
        [m["subject"] for m in server.messages() if m["subject"].startswith("Bulk ")]), "the hundred")
    harness.expect(sorted(bulk), sorted("Bulk %d" % n for n in range(100)), "each once")


def list_in_order(alice):
    subjects = [i.subject for i in alice.sent.all().order_by("subject").only("subject")]
    harness.expect(subjects, sorted(subjects), "sorted")
    page = [i.subject for i in alice.sent.all().order_by("subject").only("subject")[10:20]]
    harness.expect(page, subjects[10:20], "a page")


def delete(alice, bob):
    item = in_inbox(bob, "A draft")
    item.move_to_trash()
    harness.expect([i.subject for i in bob.inbox.all()], [], "Inbox")
    trash = list(bob.trash.all())
    harness.expect([i.subject for i in trash], ["A draft"], "Deleted Items")
    trash[0].delete()
    harness.expect(list(bob.trash.all()), [], "Deleted Items afterwards")
    draft = Message(account=alice, folder=alice.drafts, subject="Gone", body="x", to_recipients=["x@elsewhere.test"])
    draft.save()
    stale = Message(account=alice, folder=alice.drafts, id=draft.id, changekey=draft.changekey)
    draft.delete()
    try:
        stale.send()
    except ErrorItemNotFound:
        return
    raise AssertionError("a deleted draft was sent")


def wrong_password(server):
    account = None
    try:
        account = connect(server, ("alice@example.test", "wrong"))
        account.inbox.total_count
    except UnauthorizedError:
        return
    raise AssertionError("a wrong password got in: %r" % account)


def walk_the_tree(alice):
    names = {folder.name for folder in alice.root.walk()}
    for name in ("Inbox", "Drafts", "Sent Items", "Deleted Items", "Outbox"):
        assert name in names, (name, names)


def main():
    suite = harness.Suite("exchangelib")

    def whole():
        with harness.Server(*sys.argv[1:]) as server:
            alice, bob = connect(server, harness.ALICE), connect(server, harness.BOB)
            suite.run("connect", lambda: (alice.root.id, alice.inbox.total_count))
            suite.run("draft, attach, send, read back as the recipient", send_a_draft, server, alice, bob)
            suite.run("send and send_and_save", send_directly, server, alice)
            suite.run("attachment inline in CreateItem", send_attached, server, alice)
            suite.run("send without a copy", send_without_copy, server, alice)
            suite.run("bulk_send of 100", send_a_hundred, server, alice)
            suite.run("list sorted and paged", list_in_order, alice)
            suite.run("delete", delete, alice, bob)
            suite.run("walk the folders", walk_the_tree, alice)
            suite.run("wrong password", wrong_password, server)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
