"""A client that follows folders by SyncFolderItems, a page now and a page then,
while everything else happens: between the pages of a first sync, over restarts
and kills. What it knows after its last page must be what FindItem finds."""

import wire
from harness import M, T, expect
from world import FOLDERS

PAGES = 2000  # far more than any folder needs


def request(role, state, most):
    told = "<m:SyncState>%s</m:SyncState>" % state if state else ""
    return ('<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>'
            '<t:FieldURI FieldURI="message:IsRead"/></t:AdditionalProperties></m:ItemShape><m:SyncFolderId>%s</m:SyncFolderId>%s'
            '<m:MaxChangesReturned>%d</m:MaxChangesReturned></m:SyncFolderItems>' % (wire.own_folder(role), told, most))


class Follower:
    def __init__(self, player):
        self.player = player
        self.states, self.known = {}, {}  # (user, role) -> SyncState; {id: (key, is it read; None: such items are neither)}

    def page(self, user, role, most):
        """One page; whether it was the last."""
        place = user, role
        answer = self.player.ask(request(role, self.states.get(place), most), user)
        expect(answer.codes, ["NoError"], "SyncFolderItems")
        message = answer.messages[0]
        changes = list(message.find("{%s}Changes" % M))
        assert len(changes) <= most, "%d changes, at most %d were asked for" % (len(changes), most)
        ids = [change.find(".//{%s}ItemId" % T).get("Id") for change in changes]
        expect(len(set(ids)), len(ids), "changes of one item are one")
        for change in changes:
            self.take(self.known.setdefault(place, {}), change)
        self.states[place] = message.findtext("{%s}SyncState" % M)
        return message.findtext("{%s}IncludesLastItemInRange" % M) == "true"

    @staticmethod
    def take(known, change):
        kind, told = change.tag.rpartition("}")[2], change.find(".//{%s}ItemId" % T)
        id, key = told.get("Id"), told.get("ChangeKey")
        read = change.findtext(".//{%s}IsRead" % T)
        if kind == "Delete":
            known.pop(id, None)
        elif kind == "ReadFlagChange":
            assert id in known, "ReadFlagChange of what was never created"
            known[id] = key, read
        else:
            assert kind == "Create" or id in known, "Update of what was never created"
            known[id] = key, read

    def some(self, rng):
        """A page or two of a folder, which need not be all."""
        user, role = rng.choice(self.player.world.users), rng.choice(FOLDERS)
        most = rng.choice([1, 2, 3, 5, 20, 512])
        if rng.random() < 0.2:
            self.states.pop((user, role), None)  # a client that was installed anew
            self.known.pop((user, role), None)
        for _ in range(rng.choice([1, 1, 2, 5])):
            if self.page(user, role, most):
                break

    def all(self, rng):
        """To the end, in every folder; then nothing is different."""
        for user in self.player.world.users:
            found = wire.found_ids(self.player.ask(wire.find_item(FOLDERS), user))
            for role, pairs in zip(FOLDERS, found):
                most = rng.choice([1, 3, 20, 512])
                assert any(self.page(user, role, most) for _ in range(PAGES)), "a sync without an end"
                known = self.known.get((user, role), {})
                expect({id: key for id, (key, _) in known.items()}, dict(pairs), "%s of %s as it was followed" % (role, user))
                self.judge(user, role, known)

    def judge(self, user, role, known):
        for item in self.player.world.folder(user, role):
            read = known[item.id][1] if item.id in known else None
            if read is not None:
                expect(read, "true" if item.read else "false", "IsRead of %r as it was followed" % item)
