"""A name server of a test's own: addresses and mail exchangers out of two tables,
and nobody else's names."""

import socket
import struct
import threading

A, MX = 1, 15


def packed(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Names:
    """addresses: {name: address}; exchangers: {domain: name}."""

    def __init__(self, address, addresses, exchangers):
        self.addresses, self.exchangers = addresses, exchangers
        self.peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.peer.bind((address, 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            question, asker = self.peer.recvfrom(4096)
            self.peer.sendto(self.answer(question), asker)

    def answer(self, message):
        labels, at = [], 12
        while message[at]:
            labels.append(message[at + 1:at + 1 + message[at]].decode(errors="replace"))
            at += 1 + message[at]
        kind = struct.unpack("!H", message[at + 1:at + 3])[0]
        name, question = ".".join(labels).lower(), message[12:at + 5]
        data = None
        if kind == A and name in self.addresses:
            data = socket.inet_aton(self.addresses[name])
        elif kind == MX and name in self.exchangers:
            data = struct.pack("!H", 10) + packed(self.exchangers[name])
        known = name in self.addresses or name in self.exchangers
        head = struct.pack("!2sHHHHH", message[:2], 0x8580 if known else 0x8583, 1, 1 if data else 0, 0, 0)
        return head + question + (b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(data)) + data if data else b"")
