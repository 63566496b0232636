"""The world as protocol.md and decisions.md want it: mailboxes, items, what was
sent, and what a repeated SendItem is answered. It knows no XML, no HTTP and no
line of the server's code.

A request is applied to the world before its answer is looked at; what comes back
is one Outcome per item of the request, with the code that the answer must have.
What only the server can choose, ids and ChangeKeys, is bound afterwards. An id
is None while nobody has been told it (a copy whose header was too long, an item
moved to Deleted Items); an audit finds it by what the item says."""

import itertools

MAIL = ("inbox", "drafts", "sentitems", "deleteditems", "junkemail", "outbox")
FOLDERS = MAIL + ("recoverableitemsdeletions", "contacts", "calendar", "tasks")
HOME = {"Message": "drafts", "PostItem": "drafts", "Contact": "contacts", "DistributionList": "contacts",
        "CalendarItem": "calendar", "Task": "tasks"}
DOMAIN = "example.test"

# Rights on every folder of a mailbox (protocol.md 2.8, decisions 6); "own" means
# what one created oneself. send-as, send-on-behalf and impersonate open none.
ROLES = {
    "owner": {"read", "create", "change", "delete"},
    "full-access": {"read", "create", "change", "delete"},
    "editor": {"read", "create", "change", "delete"},
    "author": {"read", "create", "change own", "delete own"},
    "reviewer": {"read"},
    "contributor": {"create"},
}
STOPS = {"ErrorAccessDenied", "ErrorQuotaExceeded", "ErrorMailboxStoreUnavailable", "ErrorInsufficientResources"}

OWN = ("number", "id", "key", "old_keys", "names_from")  # what no other item shares
_numbers = itertools.count(1)


class MessageId:
    """A Message-ID that is somewhere, whether or not we have read it yet."""

    def __init__(self, value=None):
        self.value = value


class Item:
    """What is stored under one id. Lists of addresses as they were written."""

    def __init__(self, kind, mailbox, folder, creator, subject, **more):
        self.number = next(_numbers)
        self.kind, self.mailbox, self.folder, self.creator, self.subject = kind, mailbox, folder, creator, subject
        self.id = self.key = None
        self.old_keys = []
        self.body, self.html = "", False
        self.to, self.cc, self.bcc = [], [], []
        self.attachments = []     # (name, bytes)
        self.draft, self.read, self.receipt = kind in ("Message", "PostItem"), False, False
        self.sent_from = self.sender = mailbox
        self.names_from = None    # the From of the request, where it has one
        self.message_id = None    # a MessageId, once there is one
        self.from_me = None       # None: nothing is said of it
        self.sent_once = False    # it went out and stayed (2.8): its Message-ID is used up
        self.report = False       # made by the server; only counted
        self.__dict__.update(more)

    def copy(self):
        other = Item(self.kind, self.mailbox, self.folder, self.creator, self.subject)
        for name, value in self.__dict__.items():
            if name not in OWN:
                setattr(other, name, value[:] if isinstance(value, list) else value)
        return other

    def says(self):
        """All that GetItem shows, but ids and the Message-ID."""
        if self.report:
            return ("report", self.read)
        if self.kind not in ("Message", "PostItem"):
            return (self.kind, self.subject)
        return (self.kind, self.subject, "HTML" if self.html else "Text", plain(self.body), tuple(self.to),
                tuple(self.cc), tuple(self.bcc), self.draft, self.read,
                tuple(sorted((name, len(data)) for name, data in self.attachments)), self.receipt,
                self.sent_from, self.sender)

    def __repr__(self):
        return "#%d" % self.number


def plain(text):
    """A body but for its line ends."""
    return text.replace("\r\n", "\n").rstrip("\n")


class Ref:
    """An ItemId of a request. flaw, key_flaw: the code that a misformed one is
    answered with, whatever stands in the store."""

    def __init__(self, id, key=None, flaw=None, key_flaw=None):
        self.id, self.key, self.flaw, self.key_flaw = id, key, flaw, key_flaw


class Place:
    """A folder that a request names, by role, in a mailbox (None: whoever asks);
    or code for one that is nowhere. xml is what stands in the request."""

    def __init__(self, xml, role=None, mailbox=None, code=None):
        self.xml, self.role, self.mailbox, self.code = xml, role, mailbox, code

    def __repr__(self):
        return "to %s of %s" % (self.role, self.mailbox or "its own") if self.role else self.xml


class Outcome:
    """What one item of a request must be answered."""

    def __init__(self, code="NoError", item=None, replay=None, again=False, uncopied=False):
        self.code, self.item = code, item      # item: the one whose id and key the answer tells
        self.replay, self.again = replay, again  # under what a success is kept; it was kept already
        self.uncopied = uncopied               # sent, but without the copy that was asked for (2.8)

    def __repr__(self):
        return (self.code + (" %r" % self.item if self.item else "") + (" again" if self.again else "")
                + (" uncopied" if self.uncopied else ""))


class Submission:
    """One message that left, once: where it must be found."""

    def __init__(self, item, boxes, outside):
        self.subject, self.message_id = item.subject, item.message_id
        self.arrivals = []           # items that come into Inboxes
        self.captured = None
        if outside:
            self.captured = (item.sender, tuple(sorted(outside)), item.subject, plain(item.body),
                             tuple(item.to), tuple(item.cc),
                             tuple(sorted((name, data) for name, data in item.attachments)))
        for mailbox in boxes:
            arrival = item.copy()
            arrival.mailbox, arrival.folder, arrival.creator = mailbox, "inbox", mailbox
            arrival.bcc, arrival.read, arrival.draft = [], False, False
            arrival.from_me = mailbox == item.mailbox  # of delegates the pages don't say
            self.arrivals.append(arrival)


class World:
    def __init__(self, users):
        self.users = users
        self.delegate_copy = "documented"  # senditem.delegate_copy; or requested
        self.grants = {}       # (mailbox, grantee) -> rights; see may()
        self.items = {}        # number -> Item
        self.by_id = {}        # id -> Item, of those that live
        self.homes = {}        # id -> mailbox, of all there ever were
        self.dead = []         # (id, key, mailbox) of those that once did
        self.replays = {}      # (caller, id, key, folder) -> the Outcome of that time
        self.told = {}         # the same -> the id of the copy that was told
        self.sent = []         # Submissions that no audit has seen yet
        self.reports = []      # items: reports to come

    # ---- rights

    def held(self, caller, mailbox):
        return self.grants.get((mailbox, caller), ())

    def rights(self, caller, mailbox):
        if caller == mailbox:
            return ROLES["owner"]
        return set().union(*(ROLES.get(right, ()) for right in self.held(caller, mailbox)))

    def may(self, caller, thing, what):
        """None, or the code of a refusal: hidden things are absent. thing is an
        Item or a Place."""
        rights = self.rights(caller, thing.mailbox or caller)
        own = isinstance(thing, Item) and thing.creator == caller
        if isinstance(thing, Item) and "read" not in rights:
            return "ErrorItemNotFound"
        if isinstance(thing, Place) and not rights:
            return "ErrorFolderNotFound"
        return None if what in rights or (own and what + " own" in rights) else "ErrorAccessDenied"

    @staticmethod
    def each(parts, one):
        """One after another; a code that stops stops those behind it (2.10)."""
        outcomes = []
        for part in parts:
            stopped = any(outcome.code in STOPS for outcome in outcomes)
            outcomes.append(Outcome("ErrorBatchProcessingStopped") if stopped else one(part))
        return outcomes

    # ---- finding

    def find(self, caller, ref, what="read"):
        """(code, item) by protocol.md 2.11: 5, 6, 8."""
        if ref.flaw or ref.key_flaw:
            return ref.flaw or ref.key_flaw, None
        item = self.by_id.get(ref.id)
        if not item:
            return "ErrorItemNotFound", None
        return self.may(caller, item, what), item

    def place(self, caller, place, absent, what="create"):
        """The code for a folder to write to. absent: that operation's own code;
        an id that may not be seen is answered like one that names nothing."""
        code = place.code or self.may(caller, place, what)
        hidden = code == "ErrorFolderNotFound" and place.xml.startswith("<t:FolderId")
        return absent if code == "absent" or hidden else code

    # ---- changes

    def add(self, item):
        self.items[item.number] = item
        return item

    def bind(self, item, id, key=None):
        """The server told an id, or a new key."""
        if id != item.id:
            known = self.by_id.get(id)
            assert known is None, "%r has the id of %r" % (item, known)
            assert all(id != dead for dead, _, _ in self.dead), "%r has an id that was given before" % item
            self.by_id[id] = item
            self.homes[id] = item.mailbox
            item.id = id
        if key and key != item.key:
            assert key not in item.old_keys, "%r has an old ChangeKey again" % item
            item.key = key

    def stale(self, item):
        """Its ChangeKey moves: the next one is told, or asked for."""
        if item.key:
            item.old_keys.append(item.key)
        item.key = None

    def bury(self, item):
        """Its id dies; what it was may live on under another."""
        if item.id:
            del self.by_id[item.id]
            self.dead.append((item.id, item.key, item.mailbox))
        self.stale(item)
        item.id = None

    def remove(self, item):
        self.bury(item)
        del self.items[item.number]

    def pass_on(self, item, folder):
        """Moves: another id, another key."""
        self.bury(item)
        item.old_keys = []
        item.folder = folder

    def where(self, caller, place, role):
        """(mailbox, role) of a folder, or of one's own of that role."""
        return (place.mailbox or caller, place.role) if place else (caller, role)

    # ---- sending

    def envelope(self, item, without):
        """(code, mailboxes, outside, unknown): each address once."""
        seen, boxes, outside, unknown = set(), [], [], []
        if not item.to + item.cc + item.bcc:
            return without, boxes, outside, unknown
        for address in item.to + item.cc + item.bcc:
            if address.count("@") != 1 or " " in address:
                return "ErrorInvalidRecipients", boxes, outside, unknown
            local, _, domain = address.lower().partition("@")
            if (local, domain) in seen:
                continue
            seen.add((local, domain))
            mailbox = "%s@%s" % (local.partition("+")[0], domain)
            if domain != DOMAIN:
                outside.append(address)
            elif mailbox not in self.users:
                unknown.append(address)
            elif mailbox not in boxes:
                boxes.append(mailbox)
        return None, boxes, outside, unknown

    def judge(self, caller, sent_from):
        """(code, From, Sender): one's own; send-as, and then on behalf (2.8)."""
        held = self.held(caller, sent_from)
        if sent_from == caller or "send-as" in held:
            return None, sent_from, sent_from
        return (None, sent_from, caller) if "send-on-behalf" in held else ("ErrorSendAsDenied", None, None)

    def originator(self, caller, item):
        """What was sent or received before goes out as the mailbox' own when it
        may not go out as it is (2.5, decisions 6)."""
        answer = self.judge(caller, item.sent_from)
        return self.judge(caller, item.mailbox) if answer[0] and not item.draft else answer

    def submit(self, caller, item, without):
        """Freezes the item as it leaves; the code of a refusal, then unchanged."""
        code, boxes, outside, unknown = self.envelope(item, without)
        code, sent_from, sender = (code, None, None) if code else self.originator(caller, item)
        if code:
            return code
        if not item.message_id or not item.draft or item.sent_once:
            item.message_id = MessageId()
        item.sent_from, item.sender = sent_from, sender
        item.draft, item.read, item.from_me, item.sent_once = False, True, None, False
        self.sent.append(Submission(item, boxes, outside))
        if unknown:
            self.reports.append(Item("Message", sender, "inbox", sender, "", report=True, draft=False))
        return None

    def stays(self, item, target):
        """Does the draft stay where it is, since the copy is asked for elsewhere?
        target: (mailbox, role), or None."""
        return bool(target) and target[0] != item.mailbox and self.delegate_copy == "documented"

    def submit_stored(self, caller, item, target, without):
        """Sends an item of the store, which leaves it: moved, or gone; or stays
        (2.6, 2.8). An Outcome, but for the replay."""
        stays = self.stays(item, target)
        code = self.may(caller, item, "change" if stays else "delete")
        leaving = item.copy() if stays else item
        code = code or self.submit(caller, leaving, without)
        if code:
            return Outcome(code)
        if stays:
            item.sent_once = True
            self.stale(item)
            return Outcome(uncopied=True)
        if not target:
            self.remove(item)
            return Outcome()
        if target[0] != item.mailbox:
            item.creator = caller
        self.pass_on(item, target[1])
        item.mailbox = target[0]
        return Outcome(item=item)

    # ---- the operations

    def send(self, caller, refs, save, place):
        """SendItem; protocol.md 2.11."""
        seen = set()

        def one(ref):
            repeated = ref.id in seen
            seen.add(ref.id)
            return self.send_one(caller, ref, save, place, repeated)
        return self.each(refs, one)

    def send_one(self, caller, ref, save, place, repeated):
        if place and not save:
            return Outcome("ErrorInvalidSendItemSaveSettings")
        code = self.place(caller, place, "ErrorSavedItemFolderNotFound") if place else None
        if code or ref.flaw:
            return Outcome(code or ref.flaw)
        if ref.key is None:
            return Outcome("ErrorChangeKeyRequiredForWriteOperations")
        if ref.key_flaw:
            return Outcome(ref.key_flaw)
        if repeated or "read" not in self.rights(caller, self.homes.get(ref.id, caller)):
            return Outcome("ErrorItemNotFound")
        target = self.where(caller, place, "sentitems") if save else None
        item = self.by_id.get(ref.id)
        code = item and self.may(caller, item, "change" if self.stays(item, target) else "delete")
        if code:
            return Outcome(code)
        replay = (caller, ref.id, ref.key, target)
        if replay in self.replays:
            return Outcome(item=None, replay=replay, again=True, uncopied=self.replays[replay].uncopied)
        if not item:
            return Outcome("ErrorItemNotFound")
        if item.kind not in ("Message", "PostItem") or item.report:
            return Outcome("ErrorInvalidItemForOperationSendItem")
        if ref.key != item.key:
            return Outcome("ErrorIrresolvableConflict")
        outcome = self.submit_stored(caller, item, target, "ErrorMissingRecipients")
        if outcome.code == "NoError":
            outcome.replay = replay
            self.replays[replay] = outcome
        return outcome

    def create(self, caller, items, disposition, place):
        """CreateItem; items come complete but for mailbox and folder."""
        return self.each(items, lambda item: self.create_one(caller, item, disposition, place))

    def create_one(self, caller, item, disposition, place):
        flaw = item.__dict__.pop("flaw", None)
        if flaw:
            return Outcome(flaw)
        mail = item.kind in ("Message", "PostItem")
        sends = disposition != "SaveOnly" and mail
        saves = disposition != "SendOnly" or not mail
        code = self.place(caller, place, "ErrorFolderNotFound") if place and saves else None
        if code:
            return Outcome(code)
        item.mailbox, item.folder = self.where(caller, place if saves else None, "sentitems" if sends else HOME[item.kind])
        item.creator = item.sender = caller
        item.sent_from = item.names_from or item.mailbox
        if not sends:
            return Outcome(item=self.add(item))
        before = item.copy()
        code = self.submit(caller, item, "ErrorInvalidRecipients")
        if code == "ErrorSendAsDenied" and saves and item.mailbox != caller and not self.may(
                caller, Place("", "drafts", item.mailbox), "create"):
            before.folder = "drafts"  # D4: the message stays with the principal
            self.add(before)
        if code:
            return Outcome(code)
        return Outcome(item=self.add(item) if saves else None)

    def update(self, caller, edits, resolution, disposition, place):
        """UpdateItem; edits are pairs of a Ref and changes, which are functions
        on the item that may return a code."""
        return self.each(edits, lambda edit: self.update_one(caller, *edit, resolution, disposition, place))

    def update_one(self, caller, ref, changes, resolution, disposition, place):
        """Nothing of it stands when it, or what it sends, is refused."""
        saves = disposition == "SendAndSaveCopy"
        code = self.place(caller, place, "ErrorSavedItemFolderNotFound") if saves and place else None
        if code or ref.flaw or ref.key_flaw:
            return Outcome(code or ref.flaw or ref.key_flaw)
        if ref.key is None and resolution != "AlwaysOverwrite":
            return Outcome("ErrorChangeKeyRequiredForWriteOperations")
        code, item = self.find(caller, ref, "change")
        if code:
            return Outcome(code)
        if resolution == "NeverOverwrite" and ref.key != item.key:
            return Outcome("ErrorIrresolvableConflict")
        before, outcome = item.copy(), Outcome(item=item)
        for change in changes:
            code = code or change(item)
        if not code and disposition != "SaveOnly" and item.kind in ("Message", "PostItem"):
            outcome = self.submit_stored(caller, item, self.where(caller, place, "sentitems") if saves else None,
                                         "ErrorInvalidRecipients")
            code = outcome.code if outcome.code != "NoError" else None
        elif not code:
            self.stale(item)
        if code:
            self.undo(item, before)
            return Outcome(code)
        return outcome

    @staticmethod
    def undo(item, before):
        for name, value in before.__dict__.items():
            if name not in OWN:
                setattr(item, name, value)

    def attach(self, caller, ref, files):
        """CreateAttachment: an Outcome per file."""
        def one(file):
            code, item = self.find(caller, ref, "change")
            if code:
                return Outcome(code)
            item.attachments.append(file)
            self.stale(item)
            return Outcome(item=item)
        return self.each(files, one)

    def move(self, caller, refs, place, copies=False):
        """MoveItem, or CopyItem."""
        def one(ref):
            code = self.place(caller, place, "ErrorToFolderNotFound")
            code, item = (code, None) if code else self.find(caller, ref, "read" if copies else "delete")
            if code:
                return Outcome(code)
            mailbox, role = self.where(caller, place, None)
            elsewhere = mailbox != item.mailbox
            if not copies and not elsewhere:
                self.pass_on(item, role)
                return Outcome(item=item)
            other = item.copy()
            other.mailbox, other.folder, other.creator = mailbox, role, caller
            if not copies:
                self.remove(item)
            self.add(other)
            return Outcome(item=None if elsewhere else other)
        return self.each(refs, one)

    def delete(self, caller, refs, how, attributes=True):
        """DeleteItem; attributes: those that tasks and calendar items need."""
        def one(ref):
            code, item = self.find(caller, ref, "delete")
            if not code and not attributes:
                code = {"Task": "ErrorAffectedTaskOccurrencesRequired",
                        "CalendarItem": "ErrorSendMeetingCancellationsRequired"}.get(item.kind)
            if not code and how == "MoveToDeletedItems" and item.mailbox != caller and "full-access" not in self.held(
                    caller, item.mailbox):
                code = "ErrorCannotDeleteObject"  # D6
            if code:
                return Outcome(code)
            soft = how == "SoftDelete" or item.folder == "deleteditems"
            if how == "HardDelete" or (how == "SoftDelete" and item.folder == "recoverableitemsdeletions"):
                self.remove(item)
            else:
                self.pass_on(item, "recoverableitemsdeletions" if soft else "deleteditems")
            return Outcome()
        return self.each(refs, one)

    # ---- what an audit compares

    def folder(self, mailbox, role):
        return [item for item in self.items.values() if item.mailbox == mailbox and item.folder == role]

    def expected_arrivals(self, mailbox):
        return (sum(arrival.mailbox == mailbox for one in self.sent for arrival in one.arrivals)
                + sum(report.mailbox == mailbox for report in self.reports))
