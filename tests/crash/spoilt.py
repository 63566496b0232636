"""That the books of a Snapshot can be found wrong: a store with something in
every table they are about is spoilt, once for each book, and the book must notice."""

import contextlib
import os
import shutil
import sqlite3
import tempfile

import harness
from harness import create_item, expect
from clients import attachments
from snapshot import BOOKS

SPOILS = {
    "folder counters": "UPDATE folder SET unread = unread + 1 WHERE name = 'Drafts'",
    "items in no folder": "UPDATE item SET folder_no = 999",
    "sizes of mailboxes": "UPDATE counter SET size = size + 1",
    "references to content": "UPDATE content SET refs = refs + 1",
    "parts without content": "DELETE FROM content",
    "pieces that nobody would sweep": "DELETE FROM content",
    "attachments that are not whole": "DELETE FROM chunk WHERE part = 3 AND seq = 0",
    "bodies that are not whole": "DELETE FROM chunk WHERE part = 1",
    "garbage that is referred to": "INSERT INTO garbage SELECT mailbox_id, content_no, 0 FROM content",
    "numbers given twice": "UPDATE counter SET next_no = next_no - 1000",
    "change numbers of two": "UPDATE item SET change_no = 1",
    "items whose last change was not noted": "DELETE FROM change",
    "outbox entries with nobody to go to": "UPDATE outbox_recipient SET state = 1",
    "recipients without an entry": "DELETE FROM outbox",
    "when entries fall due": "UPDATE outbox SET due = due + 1",
}
MIME = "U3ViamVjdDogbWltZQ0KDQpib2R5DQo="


def fill(server):
    """Drafts of each kind, and something that waits for a relay that is not there."""
    files = harness.a_message("files", extra="<t:Attachments>%s</t:Attachments>" % attachments(["a-0-300000.bin"]))
    for message, disposition in ((files, "SaveOnly"), (files, "SendAndSaveCopy"),
                                 ("<t:MimeContent>%s</t:MimeContent>" % MIME, "SaveOnly")):
        expect(server.soap(create_item(message, disposition)).codes(), ["NoError"], "CreateItem")


def check():
    expect(list(SPOILS), list(BOOKS), "a way to spoil each book")
    folder = tempfile.mkdtemp(prefix="ewsd-spoilt-")
    try:
        with harness.Server("--relay", "smtp://127.0.0.1:1", data=os.path.join(folder, "data")) as server:
            fill(server)
        for what, spoil in SPOILS.items():
            copy = os.path.join(folder, "copy.db")
            shutil.copyfile(os.path.join(folder, "data", "ewsd.db"), copy)
            with contextlib.closing(sqlite3.connect(copy)) as db:
                expect(db.execute(BOOKS[what]).fetchall(), [], what)
                db.execute(spoil)
                assert db.execute(BOOKS[what]).fetchall(), "nothing noticed: " + what
    finally:
        shutil.rmtree(folder)
