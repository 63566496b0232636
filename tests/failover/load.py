"""Clients that go on whatever happens: each writes drafts and sends them, over
any of the nodes, and asks again, perhaps another node, until it is answered
NoError; what it was answered is its ledger. An answer that is neither NoError nor
one that tells it to come again is a broken promise, and so is being asked for
its password."""

import collections
import http.client
import itertools
import random
import threading
import time

import harness
from harness import envelope

PATIENCE = 120
# What a server without its database may say: come again.
AGAIN = {"ErrorInternalServerTransientError", "ErrorMailboxStoreUnavailable", "ErrorServerBusy", "ErrorTimeoutExpired"}


class Broken(AssertionError):
    """A promise was."""


class Endpoint:
    """Where a node listens. died: that it does not answer is no wonder."""

    def __init__(self, host, port, path):
        self.host, self.port, self.path, self.died = host, port, path, False


class Sent:
    """One message as its client knows it."""

    def __init__(self, token, owner, rcpts):
        self.token, self.owner, self.rcpts, self.at = token, owner, rcpts, None

    @property
    def subject(self):
        return self.token + " v1"


class Client(threading.Thread):
    def __init__(self, load, number, user):
        super().__init__(daemon=True)
        self.load, self.user, self.number = load, user, number
        self.rng = random.Random("%s %d" % (load.seed, number))
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": harness.basic(*user)}
        self.endpoint = self.connection = None

    def run(self):
        try:
            for n in itertools.count():
                if self.load.over.is_set():
                    return
                self.one(Sent("c%dn%d" % (self.number, n), self.user[0], self.load.rcpts(self.rng)))
        except Exception as error:  # whatever it is, the test fails of it
            self.load.fail(error)

    def one(self, sent):
        """A draft and its sending; both are safe to repeat."""
        self.load.sent.append(sent)
        to = "".join("<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>" % one for one in sent.rcpts)
        made = self.persist('<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>%s</t:Subject>'
                            '<t:Body BodyType="Text">%s</t:Body><t:ToRecipients>%s</t:ToRecipients></t:Message></m:Items>'
                            '</m:CreateItem>' % (sent.subject, "word " * 200, to), sent.token)
        self.persist('<m:SendItem SaveItemToFolder="true"><m:ItemIds><t:ItemId Id="%(Id)s" ChangeKey="%(ChangeKey)s"/>'
                     '</m:ItemIds></m:SendItem>' % made.ids()[0])
        sent.at = time.monotonic()

    def persist(self, operation, key=None):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            answer = self.ask(operation, key)
            if answer:
                return answer
            self.load.count("asked again")
            self.connection = None
            time.sleep(0.05)  # as a client that is told to come again
        raise Broken("%s is not answered for %d s" % (operation[:30], PATIENCE))

    def ask(self, operation, key):
        """The answer, when it is NoError; None: come again."""
        try:
            if not self.connection:
                self.endpoint = self.rng.choice(self.load.endpoints)
                self.connection = http.client.HTTPConnection(self.endpoint.host, self.endpoint.port, timeout=self.load.deadline)
            headers = dict(self.headers, **({"Idempotency-Key": key} if key else {}))
            self.connection.request("POST", self.endpoint.path, envelope(operation).encode(), headers)
            response = self.connection.getresponse()
            answer = harness.Answer(response.status, response.headers, response.read())
        except (OSError, http.client.HTTPException) as error:
            if not self.endpoint.died:
                raise Broken("a living node left a request without an answer: %r" % error) from error
            return None
        if answer.status == 503:
            return None
        codes = answer.codes() if answer.status in (200, 500) else []
        if set(codes) & AGAIN:
            return None
        if answer.status != 200 or codes != ["NoError"]:
            raise Broken("%d %s" % (answer.status, answer.body[:1500].decode(errors="replace")))
        return answer


class Load:
    """users: (address, password); rcpts(rng): whom a message goes to."""

    def __init__(self, seed, endpoints, users, rcpts, deadline=60):
        self.seed, self.endpoints, self.rcpts, self.deadline = seed, endpoints, rcpts, deadline
        self.over, self.lock, self.failure = threading.Event(), threading.Lock(), None
        self.sent, self.counts = [], collections.Counter()
        self.clients = [Client(self, i, user) for i, user in enumerate(users)]
        for client in self.clients:
            client.start()

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def fail(self, error):
        with self.lock:
            self.failure = self.failure or error
        self.over.set()

    def acknowledged(self):
        return [one for one in self.sent if one.at]

    def await_more(self, n):
        """Answers from now on."""
        before = len(self.acknowledged())

        def enough():
            if self.failure:
                raise self.failure
            return len(self.acknowledged()) >= before + n
        harness.until(enough, "%d more sends" % n, PATIENCE)

    def end(self):
        """All that was begun is through."""
        self.over.set()
        for client in self.clients:
            client.join(2 * PATIENCE)
        if self.failure:
            raise self.failure
        if any(one.is_alive() for one in self.clients):
            raise Broken("a client is not served any more")

    def gap(self):
        """Seconds, the longest, in which nobody was answered."""
        times = sorted(one.at for one in self.acknowledged())
        return max((b - a for a, b in zip(times, times[1:])), default=0.0)
