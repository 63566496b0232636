"""The three ledgers, and what must be true of them together after each kill:
what was answered NoError (the letters), what is in the store (a Snapshot of the
files as the dead server left them), and what arrived (the Inboxes of the
snapshot, and what the sink wrote down).

As the server is dead while they are compared, nothing is in the air: a request
that got no answer was done wholly or not at all, and the snapshot says which."""

import collections
import threading

from letters import INBOX, NOWHERE, SENT, State, is_local, is_refused
from life import Violation


class Arrival:
    """One message at the sink, for one recipient."""

    def __init__(self, event, life):
        self.life, self.at = life, event["at"]
        self.said = (event["version"], tuple(event["files"]), event["hash"], event["id"])


class Ledger:
    def __init__(self):
        self.letters = {}                                # by token
        self.arrivals = collections.defaultdict(list)    # (token, rcpt) at the sink
        self.queued, self.settled = set(), set()         # (token, rcpt), as of the last kill
        self.keys = {}                                   # what each (Id, ChangeKey) stood for
        self.counts = collections.Counter()
        self.widest = 0.0                                # seconds between a reply of the sink and the kill that hid it
        self.life, self.killed_at = 0, {}                # number, and when each ended
        self.lock = threading.Lock()

    def count(self, what, n=1):
        with self.lock:
            self.counts[what] += n

    def note_key(self, letter):
        """A ChangeKey stands for one state of one item, for good."""
        with self.lock:
            known = self.keys.setdefault((letter.id, letter.key), (letter.token, letter.state))
        if known != (letter.token, letter.state):
            raise Violation("an id and key that stood for %s were told for %s" % (known, letter))

    # ---- what arrived outside

    def note_arrivals(self, events):
        """Of the life that ends now, before its end is audited."""
        for event in events:
            if event["token"] not in self.letters:
                raise Violation("the sink got what nobody wrote: %s" % event)
            for rcpt in event["rcpts"]:
                self.note_arrival((event["token"], rcpt), Arrival(event, self.life))

    def note_arrival(self, key, arrival):
        """A second arrival may be only where a kill hid the first one's reply:
        the store that it left had the recipient still queued."""
        if key[1] not in self.letters[key[0]].rcpts:
            raise Violation("%s arrived for %s, whom it was not for" % key)
        before = self.arrivals[key]
        before.append(arrival)
        self.count("relay arrivals")
        if len(before) == 1:
            return
        if before[-2].life == arrival.life:
            raise Violation("%s arrived twice for %s without a kill between" % key)
        if key not in self.queued:
            raise Violation("%s arrived again for %s after it was settled" % key)
        if before[-2].said != arrival.said:
            raise Violation("%s arrived for %s as %s, then as %s" % (key + (before[-2].said, arrival.said)))
        self.count("relay arrivals hidden by a kill and repeated")
        self.widest = max(self.widest, self.killed_at[before[-2].life] - before[-2].at)

    # ---- the audit

    def audit(self, snapshot, at):
        """at: when the server died."""
        queued = {(token, rcpt) for token, entries in snapshot.entries.items() for entry in entries for rcpt in entry}
        back = queued & self.settled
        if back:
            raise Violation("queued again after they were settled: %s" % sorted(back))
        self.queued = queued
        strangers = snapshot.tokens() - set(self.letters)
        if strangers:
            raise Violation("in the store, and nobody's: %s" % sorted(strangers))
        for letter in list(self.letters.values()):
            self.resolve(letter, self.find_state(letter, snapshot))
            self.check_rcpts(letter, snapshot)
        self.killed_at[self.life] = at
        self.life += 1

    def find_state(self, letter, snapshot):
        """As it is in the store: never in two places, never in half."""
        places = snapshot.own[letter.token]
        if len(places) > 1 or len(snapshot.entries[letter.token]) > 1:
            raise Violation("%s is in two places: %s, outbox %s" % (letter, places, snapshot.entries[letter.token]))
        user, folder, version, files = places[0] if places else (letter.owner, None, None, None)
        submitted = folder == SENT or bool(snapshot.entries[letter.token]) or any(
            self.arrived(letter, rcpt, snapshot) for rcpt in letter.rcpts)
        if user != letter.owner:
            raise Violation("%s is in the mailbox of %s" % (letter, user))
        return State(folder, version, files, submitted)

    def resolve(self, letter, found):
        """The server is dead, so what was asked of it is done or never will be."""
        def same(state):
            return state and (found.folder, found.submitted) == (state.folder, state.submitted) and (
                found.folder is None or found == state)
        if letter.pending and letter.pending != letter.state:
            if same(letter.pending):
                self.count("unanswered, and done")
                letter.state = letter.pending
            else:
                self.count("unanswered, and not done")
        letter.pending = None
        if not same(letter.state):
            raise Violation("%s was found as %s" % (letter, found))

    def arrived(self, letter, rcpt, snapshot):
        """How often. What is refused arrives as a report."""
        if is_local(rcpt):
            return len(snapshot.inbox[letter.token, rcpt])
        if is_refused(rcpt):
            return snapshot.reports[letter.token]
        return len(self.arrivals[letter.token, rcpt])

    def check_rcpts(self, letter, snapshot):
        """Waiting or arrived, once what was sent was sent."""
        if not letter.state.submitted:
            return
        for rcpt in letter.rcpts:
            n = self.arrived(letter, rcpt, snapshot)
            waits = (letter.token, rcpt) in self.queued
            if n == 0 and not waits:
                raise Violation("LOST: %s for %s is neither queued nor did it arrive" % (letter, rcpt))
            if n > 1 and (is_local(rcpt) or is_refused(rcpt)):
                raise Violation("DOUBLED: %s for %s arrived %d times" % (letter, rcpt, n))
            if not waits:
                self.settled.add((letter.token, rcpt))
            self.check_copies(letter, rcpt, snapshot)

    def check_copies(self, letter, rcpt, snapshot):
        """What arrived is what was sent."""
        sent = letter.state[1:3]
        copies = snapshot.inbox[letter.token, rcpt] + [one.said[:2] for one in self.arrivals.get((letter.token, rcpt), ())]
        for copy in copies:
            if copy != sent:
                raise Violation("%s arrived for %s as %s" % (letter, rcpt, copy))

    # ---- at the end of a round

    def check_complete(self):
        if self.queued:
            raise Violation("still queued: %s" % sorted(self.queued))
        submitted = [one for one in self.letters.values() if one.state.submitted]
        self.count("letters sent", len(submitted))
        self.count("recipients in the store", sum(is_local(rcpt) for one in submitted for rcpt in one.rcpts))
        self.count("recipients at the relay", sum(not is_local(rcpt) for one in submitted for rcpt in one.rcpts))

    def folder(self, user, name):
        """The subjects that must be there, sorted."""
        if name == INBOX:
            return sorted(one.subject for one in self.letters.values() if one.state.submitted and user in one.rcpts)
        return sorted(one.subject for one in self.letters.values()
                      if one.state != NOWHERE and (one.owner, one.state.folder) == (user, name))
