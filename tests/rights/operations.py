"""A request for each row of the table "What operations need" of doc/RIGHTS.md.
In the texts {item}, {parent}, {attachment} and {alternate} are where an id
stands, {folder} is a FolderId or DistinguishedFolderId. `hidden` is what a
folder that is named by its id and may not be seen is answered with; `key` what
a ChangeKey of another epoch is; `reads`: nothing is changed even by those who
may; `across`: the answer when item and folder are in different mailboxes;
`well`: what those are answered who may; `elsewhere`: the folder is one of the caller's own, the item another's; `looks`:
false where an id alone is worked on, so that what is gone is not missed."""

from harness import envelope

SHAPE = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape>"
FOUND = "<m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
FOLDER_SHAPE = "<m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>"
SUBJECT = ('<m:ItemChanges><t:ItemChange>{item}<t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message>'
           '<t:Subject>changed</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>')
FILE = "<m:Attachments><t:FileAttachment><t:Name>a.txt</t:Name><t:Content>eA==</t:Content></t:FileAttachment></m:Attachments>"
MESSAGE = ("<m:Items><t:Message><t:Subject>new</t:Subject><t:ToRecipients><t:Mailbox><t:EmailAddress>to@elsewhere.test"
           "</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items>")
SAVED = "<m:SavedItemFolderId>{folder}</m:SavedItemFolderId>"
TO = "<m:ToFolderId>{folder}</m:ToFolderId>"
ITEMS = "<m:ItemIds>{item}</m:ItemIds>"
HIDDEN_SAVED, HIDDEN_TO, CONFLICT = "ErrorSavedItemFolderNotFound", "ErrorToFolderNotFound", "ErrorIrresolvableConflict"


FOLDER_ID = '<t:FolderId Id="%s"/>'


class Request:
    """name: the row; its first word is the operation."""

    def __init__(self, name, text, attributes="", reads=False, hidden="ErrorFolderNotFound", key=None, across=None, elsewhere=False,
                 looks=True, folder_form=FOLDER_ID, well="NoError"):
        self.name, self.text, self.reads, self.hidden = name, text, reads, hidden
        self.key, self.across, self.elsewhere, self.looks = key, across, elsewhere, looks
        self.folder_form, self.well = folder_form, well
        self.operation = name.split()[0]
        self.open = self.operation + (" " + attributes if attributes else "")
        self.slot = next((slot for slot in SLOTS if "{%s}" % slot in text), None)
        self.has_folder = "{folder}" in text

    def render(self, folder="", **slots):
        return envelope("<m:%s>%s</m:%s>" % (self.open, self.text.format(folder=folder, **slots), self.operation))


SLOTS = {
    "item": '<t:ItemId Id="%s" ChangeKey="%s"/>',
    "parent": '<m:ParentItemId Id="%s" ChangeKey="%s"/>',
    "attachment": '<t:AttachmentId Id="%s"/>',
    "alternate": '<t:AlternateId Format="EwsId" Id="%s" Mailbox="someone@example.test"/>',
}

REQUESTS = (
    Request("GetFolder", FOLDER_SHAPE + "<m:FolderIds>{folder}</m:FolderIds>", reads=True),
    Request("FindFolder", FOLDER_SHAPE + "<m:ParentFolderIds>{folder}</m:ParentFolderIds>", 'Traversal="Deep"', reads=True),
    Request("FindItem", FOUND + "<m:ParentFolderIds>{folder}</m:ParentFolderIds>", 'Traversal="Shallow"', reads=True),
    Request("GetItem", SHAPE + ITEMS, reads=True),
    Request("GetAttachment", "<m:AttachmentIds>{attachment}</m:AttachmentIds>", reads=True),
    Request("ConvertId of an item", "<m:SourceIds>{alternate}</m:SourceIds>", 'DestinationFormat="HexEntryId"', reads=True, looks=False),
    Request("ConvertId of a folder", "<m:SourceIds>{folder}</m:SourceIds>", 'DestinationFormat="HexEntryId"', reads=True, looks=False,
            folder_form='<t:AlternateId Format="EwsId" Id="%s" Mailbox="someone@example.test"/>'),
    Request("ResolveNames in a folder", "<m:ParentFolderIds>{folder}</m:ParentFolderIds><m:UnresolvedEntry>kept</m:UnresolvedEntry>",
            'ReturnFullContactData="true" SearchScope="Contacts"', reads=True, well="ErrorResolveNamesInvalidFolderType"),
    Request("ExpandDL of a list", "<m:Mailbox>{item}</m:Mailbox>", reads=True, well="ErrorInvalidItemForOperationExpandDL"),
    Request("CreateItem", SAVED + MESSAGE, 'MessageDisposition="SaveOnly"'),
    Request("CreateItem that sends", SAVED + MESSAGE, 'MessageDisposition="SendAndSaveCopy"'),
    Request("UpdateItem", SUBJECT, 'MessageDisposition="SaveOnly" ConflictResolution="AlwaysOverwrite"'),
    Request("UpdateItem that sends", SAVED + SUBJECT, 'MessageDisposition="SendAndSaveCopy" ConflictResolution="AutoResolve"',
            hidden=HIDDEN_SAVED),
    Request("CreateAttachment", "{parent}" + FILE),
    Request("DeleteItem", ITEMS, 'DeleteType="HardDelete"'),
    Request("DeleteItem to Deleted Items", ITEMS, 'DeleteType="MoveToDeletedItems"'),
    Request("CopyItem", TO + ITEMS, hidden=HIDDEN_TO, across="ErrorCrossMailboxMoveCopy"),
    Request("MoveItem", TO + ITEMS, hidden=HIDDEN_TO, across="ErrorCrossMailboxMoveCopy"),
    Request("SendItem", ITEMS + SAVED, 'SaveItemToFolder="true"', hidden=HIDDEN_SAVED, key=CONFLICT),
    Request("SendItem without a copy", ITEMS, 'SaveItemToFolder="false"', key=CONFLICT),
    Request("SendItem with a copy in another mailbox", ITEMS + SAVED, 'SaveItemToFolder="true"', hidden=HIDDEN_SAVED, key=CONFLICT,
            elsewhere=True),
)
