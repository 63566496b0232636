"""The whole store, the capture and the Inboxes against the world. Deliveries
come when they come; so an audit first waits until as many have come as must, and
then everything must be as the world has it: nothing missing, nothing twice."""

import collections
import email
import email.policy
import json

import wire
from harness import ENGINE, expect, until
from wire import read_item
from world import FOLDERS, Ref, plain

SETTLES = 20 if ENGINE == "sqlite" else 60  # seconds; there, who was killed has to be silent for a while


class Audit:
    def __init__(self, player):
        self.player, self.world, self.client = player, player.world, player.clients
        self.unknown = {}          # (mailbox, role) -> ids that the world doesn't know

    def run(self, thorough=False):
        self.player.let_go()
        self.world, self.client = self.player.world, self.player.clients
        self.unbound()
        captured = self.await_mail()
        self.list_folders()
        self.match_deliveries(captured)
        self.match_unknown()
        self.check_counts()
        self.check_dead()
        self.player.follower.all(self.player.rng)
        living = [item for item in self.world.items.values() if item.id]
        chosen = living if thorough else self.player.rng.sample(living, min(25, len(living)))
        for user in self.world.users:
            self.player.compare([item for item in chosen if item.mailbox == user])

    def unbound(self):
        """Reads items with a Message-ID that nobody read yet, while they tell
        which of several equal submissions is which."""
        for user in self.world.users:
            self.player.compare([item for item in self.world.items.values() if item.mailbox == user
                                 and item.id and item.message_id and item.message_id.value is None])

    # ---- waiting

    def await_mail(self):
        """What was captured since the last audit, once it is all there."""
        wanted = sum(one.captured is not None for one in self.world.sent)
        seen = self.player.__dict__.setdefault("captured_so_far", 0)

        def messages():
            connection = self.client[self.world.users[0]].connection
            connection.request("GET", "/dev/messages?after=%d" % seen)
            found = json.loads(connection.getresponse().read())
            return found if len(found) >= wanted else None
        try:
            found = until(lambda: messages() or wanted == 0, "%d captured messages" % wanted, SETTLES)
        except AssertionError as error:
            raise AssertionError("%s; still to come: %s" % (error, [one.subject for one in self.world.sent if one.captured]))
        found = found if found is not True else []
        for user in self.world.users:
            until(lambda: self.is_there(user), "all of what %s must have" % user, SETTLES)
        expect(len(found), wanted, "messages captured: %s" % [one["subject"] for one in found])
        if found:
            self.player.captured_so_far = found[-1]["id"]
        return found

    def is_there(self, user):
        """What arrives, and copies that a killed server files later."""
        told = wire.folder_counts(self.client[user].ask(wire.get_folder(FOLDERS)))
        return all(total >= len(self.world.folder(user, role)) + (role == "inbox") * self.world.expected_arrivals(user)
                   for role, (_, total, _) in zip(FOLDERS, told))

    # ---- the folders

    def list_folders(self):
        for user in self.world.users:
            found = wire.found_ids(self.client[user].ask(wire.find_item(FOLDERS)))
            for role, pairs in zip(FOLDERS, found):
                known = {item.id: item for item in self.world.folder(user, role) if item.id}
                there = dict(pairs)
                missing = [item for id, item in known.items() if id not in there]
                assert not missing, "not in %s of %s: %s" % (role, user, missing)
                for id, item in known.items():
                    expect(there[id], item.key or there[id], "ChangeKey of %r in FindItem" % item)
                    self.world.bind(item, id, there[id])
                self.unknown[user, role] = [id for id in there if id not in known]

    def read_unknown(self, user, role):
        ids = self.unknown[user, role]
        found = []
        for at in range(0, len(ids), 50):
            answer = self.client[user].ask(wire.get_item([Ref(id) for id in ids[at:at + 50]]))
            expect(set(answer.codes), {"NoError"}, "GetItem of what FindItem found")
            found += [read_item(message) for message in answer.messages]
        return found

    # ---- deliveries

    def match_deliveries(self, captured):
        """A submission is known by its Message-ID: wherever that turned up, and
        with what, must be where the submission had to go, and where copies are
        whose ids nobody was told."""
        seen = collections.defaultdict(list)
        for one in captured:
            value, what = self.read_captured(one)
            seen[value].append(("captured", what))
        self.found = {place: self.read_unknown(*place) for place in self.unknown}
        arrived = collections.defaultdict(list)
        for (user, role), found in self.found.items():
            for item, value, _, from_me in found:
                place = (user, role, item.says(), from_me if role == "inbox" else None)
                if role == "inbox" and not item.report:
                    arrived[value, place].append(item)
                if value and not item.report:
                    seen[value].append(place)
        wanted = collections.defaultdict(list)
        for one in self.world.sent:
            wanted[one.message_id] += [("captured", one.captured)] if one.captured else []
            wanted[one.message_id] += [(a.mailbox, "inbox", a.says(), a.from_me) for a in one.arrivals]
        for user, role in self.unknown:
            for item in self.waiting(user, role):
                if item.message_id:
                    wanted[item.message_id].append((user, role, item.says(), None))
        self.pair(seen, {message_id: places for message_id, places in wanted.items() if places})
        for one in self.world.sent:
            for arrival in one.arrivals:
                place = (arrival.mailbox, "inbox", arrival.says(), arrival.from_me)
                self.adopt(arrival, arrived[one.message_id.value, place])
        self.take_reports()
        self.world.sent, self.world.reports = [], []

    def waiting(self, user, role):
        return [item for item in self.world.folder(user, role) if not item.id]

    def pair(self, seen, wanted):
        """Message-IDs that we know first; the others are told apart by where
        they went alone."""
        left = {value: sorted(places, key=repr) for value, places in seen.items()}
        unknown = collections.defaultdict(list)
        for message_id, places in wanted.items():
            places = sorted(places, key=repr)
            if message_id.value:
                expect(left.pop(message_id.value, None), places, "where %s went" % message_id.value)
            else:
                unknown[repr(places)].append(message_id)
        for value, places in left.items():
            waiting = unknown[repr(places)]
            assert waiting, "nothing was sent that went to %s; missing: %s" % (places, [k for k, v in unknown.items() if v])
            waiting.pop().value = value
        missing = [places for places, waiting in unknown.items() if waiting]
        assert not missing, "did not arrive: %s" % missing

    def take_reports(self):
        for user in self.world.users:
            came = [item for item, _, _, _ in self.found[user, "inbox"] if item.report]
            reports = [report for report in self.world.reports if report.mailbox == user]
            expect(len(came), len(reports), "reports for " + user)
            for report, item in zip(reports, came):
                self.world.add(report)
                self.world.bind(report, item.id, item.key)

    def adopt(self, arrival, found):
        item = found.pop()
        self.world.add(arrival)
        self.world.bind(arrival, item.id, item.key)

    def read_captured(self, one):
        """(Message-ID, what a Submission has as captured)"""
        connection = self.client[self.world.users[0]].connection
        connection.request("GET", "/dev/messages/%d" % one["id"])
        raw = connection.getresponse().read()
        message = email.message_from_bytes(raw, policy=email.policy.default)
        expect(message["Bcc"], None, "Bcc of a message that left")
        text = message.get_body(("plain", "html"))
        files = tuple(sorted((part.get_filename(), part.get_content()) for part in message.iter_attachments()))
        lists = [tuple(a.addr_spec for a in message[name].addresses if "@" in a.addr_spec) if message[name] else ()
                 for name in ("To", "Cc")]
        expect(message["Subject"], one["subject"], "Subject of a message that left")
        return message["Message-ID"], (one["sender"], tuple(sorted(one["recipients"])), one["subject"],
                                       plain(text.get_content()), *lists, files)

    # ---- items whose ids nobody was told

    def match_unknown(self):
        """Each is the item that says the same, under the same Message-ID."""
        for (user, role), found in self.found.items():
            if role == "inbox":
                continue
            waiting = self.waiting(user, role)
            expect(len(found), len(waiting), "items in %s of %s that no answer told of: %s, but"
                   % (role, user, [item.subject for item, _, _, _ in found]))
            for item, value, _, from_me in found:
                same = [one for one in waiting if one.says() == item.says() and one.from_me in (None, from_me)
                        and (item.report or value == (one.message_id and one.message_id.value))]
                same.sort(key=lambda one: one.from_me is None)
                assert same, "%s in %s of %s is %s; waiting are %s" % (
                    item.subject, role, user, item.says(), [one.says() for one in waiting])
                waiting.remove(same[0])
                self.world.bind(same[0], item.id, item.key)

    # ---- counts, dead ids

    def check_counts(self):
        for user in self.world.users:
            told = wire.folder_counts(self.client[user].ask(wire.get_folder(FOLDERS)))
            for role, (_, total, unread) in zip(FOLDERS, told):
                items = self.world.folder(user, role)
                expect(total, len(items), "TotalCount of %s of %s" % (role, user))
                expect(unread, sum(not item.read for item in items) if role not in ("contacts", "calendar", "tasks") else unread,
                       "UnreadCount of %s of %s" % (role, user))

    def check_dead(self):
        dead = self.world.dead[-30:]
        for user in self.world.users:
            ids = [Ref(id) for id, _, mailbox in dead if mailbox == user]
            if ids:
                answer = self.client[user].ask(wire.get_item(ids))
                expect(set(answer.codes), {"ErrorItemNotFound"}, "GetItem of dead ids")
