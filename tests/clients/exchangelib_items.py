#!/usr/bin/python3
"""What a script on exchangelib does with items beside sending them: edit a
draft and send it, mark, flag and file mail, copy and move it, keep contacts,
lists, tasks and appointments; and a thousand drafts sent in one request."""

import base64
import datetime
import email
import email.message
import email.policy
import os
import sys
import warnings
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import (Account, BASIC, CalendarItem, Configuration, Contact, Credentials, DELEGATE,  # noqa: E402
                         DistributionList, EWSDate, EWSDateTime, ExtendedProperty, FileAttachment, HTMLBody, Mailbox, Message,
                         Task, UTC)
from exchangelib.errors import ErrorInvalidItemForOperationSendItem, ErrorIrresolvableConflict, ErrorItemNotFound  # noqa: E402
from exchangelib.indexed_properties import EmailAddress  # noqa: E402
from exchangelib.properties import Member  # noqa: E402
from exchangelib.services import SendItem  # noqa: E402


class Flag(ExtendedProperty):
    """PR_FLAG_STATUS, as mail programs set it."""
    property_tag = 0x1090
    property_type = "Integer"


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def captured(server, subject, count=1):
    found = harness.until(lambda: (lambda m: m if len(m) >= count else None)(
        [m for m in server.messages() if m["subject"] == subject]), "a captured message called " + subject)
    harness.expect(len(found), count, "captured " + subject)
    return [email.message_from_bytes(server.raw(m["id"]), policy=email.policy.default) for m in found]


def expect_error(error, action, what):
    try:
        action()
    except error:
        return
    raise AssertionError("%s: no %s" % (what, error.__name__))


def a_draft(alice, subject, **more):
    draft = Message(account=alice, folder=alice.drafts, subject=subject, body="first",
                    to_recipients=["carol@elsewhere.test"], **more)
    draft.save()
    return draft


def edit_and_send(server, alice):
    draft = a_draft(alice, "To be edited", cc_recipients=["cc@elsewhere.test"])
    draft.attach(FileAttachment(name="a.txt", content=b"abc\r\n"))
    old = draft.changekey
    draft.subject, draft.body = "Edited", HTMLBody("<p>second</p>")
    draft.to_recipients = [Mailbox(name="Dave", email_address="dave@elsewhere.test")]
    draft.bcc_recipients = ["hidden@elsewhere.test"]
    draft.cc_recipients = []
    draft.save(update_fields=["subject", "body", "to_recipients", "cc_recipients", "bcc_recipients"])
    assert draft.changekey != old, "the ChangeKey did not move"
    fresh = alice.drafts.get(id=draft.id, changekey=draft.changekey)
    harness.expect((fresh.subject, str(fresh.body)), ("Edited", "<p>second</p>"), "subject and body")
    harness.expect([m.email_address for m in fresh.to_recipients], ["dave@elsewhere.test"], "To")
    harness.expect((fresh.cc_recipients, fresh.is_draft), (None, True), "Cc and IsDraft")
    harness.expect([a.content for a in fresh.attachments], [b"abc\r\n"], "the attachment stayed")
    fresh.save()  # all writable fields at once, the MIME among them
    fresh.refresh()
    harness.expect((fresh.subject, str(fresh.body).strip()), ("Edited", "<p>second</p>"), "after saving all fields")
    fresh.send()
    message, = captured(server, "Edited")
    harness.expect((message["to"], message["cc"], message["bcc"]), ("Dave <dave@elsewhere.test>", None, None), "its header")
    harness.expect(message.get_body().get_content().strip(), "<p>second</p>", "its body")
    harness.expect([part.get_payload(decode=True) for part in message.iter_attachments()], [b"abc\r\n"], "its attachment")


def replace_by_mime(server, alice):
    data = os.urandom(3 << 20)
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["From"], message["To"], message["Subject"] = "alice@example.test", "dave@elsewhere.test", "Large"
    message.set_content("y" * 70 + "\n")
    message.add_attachment(data, maintype="application", subtype="octet-stream", filename="large.bin")
    draft = a_draft(alice, "To be replaced", categories=["red"])
    draft.mime_content = message.as_bytes()
    draft.save(update_fields=["mime_content"])
    stored, = alice.fetch([draft], only_fields=["subject", "categories", "attachments"])
    harness.expect((stored.subject, stored.categories), ("Large", ["red"]), "the draft")
    harness.expect([a.content for a in stored.attachments], [data], "its attachment")
    # exchangelib reads large answers too slowly for a test
    whole = server.soap(harness.get_item(draft.id, mime=True)).tree.find(".//{%s}MimeContent" % harness.T)
    harness.expect(base64.b64decode(whole.text), message.as_bytes(), "its MIME")
    draft.body = "z" * (2 << 20)  # now the MIME no longer says it
    draft.save(update_fields=["body"])
    draft.send(save_copy=False)
    got, = captured(server, "Large")
    harness.expect([part.get_payload(decode=True) for part in got.iter_attachments()], [data], "captured attachment")
    harness.expect(len(got.get_body().get_content().strip()), 2 << 20, "captured body")


def update_and_send(server, alice):
    draft = a_draft(alice, "Sent by updating")
    draft.body = "last"
    draft.send_and_save(update_fields=["body"])
    harness.expect(captured(server, "Sent by updating")[0].get_content().strip(), "last", "captured body")
    harness.expect([str(m.body) for m in alice.sent.filter() if m.subject == "Sent by updating"], ["last"], "the copy")
    expect_error(ErrorItemNotFound, draft.refresh, "the draft afterwards")


def conflict(alice):
    draft = a_draft(alice, "Two at once")
    other = alice.drafts.get(id=draft.id, changekey=draft.changekey)
    draft.subject = "Mine"
    draft.save(update_fields=["subject"])
    other.importance = "High"
    expect_error(ErrorIrresolvableConflict,
                 lambda: other.save(update_fields=["importance"], conflict_resolution="NeverOverwrite"), "a stale key")
    other.save(update_fields=["importance"])
    other.refresh()
    harness.expect((other.subject, other.importance), ("Mine", "High"), "both changes")
    other.delete()


def mark_and_flag(alice):
    Message.register("flag", Flag)
    try:
        item = Message(account=alice, folder=alice.inbox, subject="To be filed", body="x")
        item.save()
        alice.inbox.refresh()
        harness.expect(alice.inbox.unread_count, 1, "unread")
        item.is_read, item.categories, item.flag = True, ["red", "blue"], 2
        item.save(update_fields=["is_read", "categories", "flag"])
        alice.inbox.refresh()
        harness.expect(alice.inbox.unread_count, 0, "unread afterwards")
        item.refresh()
        harness.expect((item.is_read, item.categories, item.flag), (True, ["red", "blue"], 2), "marks")
        item.categories, item.flag = None, None
        item.save(update_fields=["categories", "flag"])
        item.refresh()
        harness.expect((item.categories, item.flag), (None, None), "marks taken off")
        item.delete()
    finally:
        Message.deregister("flag")


def move_and_copy(server, alice):
    draft = a_draft(alice, "Wandering")
    old = draft.id
    copy_id, copy_key = draft.copy(alice.inbox)
    assert copy_id != old, "the copy has the id of the original"
    draft.move(alice.trash)
    assert draft.id != old, "the id did not change"
    harness.expect([i.subject for i in alice.trash.all()], ["Wandering"], "Deleted Items")
    harness.expect([type(i) for i in alice.fetch([(old, None)])], [ErrorItemNotFound], "the old id")
    copy = alice.inbox.get(id=copy_id, changekey=copy_key)
    harness.expect((copy.is_draft, str(copy.body)), (True, "first"), "the copy")
    copy.body = "of its own"
    copy.save(update_fields=["body"])
    draft.refresh()
    harness.expect(str(draft.body), "first", "the original")
    copy.send()
    draft.send()
    bodies = sorted(m.get_content().strip() for m in captured(server, "Wandering", 2))
    harness.expect(bodies, ["first", "of its own"], "both sent")
    ids = {m["message-id"] for m in captured(server, "Wandering", 2)}
    harness.expect(len(ids), 2, "Message-IDs")


def bulk(alice):
    ids = [a_draft(alice, "Bulk %d" % n).id for n in range(3)]
    items = list(alice.fetch([(i, None) for i in ids]))
    for item in items:
        item.subject = "Renamed"
    changed = alice.bulk_update([(item, ["subject"]) for item in items])
    harness.expect(len(changed), 3, "updated")
    copied = alice.bulk_copy(changed, to_folder=alice.inbox)
    moved = alice.bulk_move(changed, to_folder=alice.trash)
    harness.expect((len(copied), len(moved)), (3, 3), "copied and moved")
    harness.expect([i.subject for i in alice.trash.all()], ["Renamed"] * 3, "Deleted Items")
    harness.expect(list(alice.bulk_delete(copied + moved)), [True] * 6, "deleted")


def send_again(server, alice):
    a_draft(alice, "Again").send()
    copy, = [m for m in alice.sent.all() if m.subject == "Again"]
    copy.send()
    harness.expect(len([m for m in alice.sent.all() if m.subject == "Again"]), 1, "copies in Sent Items")
    harness.expect(len({m["message-id"] for m in captured(server, "Again", 2)}), 2, "Message-IDs")


def keep_a_contact(alice):
    contact = Contact(account=alice, folder=alice.contacts, given_name="Ann", surname="Other", display_name="Ann Other",
                      body="Met in Bern.", email_addresses=[EmailAddress(email="ann@elsewhere.test", label="EmailAddress1")])
    contact.save()
    found, = alice.contacts.all()
    harness.expect((type(found), found.given_name, found.surname, found.display_name, str(found.body)),
                   (Contact, "Ann", "Other", "Ann Other", "Met in Bern."), "contact")
    harness.expect([a.email for a in found.email_addresses], ["ann@elsewhere.test"], "addresses")
    found.given_name, found.categories = "Anne", ["friends"]
    found.save(update_fields=["given_name", "categories"])
    found.refresh()
    harness.expect((found.given_name, found.surname, found.categories), ("Anne", "Other", ["friends"]), "after an update")
    return found


def keep_a_list(alice):
    wanted = DistributionList(account=alice, folder=alice.contacts, display_name="Friends",
                              members={Member(mailbox=Mailbox(email_address="ann@elsewhere.test", mailbox_type="OneOff"))})
    wanted.save()
    wanted.refresh()
    harness.expect((wanted.display_name, [m.mailbox.email_address for m in wanted.members]),
                   ("Friends", ["ann@elsewhere.test"]), "list")
    return wanted


def keep_a_task(alice):
    task = Task(account=alice, folder=alice.tasks, subject="Water the plants", body="All of them.",
                due_date=EWSDate(2026, 12, 24), status="InProgress", percent_complete=Decimal(50))
    task.save()
    found, = alice.tasks.all()
    harness.expect((found.subject, found.status, found.due_date, found.percent_complete),
                   ("Water the plants", "InProgress", EWSDate(2026, 12, 24), 50), "task")
    return found


def keep_an_appointment(alice):
    start = EWSDateTime(2026, 12, 1, 9, tzinfo=UTC)
    item = CalendarItem(account=alice, folder=alice.calendar, subject="Dentist", start=start,
                        end=start + datetime.timedelta(hours=1), location="Main Street 1")
    item.save()
    found, = alice.calendar.all()
    harness.expect((found.subject, found.start, found.location), ("Dentist", start, "Main Street 1"), "appointment")
    found.location = "Side Street 2"
    found.save(update_fields=["location"])
    found.refresh()
    harness.expect(found.location, "Side Street 2", "location")
    return found


def not_sent(alice, items):
    for item in items:
        expect_error(ErrorInvalidItemForOperationSendItem, lambda: alice.bulk_send([item]), type(item).__name__ + " sent")
        item.delete()
    for folder in (alice.contacts, alice.tasks, alice.calendar):
        harness.expect(list(folder.all()), [], "what is left in " + folder.name)


def send_a_thousand(server, alice):
    before = alice.sent.all().count()
    drafts = [Message(subject="Thousand", body="x", to_recipients=["bulk@elsewhere.test"]) for _ in range(1000)]
    ids = alice.bulk_create(folder=alice.drafts, items=drafts)
    answers = list(SendItem(account=alice, chunk_size=1000).call(items=ids, saved_item_folder=alice.sent))
    harness.expect(answers, [True] * 1000, "answers")
    harness.expect((alice.sent.all().count(), alice.drafts.all().count()), (before + 1000, 0), "Sent Items and Drafts")
    sent = harness.until(lambda: (lambda n: n if n >= 1000 else None)(
        len([m for m in server.messages() if m["subject"] == "Thousand"])), "the thousand")
    harness.expect(sent, 1000, "captured")


def main():
    suite = harness.Suite("exchangelib items")

    def kinds(alice):
        not_sent(alice, [keep_a_contact(alice), keep_a_list(alice), keep_a_task(alice), keep_an_appointment(alice)])

    def whole():
        with harness.Server() as server:
            alice = connect(server, harness.ALICE)
            suite.run("edit a draft and send it", edit_and_send, server, alice)
            suite.run("replace a draft by large MIME, edit and send it", replace_by_mime, server, alice)
            suite.run("update and send in one", update_and_send, server, alice)
            suite.run("two change one draft", conflict, alice)
            suite.run("read, categories, flag", mark_and_flag, alice)
            suite.run("move, copy, and send both", move_and_copy, server, alice)
            suite.run("bulk update, copy, move, delete", bulk, alice)
            suite.run("send a sent message again", send_again, server, alice)
            suite.run("contacts, lists, tasks, appointments", kinds, alice)
            suite.run("a thousand ids in one request", send_a_thousand, server, alice)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
