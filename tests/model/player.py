"""Chooses random operations, has the world say what their answers must be, asks
the server, and compares. Each step draws from a generator of its own, so that a
seed and a number of a step name it."""

import copy
import random
import threading

import wire
from follower import Follower
from harness import dial, expect, hear, post
from wire import Client
from world import FOLDERS, MAIL, Item, MessageId, Place, Ref

OUTSIDE = ["ann@elsewhere.test", "ben@elsewhere.test", "cleo@other.test", "dan@third.test"]
INSIDE = ["alice@example.test", "bob@example.test", "carol@example.test", "bob+lists@example.test", "CAROL@example.test"]
UNKNOWN = "nobody.here@example.test"
NO_ADDRESS = "no address"
WORDS = ["figures", "for Monday", ".", "..", ".hidden", "From here on", "\u00fcber gr\u00f6\u00dfe", "--", "a & b < c", "\u65e5\u672c", "x" * 200]
TARGETS = ("inbox", "drafts", "sentitems", "deleteditems", "junkemail")


def once(addresses):
    """Who gets a message blind is a set: each address once, as it came first."""
    return [one for at, one in enumerate(addresses) if one.lower() not in [other.lower() for other in addresses[:at]]]


GRANTS = ((), (), ("reviewer",), ("author",), ("editor",), ("contributor",), ("send-as",), ("send-on-behalf",),
          ("full-access",), ("editor", "send-on-behalf"), ("author", "send-on-behalf"), ("owner", "send-as", "send-on-behalf"),
          ("full-access", "send-as"), ("editor", "send-as"))


class Player:
    """One server, its world, and the requests so far. factory(held, world)
    starts the server, for a restart on the same data; held: it delivers nothing.
    delegates: whether users are granted rights on each other's mailboxes."""

    def __init__(self, seed, factory, world, delegates):
        self.seed, self.factory, self.world, self.held, self.delegates = seed, factory, world, False, delegates
        self.step, self.subjects = 0, 0
        self.history = []           # (step, line)
        self.used = {user: [] for user in world.users}  # SendItems that answered NoError: (ref, save, place)
        self.counts, self.lost, self.untold = {}, False, set()
        self.server, self.rng = None, random.Random("%s/0" % seed)
        self.follower = Follower(self)
        self.grant()
        self.start()

    def grant(self):
        """Other rights from the next start on, and another senditem.delegate_copy."""
        if self.delegates:
            self.world.delegate_copy = self.rng.choice(["documented", "documented", "requested"])
            self.world.grants = {(one, other): self.rng.choice(GRANTS)
                                 for one in self.world.users for other in self.world.users if one != other}

    def start(self):
        self.server = self.factory(self.held, self.world)
        self.clients = {user: Client(self.server, user) for user in self.world.users}
        folders = self.clients
        self.folder_ids = {}        # (mailbox, role) -> id
        for user, client in folders.items():
            told = wire.folder_counts(client.ask(wire.get_folder(FOLDERS)))
            for role, (id, _, _) in zip(FOLDERS, told):
                self.folder_ids[user, role] = id

    def play(self, step):
        """One step."""
        self.step, self.rng = step, random.Random("%s/%d" % (self.seed, step))
        self.user = self.rng.choice(self.world.users)
        names = list(STEPS)
        crowded = len(self.world.items) > 220
        weights = [STEPS[name] * (6 if name == "delete" and crowded else 1) for name in names]
        name = self.rng.choices(names, weights)[0]
        self.counts[name] = self.counts.get(name, 0) + 1
        getattr(self, name)()

    def note(self, line):
        self.history.append((self.step, "%s: %s" % (self.user.partition("@")[0], line)))

    def ask(self, operation, user=None):
        self.asked = operation
        return self.clients[user or self.user].ask(operation)

    def agree(self, answer, outcomes, what):
        """The codes, then what the answer tells of ids."""
        self.note("%s -> %s" % (what, ", ".join(map(repr, outcomes))))
        expect(answer.codes, [one.code for one in outcomes], what)

    def bind_told(self, answer, outcomes):
        for told, outcome in zip(answer.ids(), outcomes):
            expect(told is not None, outcome.item is not None, "an id in the answer")
            if told and outcome is self.last_of(outcomes, outcome.item):
                self.world.bind(outcome.item, *told)

    @staticmethod
    def last_of(outcomes, item):
        """Several attachments of one item: the last key is the item's."""
        return [one for one in outcomes if one.item is item][-1]

    def bind_sent(self, answer, outcomes):
        """The header with the ids of sent copies; a replay tells the old one. And
        the one that says when there is none."""
        expect("X-Ewsd-Warning" in answer.headers, any(one.uncopied for one in outcomes), "X-Ewsd-Warning")
        if all(one.code != "NoError" for one in outcomes):
            expect(answer.sent_ids(), None, "the header of sent ids")
            return
        told = answer.sent_ids()
        if told is None:
            copies = sum(bool((self.world.replays[one.replay] if one.again else one).item) for one in outcomes)
            expect(answer.headers.get("X-Ewsd-Sent-ItemIds-Omitted"), str(copies), "ids omitted")
            return
        expect(len(told), len(outcomes), "ids in the header")
        for id, outcome in zip(told, outcomes):
            first = self.world.replays[outcome.replay] if outcome.again else outcome
            if id is None and first.item and (self.lost or outcome.replay in self.untold):
                self.untold.add(outcome.replay)  # killed before it was known where the copy would be
                continue
            expect(id is not None, first.item is not None, "an id in the header")
            if outcome.again:
                expect(id, self.world.told.get(outcome.replay) or id, "the id told by a replay")
            elif id:
                self.world.bind(outcome.item, id)
                self.world.told[outcome.replay] = id

    # ---- choosing

    def subject(self):
        self.subjects += 1
        return "m%d %s" % (self.subjects, self.rng.choice(["plain", "na\u00efve", "a & b", "Re: x"]))

    def text(self):
        return "\n".join(self.rng.choice(WORDS) for _ in range(self.rng.randint(1, 5)))

    def addresses(self):
        """To, Cc and Bcc."""
        rng, lists = self.rng, ([], [], [])
        for _ in range(rng.choice([0, 1, 1, 1, 2, 2, 3, 5])):
            rng.choice(lists).append(rng.choice(OUTSIDE + INSIDE))
        if rng.random() < 0.03:
            lists[0].append(UNKNOWN)
        if rng.random() < 0.03:
            lists[0].append(NO_ADDRESS)
        return lists[0], lists[1], once(lists[2])

    def message(self, place=None):
        owner = place.mailbox if place and place.mailbox else self.user
        item = Item("Message", owner, "drafts", self.user, self.subject(), body=self.text())
        item.to, item.cc, item.bcc = self.addresses()
        item.html = self.rng.random() < 0.2
        item.receipt = self.rng.random() < 0.1
        item.read = self.rng.random() < 0.1
        if self.rng.random() < 0.15:
            item.message_id = MessageId("<own.%s.%d@client.test>" % (self.seed, self.subjects))
        if self.rng.random() < 0.03:
            item.names_from = self.rng.choice(self.world.users)
        return item

    def element(self, item):
        """As MIME now and then; MIME says less."""
        if item.kind == "Message" and NO_ADDRESS not in item.to and self.rng.random() < 0.2:
            item.receipt = item.read = False
            item.names_from, item.body = item.names_from or item.mailbox, item.body + "\n"
            return wire.new_item(item, as_mime=True)
        return wire.new_item(item)

    def place(self, roles=TARGETS, bad=True):
        """A folder, in one of the ways to name it; seldom one that is none."""
        rng, role = self.rng, self.rng.choice(roles)
        if bad and rng.random() < 0.1:
            return self.bad_place()
        if self.delegates and rng.random() < 0.25:
            return self.place_of(rng.choice(self.others()), rng.choice([one for one in roles if one != "inbox"]))
        way = rng.randint(0, 2)
        if way == 0:
            return Place('<t:FolderId Id="%s"/>' % self.folder_ids[self.user, role], role, self.user)
        if way == 1:
            return Place(wire.own_folder(role), role)
        return Place(wire.folder_of(role, self.user), role, self.user)

    def others(self):
        return [user for user in self.world.users if user != self.user]

    def place_of(self, owner, role):
        if self.rng.random() < 0.5:
            return Place('<t:FolderId Id="%s"/>' % self.folder_ids[owner, role], role, owner)
        return Place(wire.folder_of(role, owner), role, owner)

    def bad_place(self):
        rng, other = self.rng, self.rng.choice(self.others())
        item = self.some_id()
        return rng.choice([
            Place('<t:FolderId Id="AAAA"/>', code="ErrorInvalidIdMalformed"),
            Place('<t:FolderId Id=""/>', code="ErrorInvalidIdEmpty"),
            Place('<t:FolderId Id="%s"/>' % item, code="ErrorCannotUseItemIdForFolderId") if item else
            Place('<t:FolderId Id="zz"/>', code="ErrorInvalidIdMalformed"),
            Place(wire.folder_of("sentitems", "ghost@example.test"), code="ErrorNonExistentMailbox"),
            Place(wire.folder_of("sentitems", other), "sentitems", other),
            Place('<t:DistinguishedFolderId Id="voicemail"/>', code="absent"),
            Place('<t:AddressListId Id="x"/>', code="ErrorInvalidFolderId"),
        ])

    def some_id(self):
        own = [item.id for item in self.world.items.values() if item.mailbox == self.user and item.id]
        return self.rng.choice(own) if own else None

    def own(self, kinds=("Message",), where=MAIL, drafts=None):
        """Items that the caller may name, in order: its own, or now and then what
        others let it read."""
        readable = {user for user in self.others() if "read" in self.world.rights(self.user, user)}
        boxes = readable if readable and self.rng.random() < 0.3 else {self.user}
        return [item for item in self.world.items.values()
                if item.mailbox in boxes and item.id and item.kind in kinds and item.folder in where
                and drafts in (None, item.draft)]

    def pick(self, kinds=("Message",), where=MAIL, drafts=None):
        """One that a person may have written."""
        found = [item for item in self.own(kinds, where, drafts) if not item.report]
        return self.rng.choice(found) if found else None

    def learn(self, items):
        """Asks for ChangeKeys that no answer told."""
        items = [item for item in items if item.id and not item.key]
        if items:
            self.compare(items)

    def good(self, item):
        self.learn([item])
        return Ref(item.id, item.key)

    def bad_ref(self):
        """An ItemId that is wrong somehow."""
        rng, world, item = self.rng, self.world, self.pick()
        good = self.good(item) if item else Ref("AAAA", "BBBB", flaw="ErrorInvalidIdMalformed")
        others = [one for one in world.items.values() if one.mailbox != self.user and one.id and one.key
                  and one.kind == "Message" and not one.report and one.folder in MAIL]
        stale = [one for one in self.own() if one.old_keys]
        choices = [
            Ref("%BadItemId%", good.key, flaw="ErrorInvalidIdMalformed"),
            Ref("AAAtAEF=", good.key, flaw="ErrorInvalidIdMalformed"),
            Ref("", good.key, flaw="ErrorInvalidIdEmpty"),
            Ref(good.id[:-8] + "AAAAAAA=", good.key, flaw="ErrorInvalidIdMalformed"),
            Ref(good.id[:-20] + good.id[-20:].swapcase(), good.key, flaw="ErrorInvalidIdMalformed"),
            Ref(self.folder_ids[self.user, "drafts"], good.key, flaw="ErrorCannotUseFolderIdForItemId"),
            Ref(good.id, None, good.flaw), Ref(good.id, "", good.flaw, "ErrorInvalidChangeKey"),
            Ref(good.id, "AAAA", good.flaw, "ErrorInvalidChangeKey"),
            Ref(good.id, "CQAAAA==", good.flaw),
        ]
        for _ in range(3):
            if world.dead:
                id, key, _ = rng.choice(world.dead[-200:])
                choices.append(Ref(id, key or "CQAAAA=="))
            if others:
                other = rng.choice(others)
                choices += [Ref(other.id, other.key), Ref(other.id, None)]
            if stale:
                old = rng.choice(stale)
                choices.append(Ref(old.id, rng.choice(old.old_keys)))
        return rng.choice(choices)

    def refs(self, kinds=("Message",), drafts=None, limit=5, where=MAIL):
        """Several ids: most good, some wrong, some twice."""
        rng = self.rng
        wanted, found = rng.randint(1, limit), self.own(kinds, where, drafts)
        chosen = rng.sample(found, min(wanted, len(found)))
        self.learn(chosen)
        ids = [Ref(item.id, item.key) for item in chosen]
        while not ids or rng.random() < 0.2:
            ids.insert(rng.randint(0, len(ids)), self.bad_ref())
        if rng.random() < 0.1:
            again = rng.choice(ids)
            ids.append(Ref(again.id, again.key, again.flaw, again.key_flaw))
        return ids

    # ---- steps

    def create(self):
        disposition = self.rng.choice(["SaveOnly"] * 5 + ["SendOnly", "SendAndSaveCopy", "SendAndSaveCopy"])
        many = self.rng.random() < 0.02 and disposition == "SaveOnly"
        place = self.place() if self.rng.random() < 0.4 else None
        items = [self.message(place) for _ in range(30 if many else self.rng.choice([1, 1, 1, 2, 4]))]
        elements = [self.element(item) for item in items]
        if self.rng.random() < 0.05 and not place:
            at = self.rng.randrange(len(items))
            items[at].flaw = "ErrorObjectTypeChanged"
            elements[at] = "<t:Message><t:ItemClass>IPM.Contact</t:ItemClass><t:Subject>wrong</t:Subject></t:Message>"
        self.created(items, elements, disposition, place)

    def keep(self):
        """Other kinds of items, which are never sent."""
        kind = self.rng.choice(["PostItem", "Contact", "DistributionList", "CalendarItem", "Task"])
        item = Item(kind, self.user, None, self.user, self.subject(), body=self.text(), read=kind != "PostItem")
        self.created([item], [self.element(item)], "SaveOnly", None)

    def created(self, items, elements, disposition, place):
        request = wire.create_item(elements, disposition, place)
        answer = self.ask(request)
        outcomes = self.world.create(self.user, items, disposition, place)
        self.agree(answer, outcomes, "CreateItem %s %s" % (disposition, place or ""))
        if disposition == "SaveOnly":
            self.bind_told(answer, outcomes)
        else:
            expect(answer.ids(), [None] * len(items), "Items of a message that was sent")
            self.bind_sent(answer, outcomes)

    def sending(self, limit=5):
        """What a SendItem asks for."""
        rng = self.rng
        save = rng.choice(["true", "true", "true", "1", "false", "0"])
        place = self.place() if save in ("true", "1") and rng.random() < 0.5 else None
        if save in ("false", "0") and rng.random() < 0.05:
            place = self.place()
        where = ("drafts",) if rng.random() < 0.7 else MAIL
        kinds = ("Message",) if rng.random() < 0.9 else ("Message", "PostItem", "Contact", "CalendarItem", "Task", "DistributionList")
        ids = self.refs(kinds, limit=limit, where=where if kinds == ("Message",) else where + ("contacts", "calendar", "tasks"))
        return ids, save, place

    def send(self):
        if self.rng.random() < 0.02:
            ids, save, place = self.sending(limit=35)
            place = self.place(("drafts", "sentitems", "junkemail")) if place else None
            self.sent(ids, save, place)
        else:
            self.sent(*self.sending())

    def sent(self, ids, save, place):
        answer = self.ask(wire.send_item(ids, save, place))
        what = "SendItem %s %s of %s" % (save, place or "", self.named(ids))
        outcomes = self.world.send(self.user, ids, save in ("true", "1"), place)
        self.agree(answer, outcomes, what)
        self.bind_sent(answer, outcomes)
        self.used[self.user] += [(one, save, place) for one, outcome in zip(ids, outcomes) if outcome.code == "NoError"]
        self.used[self.user] = self.used[self.user][-60:]

    def named(self, ids):
        """Ids for the history, by the items they belong to, or belonged to."""
        def name(one):
            item = self.world.by_id.get(one.id)
            return "%r" % item if item else "..." + one.id[-12:]
        return " ".join(map(name, ids))

    def replay(self):
        """A SendItem that succeeded, again: the same, or with something changed."""
        rng, used = self.rng, self.used[self.user]
        if not used:
            return
        ids, save, place = [], None, None
        for one, how, where in rng.sample(used, min(len(used), rng.randint(1, 3))):
            if save is None:
                save, place = how, where
            ids.append(one)
        if rng.random() < 0.3:
            save, place = rng.choice(["true", "false"]), None
        if rng.random() < 0.1:
            self.user = rng.choice(self.world.users)
        if rng.random() < 0.2:
            ids.insert(0, self.bad_ref())
        self.sent(ids, save, place)

    def update(self):
        """One item, or several: what is refused leaves nothing of itself."""
        rng = self.rng
        mail = rng.random() < 0.9
        kinds = ("Message",) if mail else ("PostItem", "Contact", "Task", "CalendarItem")
        resolution = rng.choice(["AutoResolve", "AlwaysOverwrite", "NeverOverwrite"])
        disposition = rng.choice(["SaveOnly"] * 4 + ["SendOnly", "SendAndSaveCopy", "SendAndSaveCopy"])
        place = self.place() if disposition == "SendAndSaveCopy" and rng.random() < 0.4 else None
        edits, elements, whats = [], [], []
        for _ in range(rng.choice([1, 1, 1, 2, 3])):
            item = self.pick(kinds, MAIL + ("contacts", "tasks", "calendar"), rng.choice([None, mail]))
            if not item:
                continue
            one = self.good(item) if rng.random() < 0.9 or not mail else self.bad_ref()
            meant = self.world.by_id.get(one.id, item)
            if meant.report:
                continue
            changes = [self.some_change(meant) for _ in range(rng.choice([1, 1, 2, 3]))]
            edits.append((one, [change for change, _ in changes]))
            elements.append(wire.item_change(one, [element for _, element in changes]))
            whats.append("%s: %s" % (self.named([one]), " ".join(change.__name__ for change, _ in changes)))
        if not edits:
            return
        answer = self.ask(wire.update_item(elements, resolution, disposition, place))
        what = "UpdateItem %s %s %s of %s" % (resolution, disposition, place or "", "; ".join(whats))
        outcomes = self.world.update(self.user, edits, resolution, disposition, place)
        self.agree(answer, outcomes, what)
        if disposition == "SaveOnly" or not mail:
            self.bind_told(answer, outcomes)
        else:
            expect(answer.ids(), [None] * len(edits), "Items of a message that was sent")
            self.bind_sent(answer, outcomes)

    def some_change(self, item):
        """(what it does to the item, its XML)"""
        rng, kind = self.rng, item.kind
        choices = [self.set_subject]
        if kind == "Message":
            choices += [self.set_body, self.append_body, self.set_read, self.set_receipt, self.set_read_only]
        if kind == "Message" and item.draft:
            choices += [self.set_recipients] * 3 + [self.append_recipients, self.delete_recipients]
        return rng.choice(choices)(item)

    def set_subject(self, item):
        subject = self.subject()

        def set_subject(it):
            it.subject = subject
        return set_subject, wire.change("Set", item.kind, "item:Subject", "<t:Subject>%s</t:Subject>" % wire.escape(subject))

    def set_body(self, item):
        new, html = self.text(), self.rng.random() < 0.2

        def set_body(it):
            it.body, it.html = new, html
        return set_body, wire.change("Set", "Message", "item:Body", wire.body(Item("Message", 0, 0, 0, "", body=new, html=html)))

    def append_body(self, item):
        """Its format must be the stored one's."""
        new, html = " " + self.rng.choice(["more", "end."]), self.rng.random() < 0.2

        def append_body(it):
            if it.body and html != it.html:
                return "ErrorInvalidPropertyAppend"
            it.body, it.html = it.body + new, html
        return append_body, wire.change("Append", "Message", "item:Body", wire.body(Item("Message", 0, 0, 0, "", body=new, html=html)))

    def set_read(self, item):
        read = self.rng.random() < 0.5

        def set_read(it):
            it.read = read
        return set_read, wire.change("Set", "Message", "message:IsRead", "<t:IsRead>%s</t:IsRead>" % str(read).lower())

    def set_receipt(self, item):
        def set_receipt(it):
            if not it.draft:
                return "ErrorInvalidPropertyUpdateSentMessage"
            it.receipt = True
        return set_receipt, wire.change("Set", "Message", "message:IsReadReceiptRequested",
                                        "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>")

    def set_read_only(self, item):
        def set_read_only(it):
            return "ErrorInvalidPropertySet"
        return set_read_only, wire.change("Set", "Message", "item:Size", "<t:Size>5</t:Size>")

    def set_recipients(self, item):
        field, name = self.rng.choice(wire.RECIPIENTS)
        new = [self.rng.choice(OUTSIDE + INSIDE) for _ in range(self.rng.randint(1, 3))]

        if field == "bcc":
            new = once(new)

        def set_recipients(it):
            setattr(it, field, new)
        return set_recipients, wire.change("Set", "Message", "message:" + name, wire.mailboxes(name, new))

    def append_recipients(self, item):
        field, name = self.rng.choice(wire.RECIPIENTS)
        new = self.rng.choice(OUTSIDE)

        def append_recipients(it):
            if new.lower() not in [one.lower() for one in getattr(it, field)]:
                setattr(it, field, getattr(it, field) + [new])
        return append_recipients, wire.change("Append", "Message", "message:" + name, wire.mailboxes(name, [new]))

    def delete_recipients(self, item):
        field, name = self.rng.choice(wire.RECIPIENTS)

        def delete_recipients(it):
            setattr(it, field, [])
        return delete_recipients, wire.change("Delete", "Message", "message:" + name)

    def attach(self):
        item = self.pick(drafts=True)
        if not item:
            return
        one = self.good(item) if self.rng.random() < 0.9 else self.bad_ref()
        size = self.rng.choice([0, 10, 3000, 3000, 90000])
        files = [("f%d.bin" % self.rng.randint(1, 10 ** 9), self.rng.randbytes(self.rng.randint(1, size + 1)))
                 for _ in range(self.rng.choice([1, 1, 2]))]
        found = self.world.by_id.get(one.id)
        if found and not found.draft:
            return
        answer = self.ask(wire.create_attachment(one, files))
        what = "CreateAttachment to " + self.named([one])
        outcomes = self.world.attach(self.user, one, files)
        self.agree(answer, outcomes, what)
        self.bind_told(answer, outcomes)

    def move(self):
        copies = self.rng.random() < 0.3
        place, ids = self.place(), self.refs(where=TARGETS)
        if place.role == "inbox" and any(one.id in self.world.by_id and self.world.by_id[one.id].mailbox != (place.mailbox or self.user)
                                         for one in ids):
            place = Place(wire.own_folder("junkemail"), "junkemail")  # no id is told, and in an Inbox things arrive
        tell = self.rng.random() < 0.9 or place.role == "inbox"
        answer = self.ask(wire.move_item(ids, place, copies, tell))
        what = "%s of %s to %s" % ("CopyItem" if copies else "MoveItem", self.named(ids), place)
        outcomes = self.world.move(self.user, ids, place, copies)
        self.agree(answer, outcomes, what)
        if tell:
            self.bind_told(answer, outcomes)

    def delete(self):
        how = self.rng.choice(["HardDelete", "HardDelete", "SoftDelete", "MoveToDeletedItems"])
        where = MAIL + ("contacts", "calendar", "tasks")
        kinds = ("Message", "PostItem", "Contact", "CalendarItem", "Task", "DistributionList")
        ids = self.refs(kinds, where=where, limit=8)
        attributes = self.rng.random() < 0.9
        answer = self.ask(wire.delete_item(ids, how, attributes))
        what = "%s of %s" % (how, self.named(ids))
        outcomes = self.world.delete(self.user, ids, how, attributes)
        self.agree(answer, outcomes, what)

    def get(self):
        """Some items as they are; and ids that must be dead, or are foreign."""
        live = self.own(("Message", "PostItem", "Contact", "CalendarItem", "Task", "DistributionList"))
        if live:
            self.compare(self.rng.sample(live, min(5, len(live))))
        ids = [self.bad_ref() for _ in range(5)]
        answer = self.ask(wire.get_item(ids))
        expect(answer.codes, [self.world.find(self.user, one)[0] or "NoError" for one in ids], "GetItem")

    # ---- several at once, and ends of the server

    def follow(self):
        self.follower.some(self.rng)

    def race(self):
        """The same SendItem, or different operations on one item, at once: the
        answers must be those of some order."""
        item = self.pick(drafts=True, where=("drafts",))
        if not item or item.mailbox != self.user:
            return
        one = self.good(item)
        place = Place(wire.own_folder("junkemail"), "junkemail", self.user)
        trash = Place(wire.own_folder("sentitems"), "sentitems", self.user)
        moves = {
            "send": (wire.send_item([one], "true", None), lambda world: world.send(self.user, [one], True, None)),
            "send elsewhere": (wire.send_item([one], "true", place), lambda world: world.send(self.user, [one], True, place)),
            "move": (wire.move_item([one], trash, False, True), lambda world: world.move(self.user, [one], trash)),
            "delete": (wire.delete_item([one], "HardDelete", True), lambda world: world.delete(self.user, [one], "HardDelete")),
        }
        names = self.rng.choice([["send"] * 4, ["send", "move"], ["send", "delete"], ["send", "send elsewhere"]])
        answers = self.at_once([moves[name][0] for name in names])
        for order in (names, names[::-1]):
            world = copy.deepcopy(self.world)
            outcomes = [moves[name][1](world)[0] for name in order]
            by_name = answers if order is names else answers[::-1]
            if [answer.codes[0] for answer in by_name] == [outcome.code for outcome in outcomes]:
                break
        else:
            raise AssertionError("%s of %r at once: %s" % (names, item, [answer.codes for answer in answers]))
        self.world = world
        self.note("at once: %s of %r -> %s" % (", ".join(order), item, outcomes))
        for answer, outcome, name in zip(by_name, outcomes, order):
            if outcome.code == "NoError" and outcome.item and outcome.item.number in world.items:
                id = answer.sent_ids()[0] if "send" in name else answer.ids()[0][0]
                self.world.bind(outcome.item, id)
                self.world.told[outcome.replay] = id

    def at_once(self, operations):
        answers = [None] * len(operations)

        def run(at):
            answers[at] = Client(self.server, self.user).ask(operations[at])
        threads = [threading.Thread(target=run, args=(at,)) for at in range(len(operations))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers

    def restart(self):
        """SIGTERM, or kill -9 with nothing under way but deliveries; now and
        then nothing is delivered from then on, so that what was sent is edited,
        moved and deleted before it leaves."""
        hard = self.rng.random() < 0.5
        self.again(hard, self.rng.random() < 0.5)

    def again(self, hard, held):
        self.held = held
        self.server.kill() if hard else self.server.stop()
        self.grant()
        self.start()
        self.note("restart by %s%s, %s, rights: %s" % ("kill -9" if hard else "SIGTERM", ", nothing leaves" if held else "",
                                                       self.world.delegate_copy, ", ".join(
            "%s:%s:%s" % (one[:3], other[:3], "+".join(rights)) for (one, other), rights in self.world.grants.items() if rights)))

    def let_go(self):
        """What waits may leave."""
        if self.held:
            self.again(self.rng.random() < 0.5, False)

    def lose(self):
        """kill -9 with a request under way. A SendItem is repeated; of a
        CreateItem the store tells what became of it."""
        if self.rng.random() < 0.6:
            ids, save, place = self.sending()
            self.note("kill -9 during SendItem of " + self.named(ids))
            self.cut(wire.send_item(ids, save, place))
            self.lost = place and place.mailbox not in (None, self.user)
            self.sent(ids, save, place)
            self.lost = False
            return
        items = [self.message() for _ in range(3)]
        elements = [self.element(item) for item in items]
        disposition = self.rng.choice(["SaveOnly", "SendAndSaveCopy"])
        self.note("kill -9 during CreateItem " + disposition)
        self.cut(wire.create_item(elements, disposition, None))
        role = "drafts" if disposition == "SaveOnly" else "sentitems"
        known = {item.id for item in self.world.folder(self.user, role)}
        ids = [Ref(id) for id, _ in wire.found_ids(self.ask(wire.find_item([role])))[0] if id not in known]
        there = {}
        for message in self.ask(wire.get_item(ids)).messages if ids else ():
            found = wire.read_item(message)[0]
            there[found.subject] = found
        kept = [item for item in items if item.subject in there]
        self.note("%d of them are there" % len(kept))
        for item, outcome in zip(kept, self.world.create(self.user, kept, disposition, None)):
            expect(outcome.code, "NoError", "a CreateItem that left an item")
            self.world.bind(item, there[item.subject].id, there[item.subject].key)

    def cut(self, operation):
        """Sends a request and kills the server some milliseconds later, whether
        or not it has answered."""
        with dial(self.server) as peer:
            peer.sendall(post(self.server, wire.harness.envelope(operation), (self.user, wire.PASSWORD)))
            peer.settimeout(self.rng.choice([0.001, 0.004, 0.008, 0.015, 5]))
            try:
                hear(peer)
            except TimeoutError:
                pass
            self.server.kill()
        self.start()

    # ---- comparing

    def compare(self, items):
        """GetItem of items, which must say what the world says."""
        for owner in self.world.users:
            of_one = [item for item in items if item.id and item.mailbox == owner]
            for at in range(0, len(of_one), 50):
                part = of_one[at:at + 50]
                answer = self.ask(wire.get_item([Ref(item.id) for item in part]), owner)
                expect(answer.codes, ["NoError"] * len(part), "GetItem of %s" % part)
                for item, message in zip(part, answer.messages):
                    self.judge(item, message)

    def judge(self, item, message):
        found, message_id, folder, from_me = wire.read_item(message)
        what = "%r %s" % (item, item.subject)
        expect(found.says(), item.says(), what)
        expect(folder, self.folder_ids[item.mailbox, item.folder], "ParentFolderId of " + what)
        expect(found.id, item.id, "Id of " + what)
        expect(found.key, item.key or found.key, "ChangeKey of " + what)
        if item.from_me is not None:
            expect(from_me, item.from_me, "IsFromMe of " + what)
        self.world.bind(item, found.id, found.key)
        if item.kind == "Message" and not item.report:
            self.same_message_id(item, message_id)

    @staticmethod
    def same_message_id(item, value):
        if item.message_id is None:
            expect(value, None, "Message-ID of a draft, %r" % item)
        elif item.message_id.value is None:
            assert value, "%r has no Message-ID" % item
            item.message_id.value = value
        else:
            expect(value, item.message_id.value, "Message-ID of %r" % item)


STEPS = {"create": 26, "keep": 2, "send": 26, "replay": 7, "update": 16, "attach": 8, "move": 8, "delete": 7,
         "get": 4, "follow": 10, "race": 1.5, "restart": 0.5, "lose": 0.8}
