"""The cases of this suite about ways and fates: which relay gets a message, who
takes over from one that is gone, what senders are told, loops, signatures."""

import base64
import email
import email.policy
import os
import re
import shutil
import socket
import subprocess
import tempfile
import threading

import dkim  # Debian's python3-dkim
import harness
from scripted import HANG, Relay

EVERY_SECOND = ("outbox.retry_min=1", "outbox.retry_max=1")


class Server(harness.Server):
    """One whose store ewsctl can find, though nobody named it."""

    def __init__(self, *words):
        self.home = tempfile.mkdtemp(prefix="ewsd-relay-")
        super().__init__(*words, env={"TMPDIR": self.home})

    def __exit__(self, *what):
        super().__exit__(*what)
        shutil.rmtree(self.home)

    def ctl(self, *words, **more):
        folder, = os.listdir(self.home)
        return harness.ewsctl(os.path.join(self.home, folder), *words, **more)


def server_for(relay, *settings):
    words = [word for setting in settings for word in ("--set", setting)]
    return Server("--relay", relay if isinstance(relay, str) else relay.url, "--set", "server.hostname=mail.example.test", *words)


def mailboxes(addresses):
    return "".join("<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>" % one for one in addresses)


def send(server, subject, to, extra="", user=harness.ALICE):
    message = ('<t:Subject>%s</t:Subject><t:Body BodyType="Text">hello</t:Body><t:ToRecipients>%s</t:ToRecipients>%s'
               % (subject, mailboxes(to), extra))
    harness.expect(server.soap(harness.create_item(message, "SendAndSaveCopy"), user).codes(), ["NoError"], "CreateItem")


def send_mime(server, mime):
    content = "<t:MimeContent>%s</t:MimeContent>" % base64.b64encode(mime).decode()
    harness.expect(server.soap(harness.create_item(content, "SendAndSaveCopy")).codes(), ["NoError"], "CreateItem")


def taken(relay, count):
    harness.until(lambda: len(relay.messages) >= count, "%d messages at the relay" % count)
    harness.expect(len(relay.messages), count, "messages at the relay")
    return relay.messages


def reports(server, subject, count=1, user=harness.ALICE):
    """Those with this subject in the Inbox: class and parsed MIME."""
    harness.until(lambda: harness.subjects(server, "inbox", user).count(subject) >= count, "%d of %r" % (count, subject))
    found = []
    for item in server.soap(harness.find_item("inbox"), user).ids():
        tree = server.soap(harness.get_item(item["Id"], mime=True), user).tree
        if next(tree.iter("{%s}Subject" % harness.T)).text != subject:
            continue
        mime = base64.b64decode(next(tree.iter("{%s}MimeContent" % harness.T)).text)
        found.append((next(tree.iter("{%s}ItemClass" % harness.T)).text, email.message_from_bytes(mime, policy=email.policy.default)))
    harness.expect(len(found), count, "reports with the subject " + subject)
    return found


def fields(report):
    """The blocks of the machine-readable part, the first without."""
    return [part for part in report.walk() if part.get_content_type() == "message/delivery-status"][0].get_payload()[1:]


def closed_url():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return "smtp://127.0.0.1:%d" % probe.getsockname()[1]


# ---- which relay ----

def by_sender():
    """The recipient's domain decides before the sender's; where several fit
    alike, the sender's decides; the rest goes to [relay]."""
    carol = ("carol@other.test", "secret")
    with Relay() as rest, Relay() as two, Relay() as senders, Relay() as both:
        with server_for(rest, "relay two.url=" + two.url, "relay two.domains=two.test", "relay senders.url=" + senders.url,
                        "relay senders.sender_domains=other.test", "relay both.url=" + both.url, "relay both.domains=.two.test",
                        "relay both.sender_domains=.other.test other.test",
                        *("relay %s.connections=1" % name for name in ("two", "senders", "both"))) as server:
            server.ctl("user", "add", carol[0], password=carol[1])
            for user in (harness.ALICE, carol):
                send(server, user[0], ["x@two.test", "y@sub.two.test", "z@three.test"], user=user)
            harness.expect({(m.sender, *m.rcpts) for m in taken(rest, 1)}, {("alice@example.test", "y@sub.two.test", "z@three.test")})
            harness.expect({(m.sender, *m.rcpts) for m in taken(two, 2)},
                           {("alice@example.test", "x@two.test"), ("carol@other.test", "x@two.test")})
            harness.expect({(m.sender, *m.rcpts) for m in taken(both, 1)}, {("carol@other.test", "y@sub.two.test")})
            harness.expect({(m.sender, *m.rcpts) for m in taken(senders, 1)}, {("carol@other.test", "z@three.test")})


def no_more_at_once():
    """Never more than relay.connections messages at the same time."""
    with Relay(rcpt={"*": HANG}) as relay, server_for(relay, "relay.connections=2") as server:
        for number in range(12):
            send(server, "M%d" % number, ["x@elsewhere.test", "bob@example.test"])
        harness.until(lambda: len(harness.subjects(server, "inbox", harness.BOB)) == 12, "Bob's mail")
        harness.until(lambda: relay.hanging == 2, "two that hang")
        harness.expect(relay.connections, 2, "connections")
        relay.go()
        taken(relay, 12)
        harness.expect(relay.connections, 2, "connections in the end")


# ---- who takes over ----

class Mute:
    """A listener: says `greeting`, or nothing, and keeps the line."""

    def __init__(self, greeting=b""):
        self.greeting, self.count, self.kept = greeting, 0, []
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(100)
        self.url = "smtp://127.0.0.1:%d" % self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.count += 1
            self.kept.append(connection)
            if self.greeting:
                connection.sendall(self.greeting)

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        for connection in self.kept:
            connection.close()


def hands_over():
    """Nobody listens, the greeting is a refusal or does not come: the fallback
    has the message at once (retry_min is minutes), over two steps, too."""
    with Mute(b"554 5.3.2 not today\r\n") as refuses, Mute() as mute:
        for first in (closed_url(), refuses.url, mute.url):
            with Relay() as last, server_for(first, "relay.fallback=middle", "relay.connect_timeout=1", "relay middle.url=" + closed_url(),
                                             "relay middle.fallback=last", "relay last.url=" + last.url) as server:
                send(server, "Over", ["x@elsewhere.test", "y@elsewhere.test"])
                harness.expect(sorted(taken(last, 1)[0].rcpts), ["x@elsewhere.test", "y@elsewhere.test"])
                assert "status=deferred" not in server.log(), "handing over is no failed attempt"
                harness.until(lambda: "relay=last status=sent" in server.log(), "the relay in the log")
        harness.expect((refuses.count, mute.count), (1, 1), "connections")


def hands_over_all():
    """A relay that seems dead is not asked for every message; its next has all."""
    with Mute(b"421 4.3.2 closing\r\n") as dead, Relay() as second, Relay() as third:
        with server_for(dead.url, "relay.fallback=second", "relay second.url=" + second.url, "relay third.url=" + third.url,
                        "relay third.domains=three.test") as server:
            for number in range(60):
                send(server, "M%d" % number, ["x@elsewhere.test", "y@three.test"])
            harness.expect(sorted(m.subject for m in taken(second, 60)), sorted("M%d" % n for n in range(60)), "each once")
            taken(third, 60)
            assert 5 <= dead.count <= 12, "%d connections to the dead relay" % dead.count


def keeps_what_it_answered():
    """4xx at RCPT or to the message: the relay that answered has it again."""
    with Relay(rcpt={"x@elsewhere.test": ["451 4.7.1 greylisted", "250 2.1.5 fine"]},
               final={"Busy": ["452 4.3.1 full", "250 2.0.0 taken"]}) as first, Relay() as second:
        with server_for(first, *EVERY_SECOND, "relay.fallback=second", "relay second.url=" + second.url) as server:
            send(server, "Grey", ["x@elsewhere.test"])
            send(server, "Busy", ["y@elsewhere.test"])
            taken(first, 2)
            harness.expect(second.mails, [], "MAIL commands at the fallback")
            assert "handed over" not in server.log()


def nobody_takes_over():
    """All are gone: put off, and what was last wrong is known."""
    with server_for(closed_url(), "relay.fallback=second", "relay second.url=" + closed_url()) as server:
        send(server, "Kept", ["x@elsewhere.test"])
        harness.until(lambda: re.search("relay=second status=deferred.*4.4.1 relay", server.log()), "the deferral")


# ---- time-outs ----

def times_out():
    """A relay that hangs at RCPT, and one that has all of the message and does not
    answer in time: it gets it again, the same bytes (the window that SMTP leaves)."""
    with Relay(rcpt={"*": [HANG, "250 2.1.5 fine"]}) as relay, server_for(relay, *EVERY_SECOND, "relay.timeout=1") as server:
        send(server, "Slow", ["x@elsewhere.test"])
        harness.until(lambda: "too slow" in server.log(), "the time-out")
        taken(relay, 1)
    with Relay(final={"*": [HANG, "250 2.0.0 taken"]}) as relay, server_for(relay, *EVERY_SECOND, "relay.final_timeout=1") as server:
        send(server, "Late", ["x@elsewhere.test"])
        harness.until(lambda: "no reply to the message in time" in server.log(), "the time-out")
        taken(relay, 1)
        harness.expect(len(relay.seen), 2, "attempts")
        harness.expect(relay.seen[0], relay.seen[1], "bytes of both attempts")


# ---- what senders are told ----

def warned_once():
    """One warning for all that waits, of nobody; then, in the end, the report."""
    replies = {"slow@elsewhere.test": "451 4.7.1 greylisted", "busy@elsewhere.test": "450 4.2.1 busy"}
    with Relay(rcpt=replies) as relay, server_for(relay, *EVERY_SECOND, "outbox.delay_warning=1") as server:
        send(server, "Late", ["slow@elsewhere.test", "good@elsewhere.test", "busy@elsewhere.test"])
        (item_class, report), = reports(server, "Delayed mail, still being tried")
        harness.expect(item_class, "REPORT.IPM.Note.Delayed")
        harness.expect((report["Return-Path"], report["Auto-Submitted"]), ("<>", "auto-replied"))
        harness.expect([(block["Final-Recipient"], block["Action"], block["Status"]) for block in fields(report)],
                       [("rfc822; slow@elsewhere.test", "delayed", "4.7.1"), ("rfc822; busy@elsewhere.test", "delayed", "4.2.1")])
        assert all(block["Will-Retry-Until"] for block in fields(report))
        tries = server.log().count("status=deferred")
        harness.until(lambda: server.log().count("status=deferred") >= tries + 4, "two more rounds")
        reports(server, "Delayed mail, still being tried")
        relay.answers["rcpt"] = {"*": "550 5.1.1 gone"}
        (item_class, report), = reports(server, "Undelivered mail returned to sender")
        harness.expect((item_class, report["Return-Path"]), ("REPORT.IPM.Note.NDR", "<>"))
    with Relay(rcpt=replies) as relay, server_for(relay, *EVERY_SECOND) as server:
        send(server, "Unwarned", ["slow@elsewhere.test"])
        harness.until(lambda: server.log().count("status=deferred") >= 3, "three tries")
        harness.expect(harness.subjects(server, "inbox"), [], "the warning is off by default")


def receipts():
    """One, when the last recipient is settled: who has it, and by which way;
    who has not is in the other report."""
    wants = "<t:IsDeliveryReceiptRequested>true</t:IsDeliveryReceiptRequested>"
    answers = {"bad@elsewhere.test": "550 5.1.1 nobody", "later@elsewhere.test": ["451 4.3.0 later", "250 2.1.5 now"]}
    with Relay(rcpt=answers) as relay, server_for(relay, *EVERY_SECOND) as server:
        send(server, "Told", ["bob@example.test", "bad@elsewhere.test", "later@elsewhere.test", "good@elsewhere.test"], wants)
        (item_class, report), = reports(server, "Delivery receipt")
        harness.expect(item_class, "REPORT.IPM.Note.DR")
        harness.expect([(block["Final-Recipient"].split()[1], block["Action"], block["Status"]) for block in fields(report)],
                       [("bob@example.test", "delivered", "2.0.0"), ("later@elsewhere.test", "relayed", "2.0.0"),
                        ("good@elsewhere.test", "relayed", "2.0.0")])
        (_, failure), = reports(server, "Undelivered mail returned to sender")
        harness.expect([block["Final-Recipient"] for block in fields(failure)], ["rfc822; bad@elsewhere.test"])
        send(server, "Untold", ["bob@example.test", "good@elsewhere.test"])
        taken(relay, 3)
        harness.until(lambda: server.log().count("status=sent") == 5, "the deliveries")
        reports(server, "Delivery receipt")


def delegates_are_told():
    """Bob sends from Alice's mailbox: what fails is told to Bob."""
    with server_for(closed_url(), "server.domain=example.test", *EVERY_SECOND) as server:
        for right in ("editor", "send-on-behalf"):
            server.ctl("grant", harness.ALICE[0], harness.BOB[0], right)
        message = ('<t:Message><t:Subject>For her</t:Subject><t:Body BodyType="Text">b</t:Body><t:ToRecipients>%s</t:ToRecipients>'
                   '<t:From><t:Mailbox><t:EmailAddress>alice@example.test</t:EmailAddress></t:Mailbox></t:From></t:Message>'
                   % mailboxes(["ghost@example.test"]))
        drafts = ('<m:SavedItemFolderId><t:DistinguishedFolderId Id="drafts"><t:Mailbox><t:EmailAddress>alice@example.test'
                  '</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId></m:SavedItemFolderId>')
        answer = server.soap(harness.envelope('<m:CreateItem MessageDisposition="SaveOnly">%s<m:Items>%s</m:Items></m:CreateItem>'
                                              % (drafts, message)), harness.BOB)
        harness.expect(answer.codes(), ["NoError"], "draft")
        item = answer.ids()[0]
        harness.expect(server.soap(harness.send_item(item["Id"], item["ChangeKey"], "false"), harness.BOB).codes(), ["NoError"])
        (item_class, report), = reports(server, "Undelivered mail returned to sender", user=harness.BOB)
        harness.expect((item_class, report["To"], fields(report)[0]["Status"]), ("REPORT.IPM.Note.NDR", "bob@example.test", "5.1.1"))
        harness.expect(harness.subjects(server, "inbox"), [], "Alice's Inbox")


def no_report_on_reports():
    """A client's message that is a report, or an automatic answer, may fail in
    silence: somebody might answer, and so on."""
    head = "From: alice@example.test\r\nTo: nobody@elsewhere.test\r\nSubject: %s\r\n%s\r\n\r\ntext\r\n"
    silent = ("Auto-Submitted: auto-replied (vacation)", "auto-submitted: AUTO-REPLIED",
              'MIME-Version: 1.0\r\nContent-Type: multipart/report;\r\n report-type=delivery-status; boundary="x"')
    with Relay(rcpt={"*": "550 5.1.1 nobody"}) as relay, server_for(relay) as server:
        for extra in silent:
            send_mime(server, (head % ("Silent", extra)).encode())
        send_mime(server, (head % ("Told", "Auto-Submitted: auto-generated")).encode())
        harness.until(lambda: server.log().count("status=bounced") == 4, "the failures")
        (_, report), = reports(server, "Undelivered mail returned to sender")
        assert "Told" in str(report), report


def circles():
    """Each server adds a Received field, and we do; over 50 it is returned."""
    def message(hops):
        return ("".join("Received: from a.test by b.test; Wed, 25 Nov 2026 04:28:04 +0000\r\n" for _ in range(hops)) +
                "From: alice@example.test\r\nTo: x@elsewhere.test, bob@example.test\r\nSubject: %d\r\n\r\ntext\r\n" % hops).encode()
    with Relay() as relay, server_for(relay) as server:
        send_mime(server, message(51))
        for _, report in reports(server, "Undelivered mail returned to sender", 2):  # by the relay's lane, and here
            harness.expect([block["Status"] for block in fields(report)], ["5.4.6"])
        harness.expect(relay.mails, [], "MAIL commands")
        send_mime(server, message(50))
        got = taken(relay, 1)[0]
        harness.expect((got.subject, len(got.parsed.get_all("Received"))), ("50", 51))
        assert got.content.startswith(b"Received: by mail.example.test (ewsd) with HTTP id "), got.content[:200]
        harness.until(lambda: harness.subjects(server, "inbox", harness.BOB) == ["50"], "Bob's mail")
        item = server.soap(harness.find_item("inbox"), harness.BOB).ids()[0]["Id"]
        mime = next(server.soap(harness.get_item(item, mime=True), harness.BOB).tree.iter("{%s}MimeContent" % harness.T)).text
        harness.expect(base64.b64decode(mime).count(b"Received:"), 51, "fields of what was delivered here")


# ---- DKIM ----

def openssl(*words):
    return subprocess.run(["openssl", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True).stdout


def make_key(folder, name, *algorithm):
    path = os.path.join(folder, name)
    openssl("genpkey", "-out", path, *algorithm)
    os.chmod(path, 0o600)
    return path


def signs(folder):
    """Verified by an independent implementation; the same at every attempt."""
    key = make_key(folder, "dkim.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
    public = base64.b64encode(openssl("pkey", "-in", key, "-pubout", "-outform", "DER"))
    asked = []

    def dns(name, timeout=5):
        asked.append(name)
        return b"v=DKIM1; k=rsa; p=" + public if name == b"s1._domainkey.example.test." else None

    settings = ("dkim.domains=elsewhere.test, Example.test", "dkim.selector=s1", "dkim.key=" + key)
    carol = ("carol@other.test", "secret")
    with Relay(final={"Twice": ["451 4.3.0 again", "250 2.0.0 taken"]}) as relay, server_for(relay, *settings, *EVERY_SECOND) as server:
        for subject in ("Twice", "Gr\u00fc\u00dfe \u2713 " + "long " * 60):
            send(server, subject, ["x@elsewhere.test"])
        send_mime(server, b"From: alice@example.test\nTo: x@elsewhere.test\nX-Odd:   a\n  b \nSubject: odd  ends  \n\n \ta \n\n.\n\n\n")
        for message in taken(relay, 3):
            harness.expect(dkim.verify(message.content, dnsfunc=dns), True, message.subject)
            tags = dict(tag.strip().split("=", 1) for tag in str(message.parsed["DKIM-Signature"]).rstrip(";").split(";"))
            harness.expect((tags["c"], tags["a"], tags["d"]), ("relaxed/relaxed", "rsa-sha256", "example.test"))
            harness.expect(re.sub(r"\s", "", tags["h"]).split(":").count("From"), 2, "From is oversigned")
            forged = message.content.replace(b"\r\nFrom: ", b"\r\nFrom: evil@evil.test\r\nFrom: ", 1)
            harness.expect(dkim.verify(forged, dnsfunc=dns), False, "a From that was added")
            harness.expect(dkim.verify(message.content + b"more\r\n", dnsfunc=dns), False, "a longer body")
        harness.expect(set(asked), {b"s1._domainkey.example.test."})
        first = next(seen for seen in relay.seen if seen[0] == "Twice")
        harness.expect([content for subject, content in relay.seen if subject == "Twice"], [first[1]] * 2, "bytes of both attempts")
        server.ctl("user", "add", carol[0], password=carol[1])
        send(server, "Unsigned", ["x@elsewhere.test"], user=carol)
        harness.expect(taken(relay, 4)[3].parsed["DKIM-Signature"], None)


def keys_are_judged(folder):
    good = make_key(folder, "good.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    loose = make_key(folder, "loose.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024")
    os.chmod(loose, 0o604)
    short = make_key(folder, "short.pem", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:768")
    curve = make_key(folder, "curve.pem", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    rubbish = os.path.join(folder, "rubbish.pem")
    with open(rubbish, "w") as out:
        out.write("-----BEGIN NOTHING-----\n")
    os.chmod(rubbish, 0o600)
    for key, selector, why in ((loose, "s", "mode 604"), (short, "s", "1024 bits"), (curve, "s", "RSA"), (rubbish, "s", "RSA"),
                               (os.path.join(folder, "absent"), "s", "No such file"), (good, "", "selector"), (good, "a b", "selector")):
        done = subprocess.run([harness.binary(), "dev", "--listen", "127.0.0.1:0", "--relay", "smtp://relay.test:25", "--set",
                               "dkim.domains=example.test", "--set", "dkim.selector=" + selector, "--set", "dkim.key=" + key],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=harness.PATIENCE,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))  # libopendkim leaks a key that it refuses
        harness.expect((done.returncode, done.stdout), (64, ""), why)
        assert why in done.stderr and "[dkim]" in done.stderr, (why, done.stderr)
    with server_for("smtp://relay.test:25", "dkim.domains=example.test", "dkim.selector=s", "dkim.key=" + good):
        pass


def cases(folder):
    return (
        ("relays by sender and recipient", by_sender),
        ("concurrency of a relay", no_more_at_once),
        ("a fallback takes over", hands_over),
        ("a fallback for a dead relay", hands_over_all),
        ("a relay keeps what it answered", keeps_what_it_answered),
        ("a fallback that is gone, too", nobody_takes_over),
        ("a relay that answers after the time-out", times_out),
        ("a warning of delay, once", warned_once),
        ("receipts of delivery", receipts),
        ("reports to a delegate", delegates_are_told),
        ("no report on reports", no_report_on_reports),
        ("messages that go in circles", circles),
        ("DKIM signatures", lambda: signs(folder)),
        ("DKIM keys that are refused", lambda: keys_are_judged(folder)),
    )
