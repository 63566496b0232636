"""The server that the matrix tries, and a look into its store: whether anything
in it changed."""

import hashlib
import sqlite3

import harness
import ids
from harness import expect, until
from people import DOMAIN

IMPERSONATE = ("<t:ExchangeImpersonation><t:ConnectingSID><t:PrincipalName>%s</t:PrincipalName></t:ConnectingSID>"
               "</t:ExchangeImpersonation></s:Header>")
OK = "NoError"


class World:
    """A server with a mailbox for each caller that has one."""

    def __init__(self, people, folder):
        words, known = [], {"nobody" + DOMAIN}
        for caller in people:
            if caller.user[0] not in known:
                words += ["--user", caller.user[0] + ":secret"]
                known.add(caller.user[0])
            for target, right in caller.grants:
                words += ["--grant", "%s:%s:%s" % (target, caller.user[0], right)]
        self.server = harness.Server(*words, "--set", "auth.failure_delay=1", data=folder)
        harness.ewsctl(folder, "user", "disable", "disabled-owner" + DOMAIN)
        self.db = sqlite3.connect("file:%s/ewsd.db?mode=ro" % folder, uri=True, isolation_level=None)
        self.forge = ids.Forge(self.db.execute("SELECT value FROM meta WHERE name = 'id_secret'").fetchone()[0])
        self.guids = dict(self.db.execute("SELECT address, guid FROM mailbox"))
        self.tables = [row[0] for row in self.db.execute("SELECT name FROM sqlite_master WHERE type = 'table' "
                                                         "AND name NOT LIKE 'search%' ORDER BY name")]
        self.link = None
        self.fresh()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.db.close()
        if self.link:
            self.link.close()
        self.server.__exit__(*failure)

    def call(self, text, caller):
        if caller.acts_as:
            text = text.replace("</s:Header>", IMPERSONATE % caller.acts_as)
        self.link = self.link or self.server.connection()
        self.link.request("POST", self.server.path, text.encode(),
                          {"Content-Type": "text/xml", "Authorization": harness.basic(*caller.user)})
        response = self.link.getresponse()
        answer = harness.Answer(response.status, response.headers, response.read())
        if answer.headers.get("Connection") == "close":
            self.link.close()
            self.link = None
        return answer

    def must(self, text, caller):
        answer = self.call(text, caller)
        expect(answer.codes(), [OK], answer.body)
        return answer

    def version(self):
        return self.db.execute("PRAGMA data_version").fetchone()[0]

    def digest(self):
        """All that is in the store, but for its index of words, which follows by itself."""
        until(lambda: self.db.execute("SELECT COUNT(*) FROM outbox").fetchone()[0] == 0, "the queue to be empty")
        found = {}
        self.db.execute("BEGIN")
        for name in self.tables:
            found[name] = hashlib.sha256(repr(self.db.execute("SELECT * FROM " + name).fetchall()).encode()).digest()
        self.db.execute("COMMIT")
        return found

    def fresh(self):
        """From here on it is told whether anything changed."""
        self.at = None
        while self.at != self.version():
            self.at, self.state = self.version(), self.digest()

    def changed(self, what):
        assert self.version() != self.at, "%s changed nothing" % what
        self.fresh()

    def unchanged(self, what, tables=None):
        """In the tables that are named, or in all."""
        if self.version() == self.at:
            return
        now = self.digest()
        changed = [name for name in tables or self.tables if now[name] != self.state[name]]
        assert not changed, "%s changed %s" % (what, ", ".join(changed))
        self.fresh()
