"""The ids that one caller tries: genuine ones of what is its own, another's, or
gone, and every way to spoil one. Variants have names; what each is answered is
worked out in wanted.py."""

import ids
from harness import ALICE, a_message, create_item, envelope, expect
from operations import FOLDER_ID, SLOTS, UNIQUE
from people import DOMAIN

# What of alice's must never be seen by who may not read it.
MARKS = (b"KEPT-SUBJECT", b"KEPT-BODY", b"kept-to@", b"kept-bcc@", b"KEPT-NAME", b"S0VQVC1EQVRB", b"KEPT-DATA")
FILE = "<t:Attachments><t:FileAttachment><t:Name>%s</t:Name><t:Content>%s</t:Content></t:FileAttachment></t:Attachments>"
KEPT = ('<t:Subject>KEPT-SUBJECT</t:Subject><t:Body BodyType="Text">KEPT-BODY</t:Body>' + FILE % ("KEPT-NAME", "S0VQVC1EQVRB") +
        "<t:ToRecipients><t:Mailbox><t:EmailAddress>kept-to@elsewhere.test</t:EmailAddress></t:Mailbox></t:ToRecipients>"
        "<t:BccRecipients><t:Mailbox><t:EmailAddress>kept-bcc@elsewhere.test</t:EmailAddress></t:Mailbox></t:BccRecipients>")
OWN = a_message("of one's own", extra=FILE % ("x", "eA=="))
NAMED = ('<t:DistinguishedFolderId Id="%s"><t:Mailbox><t:EmailAddress>' + ALICE[0] +
         "</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>")
OF_OWN = '<t:DistinguishedFolderId Id="%s"/>'
NEW_BOX = ('<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="drafts"/></m:ParentFolderId><m:Folders><t:Folder>'
           '<t:DisplayName>%s</t:DisplayName></t:Folder></m:Folders></m:CreateFolder>')
# The item that a variant names, which is used up when it was changed.
USES = {"foreign": "hers", "foreign, made by oneself": "made", "own": "own"}


def fill(slot, pair):
    """An id element of (Id, ChangeKey)."""
    text = SLOTS[slot]
    return text % pair[:text.count("%s")]


class Things:
    """The items: the caller's own, alice's, and one that the caller made in her
    Drafts, where it may; made anew when they were used up."""

    def __init__(self, world, alice, caller):
        self.world, self.alice, self.caller = world, alice, caller
        self.own = self.hers = self.made = None
        self.boxes = {}  # folders in alice's Drafts and one's own, for those who delete them

    def make(self, caller, message, folder=""):
        saved = folder and "<m:SavedItemFolderId>%s</m:SavedItemFolderId>" % folder
        return self.world.must(create_item(message).replace("<m:Items>", saved + "<m:Items>"), caller).ids()[0]

    def ready(self):
        """All are there, and the state of the store is noted."""
        known = self.own, self.hers, self.made
        self.hers = self.hers or self.make(self.alice, KEPT)
        if self.caller.outcome is None:
            self.own = self.own or self.make(self.caller, OWN)
        if self.caller.makes:
            self.made = self.made or self.make(self.caller, OWN, NAMED % "drafts")
        if known != (self.own, self.hers, self.made):
            self.world.fresh()

    def box(self, caller):
        """The id of a folder in somebody's Drafts."""
        if caller.name not in self.boxes:
            text = NEW_BOX % "box %d" % next(UNIQUE)
            self.boxes[caller.name] = self.world.must(envelope(text), caller).ids("FolderId")[0]["Id"]
            self.world.fresh()
        return self.boxes[caller.name]

    def emptied(self):
        """The Drafts hold nothing any more."""
        self.own = self.hers = self.made = None

    def used(self, variant):
        setattr(self, USES[variant], None)

    def other_mailbox(self):
        """One's own; a stranger's for alice, and for who has none."""
        stranger = "stranger" + DOMAIN
        return self.world.guids.get(stranger if self.caller.owner else self.caller.mailbox) or self.world.guids[stranger]

    def items(self, slot):
        """{variant: (Id, ChangeKey)}, all of the kind that the slot is for, but
        for those that are of another."""
        forge, guid, own = self.world.forge, self.world.guids[ALICE[0]], self.other_mailbox()
        mailbox, folder, number = ids.numbers(self.hers["Id"])
        expect((mailbox, forge.item(guid, folder, number)), (guid, self.hers["Id"]), "ids.py makes ids as the store does")

        def make(maker=forge, mailbox=guid, folder=folder, item=number, tag=None):
            if slot == "attachment":
                return maker.attachment(mailbox, folder, item, 1, tag)
            return maker.item(mailbox, folder, item, tag)

        kind = ids.ATTACHMENT if slot == "attachment" else ids.ITEM
        genuine, tag = make(), forge.tag(guid, kind, folder, number, 1)
        found = {
            "foreign": genuine, "gone": make(item=number + 100000), "in another folder of hers": make(folder=2),
            "with the tag of one's own": make(tag=forge.tag(own, kind, folder, number, 1)),
            "in one's own mailbox, with the tag of hers": make(mailbox=own, tag=tag),
            "in another folder, with the tag of this": make(folder=folder + 1, tag=tag),
            "with the tag of another number": make(tag=forge.tag(guid, kind, folder, number + 1, 1)),
            "of another store": make(ids.Forge(b"another store's key, of 32 bytes")),
            "a folder's": forge.folder(guid, folder), "an attachment's": forge.attachment(guid, folder, number, 1),
            "an item's": self.hers["Id"], "truncated": genuine[:len(genuine) // 8 * 4], "a few bytes short": genuine[:-4],
            "huge": genuine * 20, "empty": "", "no base64": "!" * 160,
        }
        keys = dict.fromkeys(found, self.hers["ChangeKey"])
        for variant, item in (("own", self.own if not self.caller.owner else None), ("foreign, made by oneself", self.made)):
            if item:
                where, inside, mine = ids.numbers(item["Id"])
                found[variant], keys[variant] = make(mailbox=where, folder=inside, item=mine), item["ChangeKey"]
        if slot == "item":
            found["with a key of another epoch"] = genuine
            keys["with a key of another epoch"] = ids.other_epoch(self.hers["ChangeKey"])
        return {variant: (text, keys[variant]) for variant, text in found.items()}

    def folders(self, request):
        """{variant: element}."""
        forge, guid, own = self.world.forge, self.world.guids[ALICE[0]], self.other_mailbox()
        drafts, number = ids.numbers(self.hers["Id"])[1:]
        if request.made:
            drafts = ids.folder_number(self.box(self.alice))
        genuine = forge.folder(guid, drafts)
        texts = {"foreign": genuine, "gone": forge.folder(guid, 4000000),
                 "with the tag of one's own": forge.folder(guid, drafts, forge.tag(own, ids.FOLDER, drafts)),
                 "with the tag of another number": forge.folder(guid, drafts, forge.tag(guid, ids.FOLDER, drafts + 1)),
                 "of another store": ids.Forge(b"another store's key, of 32 bytes").folder(guid, drafts),
                 "truncated": genuine[:60], "huge": genuine * 30, "empty": ""}
        if request.folder_form == FOLDER_ID:
            texts.update({"an item's": self.hers["Id"], "an attachment's": forge.attachment(guid, drafts, number, 1)})
        found = {variant: request.folder_form % text for variant, text in texts.items()}
        if request.folder_form == FOLDER_ID:
            if not request.made:
                found["named"] = NAMED % "drafts"
            if not self.caller.owner and not (request.made and self.caller.outcome):
                found["own"] = FOLDER_ID % self.box(self.caller) if request.made else OF_OWN % "drafts"
        return found
