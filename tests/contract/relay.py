"""A relay for test_relay: refuses and defers by the recipient's name.

Prints its port, then serves until standard input ends. Each message that it
took is written to the file given as argument: the envelope in two lines, then
the bytes."""
import asyncio
import sys

from aiosmtpd.smtp import SMTP

REPLIES = {"refused": "550 5.1.1 no such person", "later": "451 4.2.0 come back later"}


class Handler:
    async def handle_MAIL(self, server, session, envelope, address, options):
        if address.startswith("banned@"):
            return "554 5.7.1 not you"
        envelope.mail_from = address
        return "250 2.1.0 fine"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("slow@"):
            await asyncio.sleep(20)
        reply = REPLIES.get(address.split("@")[0])
        if reply:
            return reply
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        if b"busy" in envelope.content:
            return "452 4.3.1 disk full"
        with open(sys.argv[1], "wb") as out:
            out.write(f"{envelope.mail_from}\n{','.join(envelope.rcpt_tos)}\n".encode() + envelope.content)
        return "250 2.0.0 taken"


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Handler(), loop=loop), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(main())
