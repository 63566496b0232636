"""A letter of the storm: what it is called, whom it goes to, and what its
client knows of it. Its subject, "TOKEN vVERSION", tells which it is wherever it
turns up, and how far it was edited; the names of its files tell their bytes."""

import collections
import random
import re

DOMAIN = "example.test"
# Where a letter is in its owner's mailbox (None: nowhere), and whether it was
# submitted.
State = collections.namedtuple("State", "folder version files submitted")
NOWHERE = State(None, 0, (), False)
DRAFTS, SENT, JUNK, INBOX = "Drafts", "Sent Items", "Junk Email", "Inbox"


def file_data(name):
    """What a file of that name holds: TOKEN-NUMBER-SIZE.bin"""
    found = re.fullmatch(r".*-(\d+)\.bin", name)
    return random.Random(name).randbytes(int(found.group(1))) if found else None


def read_subject(subject):
    """(token, version)"""
    token, _, version = (subject or "").partition(" v")
    return token, int(version) if version.isdigit() else None


class Letter:
    def __init__(self, token, owner, rcpts):
        self.token, self.owner, self.rcpts = token, owner, rcpts
        self.state = NOWHERE   # as answered, or as found after a kill
        self.pending = None    # what it will be when the request under way is done
        self.id = self.key = None

    def __repr__(self):
        return "%s of %s %s, pending %s" % (self.token, self.owner, self.state, self.pending)

    @property
    def subject(self):
        return "%s v%d" % (self.token, self.state.version)

    def answered(self):
        self.state, self.pending = self.pending, None

    def after(self, **changes):
        return self.state._replace(**changes)


def is_local(rcpt):
    return rcpt.endswith("@" + DOMAIN)


def is_refused(rcpt):
    """The sink will have none of it; the sender gets a report."""
    return rcpt.startswith("never-")
