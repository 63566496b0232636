"""ItemIds, FolderIds, AttachmentIds and ChangeKeys as the store makes them
(src/model/id.h), made here from any numbers and under any key: ids of what is
not there, of another store, and ids put together from two others."""

import base64
import hashlib
import hmac
import struct
import uuid

FOLDER, ITEM, ATTACHMENT = 1, 2, 3


class Forge:
    """Makes ids that are genuine for the store whose key it has."""

    def __init__(self, key):
        self.key = key

    def tag(self, mailbox, kind, folder, item=0, attachment=0):
        text = mailbox + struct.pack("<BQQI", kind, folder, 0 if kind == FOLDER else item,
                                     attachment if kind == ATTACHMENT else 0)
        return hmac.new(self.key, text, hashlib.sha256).digest()[:16]

    def folder(self, mailbox, number, tag=None):
        return encode(mailbox, store_id(mailbox, number, None, tag or self.tag(mailbox, FOLDER, number)))

    def item(self, mailbox, folder, number, tag=None):
        return encode(mailbox, store_id(mailbox, folder, number, tag or self.tag(mailbox, ITEM, folder, number)))

    def attachment(self, mailbox, folder, item, number, tag=None):
        tag = tag or self.tag(mailbox, ATTACHMENT, folder, item, number)
        tail = struct.pack("<BH", 1, 20) + tag + struct.pack("<I", number)
        return encode(mailbox, store_id(mailbox, folder, item, self.tag(mailbox, ITEM, folder, item)) + tail)


def big48(number):
    return number.to_bytes(6, "big") + b"\0\0"


def store_id(mailbox, folder, item, tag):
    is_folder = item is None
    body = struct.pack("<I", 0) + mailbox + struct.pack("<H", 1 if is_folder else 7)
    if not is_folder:
        body += mailbox + big48(folder)
    body += tag + big48(folder if is_folder else item)
    return struct.pack("<H", len(body)) + body


def encode(mailbox, rest):
    moniker = str(uuid.UUID(bytes_le=mailbox)).encode()
    return base64.b64encode(b"\0\x03" + struct.pack("<H", len(moniker)) + moniker + b"\0" + rest).decode()


def numbers(item_id):
    """(mailbox, folder, item) of an ItemId."""
    raw = base64.b64decode(item_id)
    body = raw[43:]
    return body[4:20], int.from_bytes(body[38:44], "big"), int.from_bytes(body[62:68], "big")


def other_epoch(change_key):
    """The same ChangeKey, as a copy of the store would have given it."""
    raw = bytearray(base64.b64decode(change_key))
    raw[8:24] = bytes(byte ^ 0x5a for byte in raw[8:24])
    return base64.b64encode(bytes(raw)).decode()


def folder_number(folder_id):
    return int.from_bytes(base64.b64decode(folder_id)[43 + 38:43 + 44], "big")
