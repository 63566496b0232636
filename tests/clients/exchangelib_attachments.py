#!/usr/bin/python3
"""What a script on exchangelib does with attachments and answers: attach files,
pictures and items to drafts, read them back, detach them; reply, reply to all,
forward, and save such answers for later. What is sent goes to a real SMTP
server, and what arrives there is judged by Python's own parser."""

import email
import email.policy
import os
import socket
import sys
import threading
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from harness import ALICE, BOB, expect, until  # noqa: E402

warnings.simplefilter("ignore")
from aiosmtpd.controller import Controller  # noqa: E402
from exchangelib import (Account, BASIC, Configuration, Contact, Credentials, DELEGATE, FileAttachment, HTMLBody,  # noqa: E402
                         ItemAttachment, Mailbox, Message)
from exchangelib.errors import ErrorInvalidReferenceItem  # noqa: E402
from exchangelib.items import ForwardItem, ReplyToItem  # noqa: E402
from exchangelib.properties import ReferenceItemId  # noqa: E402

IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
DATA = bytes(range(256)) * 9000  # long enough to be content of its own


class Sink:
    def __init__(self):
        self.lock, self.list = threading.Lock(), []
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.controller.start()
        self.url = "smtp://127.0.0.1:%d" % port

    async def handle_DATA(self, server, session, message):
        with self.lock:
            self.list.append((message.mail_from, list(message.rcpt_tos), message.original_content))
        return "250 2.0.0 taken"

    def arrived(self, subject):
        """The one message of that subject: recipients, parsed, raw."""
        def look():
            with self.lock:
                found = [(rcpts, email.message_from_bytes(raw, policy=email.policy.default), raw) for _, rcpts, raw in self.list]
            return [entry for entry in found if str(entry[1]["subject"]) == subject]
        found = until(look, "a message called " + subject)
        expect(len(found), 1, "messages called " + subject)
        for line in found[0][2].split(b"\r\n"):
            assert len(line) <= 998 and b"\n" not in line and max(line, default=0) < 128, line
        return found[0]


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def a_draft(account, subject, **more):
    more.setdefault("body", "see below")
    draft = Message(account=account, folder=account.drafts, subject=subject,
                    to_recipients=[Mailbox(email_address="carol@elsewhere.test")], **more)
    draft.save()
    return draft


def nested(account):
    inner = Message(account=account, subject="The innermost", body="deep",
                    attachments=[FileAttachment(name="deep.bin", content=DATA)])
    return Message(account=account, subject="In between", body=HTMLBody("<p>between</p>"),
                   to_recipients=[Mailbox(name="Dave", email_address="dave@elsewhere.test")],
                   attachments=[ItemAttachment(name="inner", item=inner), FileAttachment(name="a.txt", content=b"abc\r\n")])


def called(folder, subject):
    return [folder.get(id=m.id, changekey=m.changekey) for m in folder.all().only("subject") if m.subject == subject]


def parts(message):
    return [part.get_content_type() for part in message.walk()]


def files(sink, alice):
    draft = a_draft(alice, "Files", body=HTMLBody('<p>look: <img src="cid:logo@example.test"></p>'))
    keys = {draft.changekey}
    for attachment in (FileAttachment(name="a.txt", content=b"abc\r\n"), FileAttachment(name="large.bin", content=DATA),
                       FileAttachment(name="logo.png", content=IMAGE, content_type="image/png", is_inline=True,
                                      content_id="logo@example.test")):
        draft.attach(attachment)
        keys.add(draft.changekey)
    expect(len(keys), 4, "a ChangeKey for each")
    draft.detach([a for a in draft.attachments if a.name == "a.txt"])
    fresh = alice.drafts.get(id=draft.id, changekey=draft.changekey)
    expect([(a.name, a.content, bool(a.is_inline), a.content_id) for a in fresh.attachments],
           [("large.bin", DATA, False, None), ("logo.png", IMAGE, True, "logo@example.test")], "attachments")
    expect((fresh.has_attachments, fresh.size > len(DATA)), (True, True), "HasAttachments and Size")
    fresh.detach([a for a in fresh.attachments if a.name == "large.bin"])
    fresh = alice.drafts.get(id=fresh.id, changekey=fresh.changekey)
    expect((fresh.has_attachments, len(fresh.attachments)), (False, 1), "with a picture alone")
    fresh.send()
    _, message, _ = sink.arrived("Files")
    expect(parts(message), ["multipart/related", "text/html", "image/png"], "parts")
    picture = list(message.iter_parts())[1]
    expect((picture["content-id"], picture.get_payload(decode=True)), ("<logo@example.test>", IMAGE), "the picture")


def items(sink, alice):
    draft = a_draft(alice, "Items")
    draft.attach(ItemAttachment(name="between", item=nested(alice)))
    draft.attach(ItemAttachment(name="card", item=Contact(account=alice, given_name="Dave", display_name="Dave D.")))
    fresh = alice.drafts.get(id=draft.id, changekey=draft.changekey)
    expect([type(a).__name__ for a in fresh.attachments], ["ItemAttachment"] * 2, "attachments")
    between = fresh.attachments[0].item
    expect((between.subject, str(between.body), between.to_recipients[0].name, between.has_attachments),
           ("In between", "<p>between</p>", "Dave", True), "the item")
    expect(sorted(a.name for a in between.attachments), ["a.txt", "inner"], "what is in it")
    assert b"Subject: In between" in between.mime_content, between.mime_content
    card = fresh.attachments[1].item
    expect((type(card).__name__, card.given_name), ("Contact", "Dave"), "the contact")
    fresh.send()
    _, message, _ = sink.arrived("Items")
    expect(parts(message), ["multipart/mixed", "text/plain", "message/rfc822", "multipart/mixed", "text/html", "message/rfc822",
                            "multipart/mixed", "text/plain", "application/octet-stream", "text/plain", "message/rfc822",
                            "text/plain"], "parts")
    got = list(message.iter_attachments())[0].get_content()
    expect((got["subject"], got["to"]), ("In between", "Dave <dave@elsewhere.test>"), "the message in it")
    deepest = list(got.iter_attachments())[0].get_content()
    expect([part.get_payload(decode=True) for part in deepest.iter_attachments()], [DATA], "the file at the end")


def in_one_request(sink, alice):
    """With attachments inline, as send() of a new message has them."""
    Message(account=alice, folder=alice.sent, subject="At once", body="x", to_recipients=["carol@elsewhere.test"],
            attachments=[ItemAttachment(name="between", item=nested(alice))]).send_and_save()
    sent = until(lambda: called(alice.sent, "At once"), "the copy")[0]
    expect(sent.attachments[0].item.subject, "In between", "in the copy")
    assert "message/rfc822" in parts(sink.arrived("At once")[1])


def received(server, sink, alice, bob):
    """Between mailboxes an attached item stays one; from MIME it becomes one."""
    Message(account=bob, subject="For Alice", body="x", to_recipients=[ALICE[0]],
            attachments=[ItemAttachment(name="between", item=nested(bob))]).send()
    got = until(lambda: called(alice.inbox, "For Alice"), "the message")[0]
    expect([a.name for a in got.attachments[0].item.attachments], ["inner", "a.txt"], "as it was sent")
    inner = email.message.EmailMessage(policy=email.policy.SMTP)
    inner["From"], inner["Subject"], inner["Date"] = "erin@elsewhere.test", "Within", "Mon, 01 Jun 2026 10:00:00 +0000"
    inner.set_content("from MIME\n")
    inner.add_attachment(b"bytes", maintype="application", subtype="octet-stream", filename="b.bin")
    outer = email.message.EmailMessage(policy=email.policy.SMTP)
    outer["From"], outer["To"], outer["Subject"] = BOB[0], ALICE[0], "MIME with a message"
    outer.set_content("outer\n")
    outer.add_attachment(inner)
    Message(account=bob, mime_content=outer.as_bytes(), folder=bob.sent).send_and_save()
    got = until(lambda: called(alice.inbox, "MIME with a message"), "the MIME")[0]
    within = got.attachments[0].item
    expect((got.attachments[0].name, within.subject, str(within.body).strip(), within.sender and within.sender.email_address or
            within.author.email_address), ("Within", "Within", "from MIME", "erin@elsewhere.test"), "the item of the MIME")
    expect(within.datetime_sent.isoformat(), "2026-06-01T10:00:00+00:00", "DateTimeSent")
    return got


def a_letter(alice, bob, subject):
    Message(account=bob, subject=subject, body=HTMLBody('<p>Dear Alice <img src="cid:logo@example.test"></p>'),
            to_recipients=[ALICE[0], "carol@elsewhere.test"], cc_recipients=["erin@elsewhere.test"], importance="High",
            attachments=[FileAttachment(name="logo.png", content=IMAGE, content_type="image/png", is_inline=True,
                                        content_id="logo@example.test"),
                         FileAttachment(name="large.bin", content=DATA),
                         ItemAttachment(name="between", item=nested(bob))]).send()
    return until(lambda: called(alice.inbox, subject), "the letter")[0]


def reply(sink, alice, bob):
    letter = a_letter(alice, bob, "Letter")
    letter.reply("Re by hand", HTMLBody("<p>Thanks</p>"), to_recipients=[Mailbox(email_address="dave@elsewhere.test")])
    rcpts, message, _ = sink.arrived("Re by hand")
    expect(rcpts, ["dave@elsewhere.test"], "recipients")
    expect(parts(message), ["multipart/related", "text/html", "image/png"], "parts: the picture, no files")
    text = next(part for part in message.walk() if part.get_content_type() == "text/html").get_content()
    assert text.index("Thanks") < text.index("<b>From:</b> Bob" if "<b>From:</b> Bob" in text else "<b>From:</b> bob") < \
        text.index("Dear Alice"), text
    expect((message["in-reply-to"], letter.message_id in message["references"]), (letter.message_id, True), "the thread")
    expect((message["importance"], str(message["subject"])), (None, "Re by hand"), "header")


def reply_all(sink, alice, bob):
    letter = a_letter(alice, bob, "Letter to all")
    letter.reply_all("RE: Letter to all", "Thanks, all")
    rcpts, message, _ = sink.arrived("RE: Letter to all")
    expect(sorted(rcpts), ["carol@elsewhere.test", "erin@elsewhere.test"], "recipients elsewhere")
    expect(parts(message), ["text/plain"], "parts")
    assert message.get_content().startswith("Thanks, all"), message.get_content()
    until(lambda: called(bob.inbox, "RE: Letter to all"), "what Bob gets")


def forward(sink, alice, bob):
    letter = a_letter(alice, bob, "Letter to pass on")
    letter.forward("FW: Letter to pass on", HTMLBody("<p>for you</p>"), to_recipients=["frank@elsewhere.test"])
    _, message, _ = sink.arrived("FW: Letter to pass on")
    kinds = parts(message)
    expect((kinds[:4], kinds.count("message/rfc822")), (["multipart/mixed", "multipart/related", "text/html", "image/png"], 2), "parts")
    expect([part.get_payload(decode=True) for part in message.iter_attachments() if part.get_filename() == "large.bin"], [DATA],
           "the file")
    expect(message["importance"], "High", "importance is passed on")
    letter.delete()  # what is forwarded shares its content
    kept = until(lambda: called(alice.sent, "FW: Letter to pass on"), "the copy")[0]
    expect([a.content for a in kept.attachments if a.name == "large.bin"], [DATA], "the file of the copy")
    between = [a for a in kept.attachments if isinstance(a, ItemAttachment)][0].item
    expect(between.subject, "In between", "the item of the copy")


def saved(sink, alice, bob):
    letter = a_letter(alice, bob, "Letter for later")
    answer = letter.create_reply("RE: Letter for later", "later", to_recipients=["dave@elsewhere.test"]).save(alice.drafts)
    draft = alice.drafts.get(id=answer.id, changekey=answer.changekey)
    expect((draft.subject, draft.is_draft, draft.in_reply_to), ("RE: Letter for later", True, letter.message_id), "the draft")
    draft.attach(FileAttachment(name="more.txt", content=b"more"))
    draft.attach(ItemAttachment(name="between", item=nested(alice)))
    draft.send()
    _, message, _ = sink.arrived("RE: Letter for later")
    expect([a.get_filename() for a in message.iter_attachments()], ["more.txt", None], "attachments")
    expect(message["in-reply-to"], letter.message_id, "In-Reply-To")
    passed = ForwardItem(account=alice, reference_item_id=ReferenceItemId(id=letter.id, changekey=letter.changekey),
                         new_body="fyi").save(alice.drafts)
    draft = alice.drafts.get(id=passed.id, changekey=passed.changekey)
    expect((draft.subject, len(draft.attachments), draft.to_recipients), ("FW: Letter for later", 3, None), "the forward")
    draft.detach(draft.attachments)
    expect(alice.drafts.get(id=draft.id).attachments, [], "all detached")
    again = alice.inbox.get(id=letter.id)
    expect(len(again.attachments), 3, "the letter still has them")


def refused(alice):
    draft = a_draft(alice, "Not sent yet")
    answer = ReplyToItem(account=alice, reference_item_id=ReferenceItemId(id=draft.id, changekey=draft.changekey), new_body="x")
    try:
        answer.save(alice.drafts)
    except ErrorInvalidReferenceItem:
        return
    raise AssertionError("a draft was replied to")


def main():
    suite = harness.Suite("exchangelib attachments")

    def whole():
        sink = Sink()
        try:
            with harness.Server("--relay", sink.url) as server:
                alice, bob = connect(server, ALICE), connect(server, BOB)
                suite.run("attach, read, detach files and pictures", files, sink, alice)
                suite.run("attach items, and items in items", items, sink, alice)
                suite.run("send with attachments in one request", in_one_request, sink, alice)
                suite.run("receive attached items", received, server, sink, alice, bob)
                suite.run("reply", reply, sink, alice, bob)
                suite.run("reply to all", reply_all, sink, alice, bob)
                suite.run("forward", forward, sink, alice, bob)
                suite.run("save answers, edit and send them", saved, sink, alice, bob)
                suite.run("no answers to drafts", refused, alice)
        finally:
            sink.controller.stop(no_assert=True)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
