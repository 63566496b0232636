"""The store as a dead server left it: its files are copied and read with
SQLite, so that the recovery is the next server's to do. Read are what the
ledger compares, and the store's own books: counters, references and numbers
must agree with the rows."""

import collections
import contextlib
import os
import re
import shutil
import sqlite3

from letters import INBOX, read_subject
from life import Violation

# Each finds rows only where something is wrong. An item that was sent and its
# outbox entry, which has the number before, hold their content together.
BOOKS = {
    "folder counters": """
        SELECT f.mailbox_id, f.name, f.total, f.unread, COUNT(i.item_no), COUNT(CASE WHEN i.is_read = 0 THEN 1 END)
        FROM folder f LEFT JOIN item i ON i.mailbox_id = f.mailbox_id AND i.folder_no = f.folder_no AND i.associated = 0
        GROUP BY f.mailbox_id, f.folder_no HAVING f.total <> COUNT(i.item_no)
        OR f.unread <> COUNT(CASE WHEN i.is_read = 0 THEN 1 END)""",
    "items in no folder": """
        SELECT i.mailbox_id, i.item_no, i.folder_no FROM item i LEFT JOIN folder f
        ON f.mailbox_id = i.mailbox_id AND f.folder_no = i.folder_no WHERE f.folder_no IS NULL""",
    "sizes of mailboxes": """
        SELECT m.mailbox_id, m.size, TOTAL(i.size) FROM counter m LEFT JOIN item i ON i.mailbox_id = m.mailbox_id
        GROUP BY m.mailbox_id HAVING m.size <> TOTAL(i.size)""",
    "references to content": """
        WITH users AS (SELECT mailbox_id, content_no FROM item
            UNION ALL SELECT mailbox_id, content_no FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM item i
                WHERE i.mailbox_id = o.mailbox_id AND i.item_no = o.outbox_no + 1 AND i.flags & 0x4000)
            UNION ALL SELECT mailbox_id, data_no FROM attachment WHERE data_no <> 0
            UNION ALL SELECT mailbox_id, content_no FROM capture),
        counted AS (SELECT mailbox_id, content_no, COUNT(*) AS n FROM users GROUP BY mailbox_id, content_no)
        SELECT * FROM counted u FULL JOIN content c ON c.mailbox_id = u.mailbox_id AND c.content_no = u.content_no
        WHERE u.n IS NULL OR c.refs IS NULL OR u.n <> c.refs""",
    "parts without content": """
        WITH part AS (SELECT DISTINCT 'recipient', mailbox_id, content_no FROM recipient UNION ALL
            SELECT DISTINCT 'attachment', mailbox_id, content_no FROM attachment)
        SELECT * FROM part p WHERE NOT EXISTS
            (SELECT 1 FROM content c WHERE c.mailbox_id = p.mailbox_id AND c.content_no = p.content_no)""",
    "pieces that nobody would sweep": """
        SELECT DISTINCT p.mailbox_id, p.content_no FROM chunk p WHERE NOT EXISTS
            (SELECT 1 FROM content c WHERE c.mailbox_id = p.mailbox_id AND c.content_no = p.content_no)
        AND NOT EXISTS (SELECT 1 FROM garbage g WHERE g.mailbox_id = p.mailbox_id AND g.content_no = p.content_no)""",
    "attachments that are not whole": """
        SELECT a.mailbox_id, a.content_no, a.no, a.size, (SELECT TOTAL(LENGTH(p.data)) FROM chunk p
            WHERE p.mailbox_id = a.mailbox_id AND p.content_no = CASE a.data_no WHEN 0 THEN a.content_no ELSE a.data_no END
            AND p.part = CASE a.data_no WHEN 0 THEN 2 + a.no ELSE 2 END) AS there
        FROM attachment a WHERE a.size <> there""",
    "bodies that are not whole": """
        SELECT c.mailbox_id, c.content_no, c.body_size, c.mime_size FROM content c WHERE (c.body IS NULL AND c.body_size > 0
            AND c.body_size <> (SELECT TOTAL(LENGTH(p.data)) FROM chunk p
                WHERE p.mailbox_id = c.mailbox_id AND p.content_no = c.content_no AND p.part = 0))
        OR c.mime_size <> (SELECT TOTAL(LENGTH(p.data)) FROM chunk p
                WHERE p.mailbox_id = c.mailbox_id AND p.content_no = c.content_no AND p.part = 1)""",
    "garbage that is referred to": """
        SELECT g.mailbox_id, g.content_no FROM garbage g JOIN content c
        ON c.mailbox_id = g.mailbox_id AND c.content_no = g.content_no""",
    "numbers given twice": """
        WITH used AS (SELECT mailbox_id, item_no AS no, 0 AS change FROM item UNION ALL
            SELECT mailbox_id, content_no, 0 FROM content UNION ALL SELECT mailbox_id, outbox_no, 0 FROM outbox UNION ALL
            SELECT mailbox_id, 0, change_no FROM change UNION ALL SELECT mailbox_id, 0, change_no FROM item UNION ALL
            SELECT mailbox_id, 0, key_no FROM item UNION ALL SELECT mailbox_id, 0, change_no FROM folder)
        SELECT u.mailbox_id, MAX(u.no), m.next_no, MAX(u.change), m.next_change FROM used u
        JOIN counter m ON m.mailbox_id = u.mailbox_id GROUP BY u.mailbox_id
        HAVING MAX(u.no) >= m.next_no OR MAX(u.change) > m.next_change""",
    "change numbers of two": """
        SELECT mailbox_id, change_no, COUNT(*) FROM change GROUP BY mailbox_id, change_no HAVING COUNT(*) > 1 UNION ALL
        SELECT mailbox_id, change_no, COUNT(*) FROM item GROUP BY mailbox_id, change_no HAVING COUNT(*) > 1""",
    "items whose last change was not noted": """
        SELECT i.mailbox_id, i.item_no, i.change_no FROM item i WHERE NOT EXISTS (SELECT 1 FROM change c
            WHERE c.mailbox_id = i.mailbox_id AND c.change_no = i.change_no
            AND ((c.item_no = i.item_no AND c.folder_no = i.folder_no)
                OR (c.to_item_no = i.item_no AND c.to_folder_no = i.folder_no)))""",
    "outbox entries with nobody to go to": """
        SELECT o.mailbox_id, o.outbox_no FROM outbox o WHERE NOT EXISTS (SELECT 1 FROM outbox_recipient r
            WHERE r.mailbox_id = o.mailbox_id AND r.outbox_no = o.outbox_no AND r.state = 0)""",
    "recipients without an entry": """
        SELECT r.mailbox_id, r.outbox_no, r.address FROM outbox_recipient r WHERE NOT EXISTS
            (SELECT 1 FROM outbox o WHERE r.mailbox_id = o.mailbox_id AND r.outbox_no = o.outbox_no)""",
    "when entries fall due": """
        SELECT o.mailbox_id, o.outbox_no, o.due, MIN(MAX(r.lease_until, r.next_attempt)) FROM outbox o
        JOIN outbox_recipient r ON r.mailbox_id = o.mailbox_id AND r.outbox_no = o.outbox_no AND r.state = 0
        GROUP BY o.mailbox_id, o.outbox_no HAVING o.due <> MIN(MAX(r.lease_until, r.next_attempt))""",
}


class Snapshot:
    """data: the folder of a store that no server has open; scratch: a folder
    for the copy, which is gone when this returns."""

    def __init__(self, data, scratch):
        self.own = collections.defaultdict(list)      # token: (user, folder, version, files)
        self.inbox = collections.defaultdict(list)    # (token, user): (version, files)
        self.reports = collections.Counter()          # token
        self.entries = collections.defaultdict(list)  # token: addresses that wait
        self.numbers, self.history = {}, []           # by mailbox; rows of change
        for name in ("ewsd.db", "ewsd.db-wal"):
            if os.path.exists(os.path.join(data, name)):
                shutil.copyfile(os.path.join(data, name), os.path.join(scratch, name))
        try:
            with contextlib.closing(sqlite3.connect(os.path.join(scratch, "ewsd.db"))) as self.db:
                if self.is_born():
                    self.check_books()
                    self.read()
        finally:
            for name in os.listdir(scratch):
                os.unlink(os.path.join(scratch, name))

    def is_born(self):
        """The first server may have died before it had made the mailboxes."""
        made = self.db.execute("SELECT COUNT(*) FROM sqlite_master WHERE name = 'mailbox'").fetchone()[0]
        return made and self.db.execute("SELECT COUNT(*) FROM mailbox").fetchone()[0]

    def check_books(self):
        wrong = [text for text, in self.db.execute("PRAGMA quick_check")]
        if wrong != ["ok"]:
            raise Violation("the database is damaged: %s" % wrong)
        for what, query in BOOKS.items():
            found = self.db.execute(query).fetchmany(5)
            if found:
                raise Violation("%s: %s" % (what, found))

    def read(self):
        files = self.read_files()
        for user, folder, subject, mailbox_id, content_no, item_class, body in self.db.execute(
                "SELECT m.address, f.name, i.subject, i.mailbox_id, i.content_no, i.item_class, "
                "CASE WHEN i.item_class LIKE 'REPORT%' THEN c.body END FROM item i "
                "JOIN mailbox m ON m.mailbox_id = i.mailbox_id "
                "JOIN folder f ON f.mailbox_id = i.mailbox_id AND f.folder_no = i.folder_no "
                "JOIN content c ON c.mailbox_id = i.mailbox_id AND c.content_no = i.content_no"):
            token, version = read_subject(subject)
            names = tuple(sorted(files[mailbox_id, content_no]))
            if item_class.startswith("REPORT"):
                self.reports[re.search(rb"Subject: (\S+) v\d+", body).group(1).decode()] += 1
            elif folder == INBOX:
                self.inbox[token, user].append((version, names))
            else:
                self.own[token].append((user, folder, version, names))
        self.read_outbox()
        self.numbers = {mailbox_id: (next_no, next_change) for mailbox_id, next_no, next_change in
                        self.db.execute("SELECT mailbox_id, next_no, next_change FROM counter")}
        self.history = self.db.execute("SELECT * FROM change ORDER BY mailbox_id, change_no").fetchall()

    def read_files(self):
        files = collections.defaultdict(list)
        for mailbox_id, content_no, name in self.db.execute("SELECT mailbox_id, content_no, name FROM attachment"):
            files[mailbox_id, content_no].append(name)
        return files

    def read_outbox(self):
        for mailbox_id, outbox_no, subject in self.db.execute("SELECT mailbox_id, outbox_no, subject FROM outbox"):
            waiting = [address for address, in self.db.execute(
                "SELECT address FROM outbox_recipient WHERE mailbox_id = ? AND outbox_no = ? AND state = 0",
                (mailbox_id, outbox_no))]
            self.entries[read_subject(subject)[0]].append(waiting)

    def tokens(self):
        return set(self.own) | {token for token, _ in self.inbox} | set(self.entries) | set(self.reports)

    def follows(self, before):
        """What was noted in an earlier snapshot still is, and what came since has
        higher numbers."""
        for mailbox_id, numbers in before.numbers.items():
            if any(now < then for now, then in zip(self.numbers[mailbox_id], numbers)):
                raise Violation("the numbers of mailbox %d went back" % mailbox_id)
        old = [row for row in self.history if row[1] <= before.numbers.get(row[0], (0, 0))[1]]
        if old != before.history:
            raise Violation("what was noted of changes changed: %s" % sorted(set(old) ^ set(before.history))[:5])
