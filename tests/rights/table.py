"""What doc/RIGHTS.md promises, read from its tables, and the names that must
stand there: operations, rights and roles are rows of .def files, and one that
the document leaves out fails the test."""

import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from harness import ROOT, expect  # noqa: E402

NEEDS = ("visible", "read", "create", "create-subfolders", "edit", "delete", "folder-owner", "full-access", "send")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as text:
        return text.read()


def tables(text):
    """Each table as (header, rows) of stripped cells."""
    found, rows = [], []
    for line in text.splitlines() + [""]:
        if line.startswith("|"):
            rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
        elif rows:
            found.append((rows[0], rows[2:]))
            rows = []
    return found


def table_with(first, second):
    """The table whose header begins so."""
    for header, rows in tables(read("doc", "RIGHTS.md")):
        if header[:2] == [first, second]:
            return header, rows
    raise AssertionError("doc/RIGHTS.md has no table that begins with %r, %r" % (first, second))


class Rights:
    """What somebody may do in a folder: of edit and delete "", "own" or "all"."""

    def __init__(self, visible=False, read=False, create=False, edit="", delete="", full=False, subfolders=False, owner=False):
        self.visible, self.read, self.create, self.edit, self.delete, self.full = visible, read, create, edit, delete, full
        self.subfolders, self.owner = subfolders, owner

    def has(self, need, made_it):
        if need == "full-access":
            return self.full
        held = getattr(self, {"create-subfolders": "subfolders", "folder-owner": "owner"}.get(need, need))
        return held if isinstance(held, bool) else held == "all" or (held == "own" and made_it)


ALL = Rights(True, True, True, "all", "all", True, True, True)


def roles():
    """The roles by name, and full access, which is none."""
    header, rows = table_with("", "visible")
    found = {"full-access": ALL}
    for row in rows:
        cells = dict(zip(header[1:], row[1:]))
        for cell in cells.values():
            assert cell in ("", "yes", "own", "all"), row
        found[row[0]] = Rights(*(cells[name] == "yes" for name in ("visible", "read", "create")), cells["edit"], cells["delete"],
                               subfolders=cells["create-subfolders"] == "yes", owner=cells["folder-owner"] == "yes")
    named = set(re.findall(r'^RIGHT\(\w+, \d+, "([\w-]+)"', read("src", "model", "rights.def"), re.M))
    expect(named - set(found), {"send-as", "send-on-behalf", "impersonate"}, "rights on mailboxes that the document leaves out")
    return found


def single_rights():
    """What each right in a folder gives by itself; each makes it visible."""
    found = {}
    for word in re.findall(r'^FOLDER_RIGHT\(\w+, \w+, "([\w-]+)"', read("src", "model", "folder_rights.def"), re.M):
        verb, _, whose = word.partition("-")
        gives = {word: True} if word in ("read", "create") else {"subfolders": True} if word == "create-subfolders" else \
            {"owner": True} if word == "folder-owner" else {verb: whose} if verb in ("edit", "delete") else {}
        found[word] = Rights(visible=True, **gives)
    return found


def operations():
    return re.findall(r"^OP\((\w+), ", read("src", "ops", "ops.def"), re.M)


def words(cell):
    found = [word.strip() for word in cell.split(",") if word.strip()]
    for word in found:
        assert word in NEEDS, "doc/RIGHTS.md: %r is no need" % word
    return found


# What is the same for everybody, and reads no mailbox.
NOBODYS = {"GetServerTimeZones"}


def needs():
    """{what is asked for: (needs of the item, needs of the folder)}."""
    _, rows = table_with("Request", "of the item")
    found = {row[0]: (words(row[1]), words(row[2])) for row in rows}
    _, pairs = table_with("Request", "of the folder") # golden/MoveFolder and golden/CopyFolder have these
    expect({row[0].split()[0] for row in rows + pairs}, set(operations()) - NOBODYS, "operations in doc/RIGHTS.md")
    return found


def lacks():
    """{need: (code for an item, code for a folder)}."""
    _, rows = table_with("What lacks", "of the item")
    found = {row[0]: tuple(row[1:3]) for row in rows}
    expect(sorted(found), sorted(NEEDS), "what can be lacking")
    return found
