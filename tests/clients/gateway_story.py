#!/usr/bin/python3
"""The story of a script on exchangelib, unmodified, against `ewsd serve` over
http and over https, with real SMTP servers behind it: what arrives there is
what was drafted. The servers are Postfix's smtp-sink, which keeps the dialogue
as it was, and aiosmtpd, which parses it."""

import contextlib
import email
import email.policy
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from harness import ALICE, BOB, expect, until  # noqa: E402

warnings.simplefilter("ignore")
logging.disable()  # exchangelib's own reports of what is refused on purpose
from aiosmtpd.controller import Controller  # noqa: E402
from exchangelib import (Account, BASIC, Configuration, Credentials, DELEGATE, FileAttachment, HTMLBody,  # noqa: E402
                         Mailbox, Message)
from exchangelib.errors import TransportError  # noqa: E402

SUBJECT = "Gr\u00fc\u00dfe \u2014 \u0434\u043e\u043a\u043b\u0430\u0434 \u2713"
HTML = '<html><body><p>Sch\u00f6ne \u4e16\u754c &amp; more <img src="cid:logo@example.test"></p></body></html>'
DATA = bytes(range(256)) * 500
IMAGE = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def make_accounts(data):
    """Mailboxes for the gateway, before it starts."""
    harness.make_store(data, ALICE, BOB)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


# --- SMTP servers: each gives (sender, recipients, message bytes) of what came

class Sink:
    """smtp-sink writes a file for each message: lines that name the peer and
    the envelope, an empty line, and the message with plain line ends. It has the
    file open until the message is whole."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "dump")
        os.mkdir(self.folder)
        os.chmod(self.folder, 0o777)
        port = free_port()
        program = shutil.which("smtp-sink", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
        assert program, "smtp-sink is not installed: run tools/setup"
        command = [program, "-c", "-d", os.path.join(self.folder, "%M."), "127.0.0.1:%d" % port, "10"]
        if harness.ACCOUNT:
            command[1:1] = ["-u", harness.ACCOUNT]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = "smtp://127.0.0.1:%d" % port
        until(lambda: self.greets(port), "smtp-sink")

    @staticmethod
    def greets(port):
        with contextlib.suppress(OSError):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
                greeted = peer.recv(100).startswith(b"220")
                peer.sendall(b"QUIT\r\n")
                return greeted
        return False

    def is_writing(self, name):
        files = "/proc/%d/fd" % self.process.pid
        with contextlib.suppress(OSError):
            return any(os.readlink(os.path.join(files, one)).endswith("/" + name) for one in os.listdir(files))
        return True

    def got(self):
        found = []
        for name in sorted(os.listdir(self.folder)):
            if self.is_writing(name):
                continue
            with open(os.path.join(self.folder, name), "rb") as dump:
                text = dump.read()
            envelope, mark, message = text.partition(b"\nReceived: from ")  # smtp-sink adds that one itself
            if not mark or not text.endswith(b"\n"):
                continue
            lines = envelope.decode().split("\n")
            sender = [line.split("<")[1].split(">")[0] for line in lines if line.startswith("X-Mail-Args:")]
            rcpts = [line.split("<")[1].split(">")[0] for line in lines if line.startswith("X-Rcpt-Args:")]
            found.append((sender[0], rcpts, b"Received: from " + message))
        return found

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Aio:
    def __init__(self, folder):
        self.lock, self.list = threading.Lock(), []
        port = free_port()
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.controller.start()
        self.url = "smtp://127.0.0.1:%d" % port

    async def handle_DATA(self, server, session, message):
        with self.lock:
            self.list.append((message.mail_from, list(message.rcpt_tos), message.original_content))
        return "250 2.0.0 taken"

    def got(self):
        with self.lock:
            return list(self.list)

    def stop(self):
        self.controller.stop(no_assert=True)


# --- the story

def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def arrived(relay, subject):
    """The one message of that subject."""
    def look():
        parsed = [(sender, rcpts, email.message_from_bytes(raw, policy=email.policy.default), raw)
                  for sender, rcpts, raw in relay.got()]
        return [entry for entry in parsed if str(entry[2]["subject"]) == subject]
    found = until(look, "a message called " + subject)
    expect(len(found), 1, "messages called " + subject)
    return found[0]


def draft_and_send(relay, alice, bob):
    draft = Message(
        account=alice, folder=alice.drafts, subject=SUBJECT, body=HTMLBody(HTML), importance="High",
        to_recipients=[Mailbox(name="J\u00f6rg M\u00fcller, Dr.", email_address="joerg@elsewhere.test"),
                       Mailbox(name="Bob", email_address=BOB[0])],
        cc_recipients=[Mailbox(email_address="carol@elsewhere.test")],
        bcc_recipients=[Mailbox(email_address="hidden@secret.test")],
        reply_to=[Mailbox(email_address="desk@example.test")])
    draft.save()
    draft.attach(FileAttachment(name="data \u00fc.bin", content=DATA, content_type="application/octet-stream"))
    draft.attach(FileAttachment(name="logo.png", content=IMAGE, content_type="image/png", is_inline=True,
                                content_id="logo@example.test"))
    draft.send()
    sender, rcpts, message, raw = arrived(relay, SUBJECT)
    expect(sender, ALICE[0], "envelope sender")
    expect(sorted(rcpts), ["carol@elsewhere.test", "hidden@secret.test", "joerg@elsewhere.test"], "envelope recipients")
    check_headers(message, raw)
    check_parts(message)
    until(lambda: [i for i in bob.inbox.all() if i.subject == SUBJECT], "Bob's copy")
    sent = [i for i in alice.sent.all() if i.subject == SUBJECT]
    expect(len(sent), 1, "copies in Sent Items")
    expect(sent[0].message_id, message["message-id"], "Message-ID of the copy")


def check_headers(message, raw):
    expect([(a.display_name, a.addr_spec) for a in message["from"].addresses], [("alice", ALICE[0])], "From")
    expect([(a.display_name, a.addr_spec) for a in message["to"].addresses],
           [("J\u00f6rg M\u00fcller, Dr.", "joerg@elsewhere.test"), ("Bob", BOB[0])], "To")
    expect([a.addr_spec for a in message["cc"].addresses], ["carol@elsewhere.test"], "Cc")
    expect([a.addr_spec for a in message["reply-to"].addresses], ["desk@example.test"], "Reply-To")
    assert "bcc" not in message and b"hidden@secret" not in raw, "the Bcc was transmitted"
    expect(str(message["importance"]).lower(), "high", "Importance")
    assert message["date"].datetime and message["message-id"], "Date or Message-ID is missing"
    for name in ("From", "To", "Subject", "Date", "Message-ID", "MIME-Version"):
        expect(len(message.get_all(name)), 1, name)
    assert raw.split(b"\n\n")[0].isascii() if b"\r\n" not in raw else raw.split(b"\r\n\r\n")[0].isascii(), "8-bit headers"
    assert max(len(line) for line in raw.splitlines()) <= 998, "a long line"


def check_parts(message):
    html = message.get_body(("html",))
    for piece in ("Sch\u00f6ne \u4e16\u754c &amp; more", 'src="cid:logo@example.test"'):
        assert piece in html.get_content(), html.get_content()
    parents = {id(child): part for part in message.walk() if part.is_multipart() for child in part.iter_parts()}
    expect(parents[id(html)].get_content_type(), "multipart/related", "around the body")
    image = [part for part in message.walk() if part.get_content_type() == "image/png"]
    expect([part.get_payload(decode=True) for part in image], [IMAGE], "inline image")
    expect((image[0]["content-id"], image[0].get_content_disposition()), ("<logo@example.test>", "inline"))
    expect(parents[id(image[0])].get_content_type(), "multipart/related", "around the image")
    files = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    expect([(part.get_filename(), part.get_payload(decode=True)) for part in files], [("data \u00fc.bin", DATA)], "attachment")


def send_plain(relay, alice):
    lines = "\n".join(["first", ".", "..two dots", "From here", "\u00e9" * 100, "last"])
    Message(account=alice, subject="plain", body=lines, to_recipients=["x@elsewhere.test"]).send(save_copy=False)
    _, rcpts, message, _ = arrived(relay, "plain")
    expect(rcpts, ["x@elsewhere.test"])
    expect(message.get_body(("plain",)).get_content().replace("\r\n", "\n").rstrip("\n"), lines, "body")


def send_many(relay, alice):
    drafts = [Message(account=alice, folder=alice.drafts, subject="Bulk %d" % n, body="x",
                      to_recipients=["bulk@elsewhere.test"]) for n in range(30)]
    expect(list(alice.bulk_send(alice.bulk_create(folder=alice.drafts, items=drafts))), [True] * 30)
    for n in range(30):
        arrived(relay, "Bulk %d" % n)


def foreign_authority(server):
    """Without the test's authority nobody is trusted to be this server."""
    with trusting(None):
        try:
            connect(server, ALICE).root.id
        except (TransportError, OSError) as error:
            assert "certificate verify failed" in str(error), error
            return
    raise AssertionError("an unknown authority was trusted")


@contextlib.contextmanager
def trusting(ca):
    """requests, below exchangelib, takes its authorities from here."""
    before = os.environ.pop("REQUESTS_CA_BUNDLE", None)
    if ca:
        os.environ["REQUESTS_CA_BUNDLE"] = ca
    try:
        yield
    finally:
        os.environ.pop("REQUESTS_CA_BUNDLE", None)
        if before:
            os.environ["REQUESTS_CA_BUNDLE"] = before


def story(suite, scheme, kind):
    def named(name):
        return "%s, %s: %s" % (scheme, kind.__name__.lower(), name)

    def whole():
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(harness.Folder())
            relay = kind(folder)
            stack.callback(relay.stop)
            certificate = harness.Certificate(folder) if scheme == "https" else None
            make_accounts(os.path.join(folder, "store"))
            settings = {"server.domain": "example.test", "relay.url": relay.url}
            server = stack.enter_context(harness.Gateway(os.path.join(folder, "store"), settings, certificate))
            assert server.url.startswith(scheme + "://"), server.url
            if certificate:
                suite.run(named("an unknown authority"), foreign_authority, server)
            stack.enter_context(trusting(certificate and certificate.ca))
            alice, bob = connect(server, ALICE), connect(server, BOB)
            suite.run(named("connect"), lambda: (alice.root.id, alice.inbox.total_count))
            suite.run(named("draft, attach, inline image, send"), draft_and_send, relay, alice, bob)
            suite.run(named("plain text"), send_plain, relay, alice)
            suite.run(named("thirty at once"), send_many, relay, alice)
    suite.run(named("the server starts, ends, and no sanitizer complains"), whole)


def main():
    suite = harness.Suite("gateway")
    for scheme, kind in (("http", Sink), ("https", Aio), ("https", Sink)):
        story(suite, scheme, kind)
    suite.done()


main()
