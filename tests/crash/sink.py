#!/usr/bin/python3
"""The world outside: an SMTP server that takes mail and writes down each
message before it answers for it, so that what it answered for is on record.
It says what happens as lines of JSON on standard output, in order:

{"port": N} first; {"open": 1} and {"close": 1} for each connection;
{"token", "version", "id", "rcpts", "files", "hash", "at"} for each message taken;
{"echo": TEXT} for each line on standard input.

Recipients called later-* are put off the first time, never-* are refused.
It ends with its standard input. Its argument is the address that it listens on."""

import asyncio
import email
import email.policy
import hashlib
import json
import logging
import os
import sys
import time
import warnings

from aiosmtpd.smtp import SMTP

from letters import file_data, read_subject

logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.simplefilter("ignore")


def tell(**event):
    os.write(1, json.dumps(event).encode() + b"\n")


def files_of(message):
    """Names of attachments; one whose bytes are others than its name says has
    another name."""
    names = []
    for part in message.walk():
        name = part.get_filename()
        if name:
            good = part.get_payload(decode=True) == file_data(name)
            names.append(name if good else "damaged: " + name)
    return sorted(names)


class Handler:
    def __init__(self):
        self.put_off = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never-"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("later-") and address not in self.put_off:
            self.put_off.add(address)
            return "451 4.2.1 come again"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        """No await in here: a message is taken down whole, or was not taken."""
        message = email.message_from_bytes(envelope.content, policy=email.policy.compat32)
        token, version = read_subject(message["Subject"])
        tell(token=token, version=version, id=message["Message-ID"], rcpts=envelope.rcpt_tos, files=files_of(message),
             hash=hashlib.sha256(envelope.content).hexdigest(), at=time.monotonic())
        return "250 2.0.0 taken"


class Session(SMTP):
    def connection_made(self, transport):
        tell(open=1)
        super().connection_made(transport)

    def connection_lost(self, error):
        super().connection_lost(error)
        tell(close=1)


async def serve():
    handler, loop = Handler(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Session(handler, data_size_limit=1 << 26, enable_SMTPUTF8=True), sys.argv[1], 0)
    loop.set_exception_handler(lambda loop, context: None)
    tell(port=server.sockets[0].getsockname()[1])
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tell(echo=line.strip())


asyncio.run(serve())
