"""A relay that follows a script: aiosmtpd in a thread, whose answers a test
chooses by address (RCPT), by sender (MAIL) or by subject (the message), and
which notes what it saw. An answer is a reply, a list of them (one for each
time, the last for good), DROP, or HANG: the relay says nothing until go() is
called, and then takes it."""

import asyncio
import email
import email.policy
import logging
import ssl
import threading
import warnings

from aiosmtpd.smtp import SMTP, AuthResult

DROP, HANG = object(), object()
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)  # refused handshakes are wanted
warnings.simplefilter("ignore")


class Message:
    def __init__(self, envelope, session):
        self.sender, self.rcpts = envelope.mail_from, list(envelope.rcpt_tos)
        self.options = list(envelope.mail_options)
        self.content = bytes(envelope.content)
        self.tls = session.ssl is not None
        self.user, self.helo = getattr(session, "login", None), session.host_name

    @property
    def parsed(self):
        return email.message_from_bytes(self.content, policy=email.policy.default)

    @property
    def subject(self):
        return self.parsed["subject"]


class Relay:
    """A running relay on an ephemeral port; use it in a `with`."""

    def __init__(self, rcpt=None, mail=None, final=None, hide=(), size=33554432, utf8=True, tls=None, wrapped=None,
                 users=None, hang_up_after=None, second_mail=None, address=("127.0.0.1", 0)):
        """hang_up_after: messages, behind which a connection is closed.
        second_mail: the answer to a MAIL that isn't its connection's first; the line then ends."""
        self.answers = {"rcpt": rcpt or {}, "mail": mail or {}, "final": final or {}}
        self.hide, self.size, self.utf8, self.tls, self.wrapped = hide, size, utf8, tls, wrapped
        self.users, self.hang_up_after, self.second_mail, self.address = users, hang_up_after, second_mail, address
        self.messages, self.mails, self.commands, self.connections = [], [], [], 0
        self.seen = []  # subject and bytes, also of what was refused
        self.hanging = self.ended = 0
        self.loop = asyncio.new_event_loop()
        self.gate = None
        self.ready = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        self.ready.wait()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()

    def run(self):
        asyncio.set_event_loop(self.loop)
        self.gate = asyncio.Event()
        self.server = self.loop.run_until_complete(
            self.loop.create_server(self.session, *self.address, ssl=self.wrapped))
        self.port = self.server.sockets[0].getsockname()[1]
        self.loop.set_exception_handler(lambda loop, context: None)
        self.ready.set()
        self.loop.run_forever()
        self.server.close()
        for task in asyncio.all_tasks(self.loop):
            task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.close()

    @property
    def url(self):
        return "smtp%s://127.0.0.1:%d" % ("s" if self.wrapped else "", self.port)

    def go(self):
        self.loop.call_soon_threadsafe(self.gate.set)

    def subjects(self):
        return sorted(message.subject for message in list(self.messages))

    # ---- aiosmtpd's side ----

    def session(self):
        self.connections += 1
        handler = Handler(self)
        smtp = SMTP(handler, hostname="scripted.test", loop=self.loop, data_size_limit=self.size, enable_SMTPUTF8=self.utf8,
                    tls_context=self.tls, authenticator=handler.authenticate, auth_required=bool(self.users),
                    auth_require_tls=False, timeout=600)
        handler.smtp = smtp
        return smtp

    async def answer(self, kind, key, smtp, otherwise):
        found = self.answers[kind].get(key, self.answers[kind].get("*"))
        if isinstance(found, list):
            found = found.pop(0) if len(found) > 1 else found[0]
        if found is DROP:
            smtp.transport.abort()
            await asyncio.sleep(3600)
        if found is HANG:
            self.hanging += 1
            await self.gate.wait()
            self.hanging -= 1
        return found if isinstance(found, str) else otherwise


class Handler:
    def __init__(self, relay):
        self.relay, self.smtp, self.taken = relay, None, 0

    def authenticate(self, server, session, envelope, mechanism, data):
        self.relay.commands.append("AUTH " + mechanism)
        login, password = data.login.decode(), data.password.decode()
        good = self.relay.users is not None and self.relay.users.get(login) == password
        if good:
            session.login = login
        return AuthResult(success=good, handled=good)

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        hide = tuple(self.relay.hide) + (() if self.relay.users else ("AUTH",))
        return [line for line in responses if not line[4:].startswith(hide)]

    async def handle_MAIL(self, server, session, envelope, address, options):
        self.relay.mails.append(address)
        if self.taken and self.relay.second_mail:
            self.relay.ended += 1
            if isinstance(self.relay.second_mail, str):
                await self.smtp.push(self.relay.second_mail)
                self.smtp.transport.close()
            else:
                self.smtp.transport.abort()
            await asyncio.sleep(3600)
        reply = await self.relay.answer("mail", address, self.smtp, "250 2.1.0 fine")
        if reply[0] == "2":
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return reply

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = await self.relay.answer("rcpt", address, self.smtp, "250 2.1.5 fine")
        if reply[0] == "2":
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server, session, envelope):
        message = Message(envelope, session)
        self.relay.commands.append("DATA " + str(message.subject))
        self.relay.seen.append((message.subject, message.content))
        reply = await self.relay.answer("final", message.subject, self.smtp, "250 2.0.0 taken")
        if reply[0] == "2":
            self.relay.messages.append(message)
            self.taken += 1
        if self.relay.hang_up_after == self.taken:
            self.relay.loop.call_later(0, self.smtp.transport.close)
        return reply


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
