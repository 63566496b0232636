"""Who tries: the owner, a delegate for each role and each single right, those who
impersonate, and those who get no further than the door. What each holds is what
doc/RIGHTS.md says of it."""

import table
from harness import ALICE

DOMAIN = "@example.test"
FOLDERS = ("drafts", "inbox", "sentitems", "deleteditems")
DENIED = "ErrorImpersonateUserDenied"


class Caller:
    """rights: in each of alice's folders that a request names; elsewhere: in her
    others. acts_as: the mailbox that counts, by a header, where it is not the
    caller's own. outcome: an HTTP status or the code of a fault, for who gets no
    further."""

    def __init__(self, name, rights, send=False, grants=(), acts_as=None, outcome=None, user=None):
        self.name, self.rights, self.send, self.grants, self.outcome = name, rights, send, list(grants), outcome
        self.user = user or (name.replace(" ", "-") + DOMAIN, "secret")
        self.acts_as, self.mailbox = acts_as, acts_as or self.user[0]
        self.owner = self.mailbox == ALICE[0]
        self.makes = rights.create and not self.owner and outcome is None
        self.elsewhere = table.Rights() if any(":" in target for target, _ in self.grants) else rights


def of_mailbox(name, rights, *words):
    return Caller(name, rights, "send-as" in words or "send-on-behalf" in words, [(ALICE[0], word) for word in words])


def of_folders(name, rights, word):
    """With the right in each folder, and leave to send, so that this never is
    what is lacking."""
    grants = [("%s:%s" % (ALICE[0], folder), word) for folder in FOLDERS]
    return Caller(name, rights, True, grants + [(ALICE[0], "send-as")])


def delegates():
    roles = table.roles()
    for role, rights in roles.items():
        if role != "none":
            yield of_mailbox(role + " of the mailbox", rights, role, "send-as")
            yield of_mailbox(role + " who may not send", rights, role)
        if role not in ("none", "full-access"):
            yield of_folders(role + " of the folders", rights, role)
    for right, rights in table.single_rights().items():
        yield of_folders("only " + right, rights, right)
    yield of_mailbox("editor on behalf", roles["editor"], "editor", "send-on-behalf")
    none = of_folders("none over editor", roles["none"], "none")
    none.grants.append((ALICE[0], "editor"))
    none.elsewhere = roles["editor"]
    yield none


def impersonators():
    """Those they act as count, whatever they may do themselves."""
    none, roles = table.Rights(), table.roles()
    editor, stranger = "editor-of-the-mailbox" + DOMAIN, "stranger" + DOMAIN
    yield of_mailbox("holder of impersonate", none, "impersonate")
    yield Caller("impersonator", table.ALL, True, [(ALICE[0], "impersonate")], acts_as=ALICE[0])
    yield Caller("impersonator of an editor", roles["editor"], True, [(editor, "impersonate")], acts_as=editor)
    yield Caller("editor as a stranger", none, grants=[(ALICE[0], "editor"), (stranger, "impersonate")], acts_as=stranger)
    yield Caller("impersonator without the right", none, acts_as=ALICE[0], outcome=DENIED)
    yield Caller("full access impersonating", none, grants=[(ALICE[0], "full-access")], acts_as=ALICE[0], outcome=DENIED)


def callers():
    """Alice, whose mailbox it is, first."""
    none = table.Rights()
    return [Caller("alice", table.ALL, True), Caller("stranger", none), of_mailbox("who may send as", none, "send-as"),
            *delegates(), *impersonators(),
            Caller("alice with a wrong password", none, outcome=401, user=(ALICE[0], "wrong")),
            Caller("nobody at all", none, outcome=401, user=("nobody" + DOMAIN, "secret")),
            Caller("disabled owner", none, grants=[(ALICE[0], "owner"), (ALICE[0], "full-access")], outcome=401)]
