"""What is answered: a code for each variant of an id, worked out from the tables
of doc/RIGHTS.md and from what an id is."""

OK, MALFORMED, NOT_FOUND = "NoError", "ErrorInvalidIdMalformed", "ErrorItemNotFound"
# None: of this kind it is not another kind's.
WRONG_KIND = {
    "item": {"a folder's": "ErrorCannotUseFolderIdForItemId", "an attachment's": MALFORMED, "an item's": None},
    "attachment": {"a folder's": "ErrorInvalidIdNotAnItemAttachmentId", "an item's": "ErrorInvalidIdNotAnItemAttachmentId",
                   "an attachment's": None},
    "alternate": {"a folder's": None, "an attachment's": None, "an item's": None},
}
WRONG_KIND["parent"] = WRONG_KIND["reference"] = WRONG_KIND["item"]
WRONG_FOLDER = {"an item's": "ErrorCannotUseItemIdForFolderId", "an attachment's": "ErrorCannotUseItemIdForFolderId",
                "empty": "ErrorInvalidIdEmpty"}


class Wanted:
    def __init__(self, request, caller, needs, lacks):
        self.request, self.caller, self.lacks = request, caller, lacks
        self.item_needs, self.folder_needs = needs[request.name]

    def lack(self, needs, column, made_it=False):
        """What is lacking first; column: 0 of the item, 1 of the folder. An item
        that needs to be created goes into another folder of its mailbox."""
        for need in needs:
            rights = self.caller.elsewhere if need == "create" and column == 0 else self.caller.rights
            if not (self.caller.send if need == "send" else rights.has(need, made_it)):
                return self.lacks[need][column]
        return OK

    def of_folder(self, variant):
        request, caller = self.request, self.caller
        if variant == "own":
            return OK
        if variant in ("foreign", "named"):
            code = self.lack(self.folder_needs, 1)
            return request.hidden if code == self.lacks["visible"][1] and variant == "foreign" else code
        if variant == "gone":
            return OK if caller.owner and not request.looks else request.hidden
        return WRONG_FOLDER.get(variant, MALFORMED)

    def of_gone(self, rights):
        """An id that is genuine, of nothing."""
        return OK if rights.read and not self.request.looks else NOT_FOUND

    def of_old_key(self):
        """The right to send is judged behind the ChangeKey; None: no key counts."""
        if not self.request.key:
            return None
        code = self.lack([need for need in self.item_needs if need != "send"], 0)
        return self.request.key if code == OK else code

    def of_item(self, variant):
        """None: this is no variant of its own here."""
        if variant in WRONG_KIND[self.request.slot]:
            return WRONG_KIND[self.request.slot][variant]
        genuine = {
            "own": lambda: OK, "foreign": lambda: self.lack(self.item_needs, 0, self.caller.owner),
            "foreign, made by oneself": lambda: self.lack(self.item_needs, 0, True),
            "with a key of another epoch": self.of_old_key, "gone": lambda: self.of_gone(self.caller.rights),
            "in another folder of hers": lambda: self.of_gone(self.caller.elsewhere),
        }
        if variant in genuine:
            return genuine[variant]()
        return "ErrorInvalidIdEmpty" if variant == "empty" else MALFORMED

    def of_item_into(self, variant, target):
        """Likewise with a folder beside it, which is judged first: hers, or the
        caller's own. None also where that is another row of the table."""
        code = self.of_item(variant)
        if not self.request.has_folder or self.request.elsewhere or code is None:
            return code
        if target == "hers":
            lacking = self.of_folder("named")
            return None if variant == "own" else code if lacking == OK else lacking
        if variant != "own" and code == OK:
            return self.request.across
        return code if self.request.across or variant not in ("foreign", "foreign, made by oneself") else None
