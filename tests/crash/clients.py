"""The clients: each a user with a head full of letters, which it writes, edits,
attaches to, moves, deletes and sends. What was not answered it asks again as
real clients do: SendItem with the same ids and keys, what has an Idempotency-Key
word by word, the rest after a look at what became of it."""

import base64
import http.client
import random
import re
import textwrap
import threading

import harness
from harness import T, envelope, expect
from letters import DRAFTS, JUNK, NOWHERE, SENT, Letter, State, file_data, read_subject
from life import Finished, Violation

PASSWORD = "secret"
DRAFTS_KEPT = 8
OUTSIDE = ["one@elsewhere.test", "two@elsewhere.test", "three@else.test", "four@else.test"]
# What the sink does with some.
LATER, NEVER = "later-%s@elsewhere.test", "never-%s@elsewhere.test"
ACTIONS = {"create": 26, "create_and_send": 6, "update": 14, "attach": 12, "send": 14, "send_batch": 12, "move": 5,
           "delete": 3, "delete_copy": 3, "look": 4, "repeat": 4}


def item_ids(letters):
    return "<m:ItemIds>%s</m:ItemIds>" % "".join(
        '<t:ItemId Id="%s" ChangeKey="%s"/>' % (one.id, one.key) for one in letters)


def attachments(names):
    return "".join("<t:FileAttachment><t:Name>%s</t:Name><t:Content>%s</t:Content></t:FileAttachment>"
                   % (name, base64.b64encode(file_data(name)).decode()) for name in names)


def to_rcpts(rcpts):
    return "<t:ToRecipients>%s</t:ToRecipients>" % "".join(
        "<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>" % one for one in rcpts)


class Client(threading.Thread):
    """name: unique in the round; users: every mailbox there is."""

    def __init__(self, seed, name, user, users, gate, ledger):
        super().__init__(name=name, daemon=True)
        self.user, self.users, self.gate, self.ledger = user, users, gate, ledger
        self.rng = random.Random("%s %s" % (seed, name))
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": harness.basic(user, PASSWORD)}
        self.life = self.connection = None
        self.made = self.keys = 0
        self.drafts, self.copies, self.sent = [], [], []
        self.done = threading.Event()  # no new undertakings

    def run(self):
        try:
            while not self.done.is_set():
                action = self.rng.choices(list(ACTIONS), ACTIONS.values())[0]
                getattr(self, action)()
        except Finished:
            pass
        except Exception as error:
            self.gate.fail(error if isinstance(error, Violation) else
                           Violation("%s: %s: %s" % (self.name, type(error).__name__, error)))

    # ---- asking

    def ask(self, life, operation, key=None):
        """The answer; None when the server died of the question."""
        try:
            if self.life is not life:
                self.life, self.connection = life, life.connect()
            headers = dict(self.headers, **({"Idempotency-Key": key} if key else {}))
            self.connection.request("POST", life.path, envelope(operation).encode(), headers)
            response = self.connection.getresponse()
            answer = harness.Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            life.must_be_dead(error)
            self.ledger.count("unanswered")
            return None
        if answer.status != 200 and not self.is_refusal(life, answer):
            raise Violation("HTTP %d: %s" % (answer.status, answer.body[:2000].decode(errors="replace")))
        self.ledger.count("answered" if answer.status == 200 else "refused by a server that stops")
        return answer

    @staticmethod
    def is_refusal(life, answer):
        """By a server that was asked to stop; then nobody need ask it again."""
        life.broken = life.broken or life.asked_to_stop
        return life.asked_to_stop and answer.status == 503

    def attempt(self, changes, operation, record=None, key=None, done=None):
        """Asks once. changes: (letter, its State when this is done) pairs; record
        takes the answer while nobody audits. done: the code that a repetition
        gets when the first time was through."""
        with self.gate.turn() as life:
            was_done = [letter.state == after for letter, after in changes]
            for letter, after in changes:
                letter.pending = after
            answer = self.ask(life, operation, key)
            if not answer:
                return None
            if answer.status != 200:  # then it was not done
                for letter, _ in changes:
                    letter.pending = None
                return None
            codes = answer.codes()
            wanted = [done if done and was else "NoError" for was in was_done] or ["NoError"]
            expect(codes, wanted, "%s of %s" % (re.match(r"<m:(\w+)", operation).group(1), [letter for letter, _ in changes]))
            for letter, _ in changes:
                letter.answered()
            if record and set(codes) == {"NoError"}:
                record(answer)
            return answer

    def persist(self, *arguments, **more):
        answer = None
        while not answer:
            answer = self.attempt(*arguments, **more)
        return answer

    def new_key(self):
        self.keys += 1
        return "%s-%d" % (self.name, self.keys)

    def keep(self, letter, attributes, prefix=""):
        letter.id, letter.key = attributes[prefix + "Id"], attributes[prefix + "ChangeKey"]
        self.ledger.note_key(letter)

    # ---- looking

    def read(self, letter):
        """What GetItem has of it; it must be what the ledger has."""
        def record(answer):
            subject = next(answer.tree.iter("{%s}Subject" % T)).text
            files = tuple(sorted(node.findtext("{%s}Name" % T) for node in answer.tree.iter("{%s}FileAttachment" % T)))
            expect((read_subject(subject), files), ((letter.token, letter.state.version), letter.state.files), repr(letter))
            self.keep(letter, answer.ids()[0])
        self.persist((), '<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>'
                     '<t:ItemId Id="%s"/></m:ItemIds></m:GetItem>' % letter.id, record)

    def find(self, letter, folder):
        """Its id, by its subject."""
        def record(answer):
            found = [node for node in answer.tree.iter("{%s}Message" % T) if node.findtext("{%s}Subject" % T) == letter.subject]
            expect(len(found), 1, "%s in %s" % (letter, folder))
            self.keep(letter, found[0].find("{%s}ItemId" % T).attrib)
        self.persist((), '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
                     '<m:ParentFolderIds><t:DistinguishedFolderId Id="%s"/></m:ParentFolderIds></m:FindItem>' % folder, record)

    # ---- undertakings

    def new_letter(self):
        self.made += 1
        token = "%s-%d" % (self.name, self.made)
        rcpts = self.rng.sample(self.users, self.rng.choice((0, 1, 1, 2)))
        rcpts += self.rng.sample(OUTSIDE, self.rng.choice((0, 1, 1, 2, 3)))
        rcpts += [LATER % token] if self.rng.random() < 0.15 else []
        rcpts += [NEVER % token] if self.rng.random() < 0.06 else []
        letter = Letter(token, self.user, rcpts or [self.users[0]])
        self.ledger.letters[letter.token] = letter
        return letter

    def new_files(self, letter):
        draw = self.rng.random()
        sizes = [1300000] if draw < 0.03 else [self.rng.randrange(1, 6000) for _ in range(self.rng.randrange(1, 3))]
        first = len(letter.state.files)
        return ["%s-%d-%d.bin" % (letter.token, first + i, size) for i, size in enumerate(sizes)]

    def new_item(self, letter, names):
        """As elements, or as MIME."""
        body = "word " * self.rng.choice((1, 20, 400, 20000))
        if not names and self.rng.random() < 0.2:
            mime = "Subject: %s v1\r\nTo: %s\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n%s\r\n" % (
                letter.token, ", ".join(letter.rcpts), textwrap.fill(body).replace("\n", "\r\n"))
            content = "<t:MimeContent>%s</t:MimeContent>" % base64.b64encode(mime.encode()).decode()
        else:
            files = "<t:Attachments>%s</t:Attachments>" % attachments(names) if names else ""
            content = '<t:Subject>%s v1</t:Subject><t:Body BodyType="Text">%s</t:Body>%s%s' % (
                letter.token, body, files, to_rcpts(letter.rcpts))
        return "<m:Items><t:Message>%s</t:Message></m:Items>" % content

    def create(self):
        if len(self.drafts) >= DRAFTS_KEPT:
            return
        letter = self.new_letter()
        names = self.new_files(letter) if self.rng.random() < 0.3 else []
        request = '<m:CreateItem MessageDisposition="SaveOnly">%s</m:CreateItem>' % self.new_item(letter, names)
        changes = [(letter, State(DRAFTS, 1, tuple(sorted(names)), False))]
        arguments = (changes, request, lambda answer: self.keep(letter, answer.ids()[0]))
        if self.rng.random() < 0.6:
            self.persist(*arguments, key=self.new_key())
        elif not self.attempt(*arguments):
            return  # it may be there, and is left alone: its id is not known
        self.drafts.append(letter)

    def create_and_send(self):
        letter = self.new_letter()
        names = self.new_files(letter) if self.rng.random() < 0.3 else []
        saves = self.rng.random() < 0.7
        request = '<m:CreateItem MessageDisposition="%s">%s</m:CreateItem>' % (
            "SendAndSaveCopy" if saves else "SendOnly", self.new_item(letter, names))
        changes = [(letter, State(SENT if saves else None, 1, tuple(sorted(names)), True))]
        self.persist(changes, request, key=self.new_key())
        self.ledger.count("sends acknowledged")

    def pick(self):
        return self.rng.choice(self.drafts) if self.drafts else None

    def update(self):
        letter = self.pick()
        if not letter:
            return
        after = letter.after(version=letter.state.version + 1)
        record = lambda answer: self.keep(letter, answer.ids()[0])  # noqa: E731

        def request():
            return ('<m:UpdateItem ConflictResolution="AutoResolve" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>'
                    '<t:ItemId Id="%s" ChangeKey="%s"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/>'
                    '<t:Message><t:Subject>%s v%d</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange>'
                    '</m:ItemChanges></m:UpdateItem>' % (letter.id, letter.key, letter.token, after.version))
        if self.rng.random() < 0.5:
            self.persist([(letter, after)], request(), record, key=self.new_key())
            return
        while not self.attempt([(letter, after)], request(), record):
            self.read(letter)
            if letter.state == after:
                return

    def attach(self):
        letter = self.pick()
        if not letter or len(letter.state.files) > 4:
            return
        names = self.new_files(letter)[:1]
        after = letter.after(files=tuple(sorted(letter.state.files + tuple(names))))
        request = '<m:CreateAttachment><m:ParentItemId Id="%s"/><m:Attachments>%s</m:Attachments></m:CreateAttachment>' % (
            letter.id, attachments(names))

        def record(answer):
            self.keep(letter, answer.ids("AttachmentId")[0], "RootItem")
        while not self.attempt([(letter, after)], request, record):
            self.read(letter)
            if letter.state == after:
                return

    def send_some(self, count):
        letters = self.rng.sample(self.drafts, min(count, len(self.drafts)))
        if not letters:
            return
        saves = self.rng.random() < 0.85
        request = '<m:SendItem SaveItemToFolder="%s">%s</m:SendItem>' % ("true" if saves else "false", item_ids(letters))
        changes = [(one, one.after(folder=SENT if saves else None, submitted=True)) for one in letters]
        answer = self.persist(changes, request)
        self.ledger.count("sends acknowledged", len(letters))
        self.drafts = [one for one in self.drafts if one not in letters]
        ids = (answer.headers.get("X-Ewsd-Sent-ItemId") or "").split(",")
        for letter, told in zip(letters, ids):
            letter.id = told
            if saves and told:
                self.copies.append(letter)
        self.sent = (self.sent + [(request, letters)])[-20:]

    def send(self):
        self.send_some(1)

    def send_batch(self):
        self.send_some(self.rng.randrange(2, 7))

    def repeat(self):
        """A SendItem that was answered, as if the answer had been lost."""
        if self.sent:
            request, letters = self.rng.choice(self.sent)
            self.persist([(one, one.state) for one in letters], request)
            self.ledger.count("sends repeated", len(letters))

    def move(self):
        letter = self.pick()
        if not letter or letter.state.folder != DRAFTS:
            return
        request = ('<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="junkemail"/></m:ToFolderId>'
                   '<m:ItemIds><t:ItemId Id="%s"/></m:ItemIds></m:MoveItem>' % letter.id)
        answer = self.persist([(letter, letter.after(folder=JUNK))], request,
                              lambda answer: self.keep(letter, answer.ids()[0]), done="ErrorItemNotFound")
        if answer.codes() != ["NoError"]:
            self.find(letter, "junkemail")

    def delete_one(self, letter, after):
        self.persist([(letter, after)], '<m:DeleteItem DeleteType="HardDelete"><m:ItemIds><t:ItemId Id="%s"/></m:ItemIds>'
                     '</m:DeleteItem>' % letter.id, done="ErrorItemNotFound")

    def delete(self):
        letter = self.pick()
        if letter:
            self.drafts.remove(letter)
            self.delete_one(letter, NOWHERE)

    def delete_copy(self):
        """Of a letter that may still be on its way."""
        if self.copies:
            letter = self.copies.pop(self.rng.randrange(len(self.copies)))
            self.delete_one(letter, letter.after(folder=None))

    def look(self):
        letter = self.pick()
        if letter:
            self.read(letter)
