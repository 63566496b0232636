"""A request for each row of the table "What operations need" of doc/RIGHTS.md.
In the texts {item}, {parent}, {reference}, {attachment} and {alternate} are where an id
stands, {folder} is a FolderId or DistinguishedFolderId. `hidden` is what a
folder that is named by its id and may not be seen is answered with; `key` what
a ChangeKey of another epoch is; `reads`: nothing is changed even by those who
may; `across`: the answer when item and folder are in different mailboxes;
`well`: what those are answered who may; `elsewhere`: the folder is one of the
caller's own, the item another's; `looks`: false where an id alone is worked on,
so that what is gone is not missed; `made`: the folder is one that was made in the
Drafts for it, and {unique} a name of its own; `empties`: the items in the folder
are gone afterwards; `idle`: where it was done before, there is nothing left to do."""

import itertools

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
NOT_FOUND = "ErrorItemNotFound"


UNIQUE = itertools.count()
NEW_FOLDER = "<t:Folder><t:DisplayName>{unique}</t:DisplayName></t:Folder>"
COLOUR = '<t:ExtendedFieldURI PropertyTag="0x7001" PropertyType="String"/>'
PARENT = "<m:ParentFolderId>{folder}</m:ParentFolderId>"
FOLDERS = "<m:FolderIds>{folder}</m:FolderIds>"
FOLDER_ID = '<t:FolderId Id="%s"/>'


class Request:
    """name: the row; its first word is the operation."""

    def __init__(self, name, text, attributes="", reads=False, hidden="ErrorFolderNotFound", key=None, across=None, elsewhere=False,
                 looks=True, folder_form=FOLDER_ID, made=False, empties=False, idle=False, well="NoError"):
        self.name, self.text, self.reads, self.hidden = name, text, reads, hidden
        self.key, self.across, self.elsewhere, self.looks = key, across, elsewhere, looks
        self.folder_form, self.made, self.empties, self.idle, self.well = folder_form, made, empties, idle, well
        self.operation = name.split()[0]
        self.open = self.operation + (" " + attributes if attributes else "")
        self.slot = next((slot for slot in SLOTS if "{%s}" % slot in text), None)
        self.has_folder = "{folder}" in text

    def render(self, folder="", **slots):
        text = self.text.format(folder=folder, unique="f%d" % next(UNIQUE), **slots)
        return envelope("<m:%s>%s</m:%s>" % (self.open, text, self.operation))


SLOTS = {
    "item": '<t:ItemId Id="%s" ChangeKey="%s"/>',
    "parent": '<m:ParentItemId Id="%s" ChangeKey="%s"/>',
    "reference": '<t:ReferenceItemId Id="%s" ChangeKey="%s"/>',
    "attachment": '<t:AttachmentId Id="%s"/>',
    "alternate": '<t:AlternateId Format="EwsId" Id="%s" Mailbox="someone@example.test"/>',
}

REQUESTS = (
    Request("GetFolder", FOLDER_SHAPE + "<m:FolderIds>{folder}</m:FolderIds>", reads=True),
    Request("FindFolder", FOLDER_SHAPE + "<m:ParentFolderIds>{folder}</m:ParentFolderIds>", 'Traversal="Deep"', reads=True),
    Request("SyncFolderHierarchy", FOLDER_SHAPE + "<m:SyncFolderId>{folder}</m:SyncFolderId>", reads=True, hidden="ErrorSyncFolderNotFound"),
    Request("CreateFolder", PARENT + "<m:Folders>" + NEW_FOLDER + "</m:Folders>", hidden="ErrorParentFolderNotFound"),
    Request("CreateFolderPath", PARENT + "<m:RelativeFolderPath>" + NEW_FOLDER + "</m:RelativeFolderPath>",
            hidden="ErrorParentFolderNotFound"),
    Request("UpdateFolder", "<m:FolderChanges><t:FolderChange>{folder}<t:Updates><t:SetFolderField>" + COLOUR +
            "<t:Folder><t:ExtendedProperty>" + COLOUR + "<t:Value>{unique}</t:Value></t:ExtendedProperty></t:Folder></t:SetFolderField>"
            "</t:Updates></t:FolderChange></m:FolderChanges>"),
    Request("DeleteFolder", FOLDERS, 'DeleteType="HardDelete"', made=True),
    Request("DeleteFolder to Deleted Items", FOLDERS, 'DeleteType="MoveToDeletedItems"', made=True),
    Request("EmptyFolder", FOLDERS, 'DeleteType="HardDelete" DeleteSubFolders="false"', empties=True),
    Request("FindItem", FOUND + "<m:ParentFolderIds>{folder}</m:ParentFolderIds>", 'Traversal="Shallow"', reads=True),
    Request("SyncFolderItems", FOUND + "<m:SyncFolderId>{folder}</m:SyncFolderId><m:MaxChangesReturned>512</m:MaxChangesReturned>",
            reads=True, hidden="ErrorSyncFolderNotFound"),
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
    Request("CreateItem that forwards", SAVED + "<m:Items><t:ForwardItem>{reference}</t:ForwardItem></m:Items>",
            'MessageDisposition="SaveOnly"', across="NoError"),
    Request("UpdateItem", SUBJECT, 'MessageDisposition="SaveOnly" ConflictResolution="AlwaysOverwrite"'),
    Request("UpdateItem that sends", SAVED + SUBJECT, 'MessageDisposition="SendAndSaveCopy" ConflictResolution="AutoResolve"',
            hidden=HIDDEN_SAVED),
    Request("CreateAttachment", "{parent}" + FILE),
    Request("DeleteAttachment", "<m:AttachmentIds>{attachment}</m:AttachmentIds>"),
    Request("DeleteItem", ITEMS, 'DeleteType="HardDelete"'),
    Request("DeleteItem to Deleted Items", ITEMS, 'DeleteType="MoveToDeletedItems"'),
    Request("CopyItem", TO + ITEMS, hidden=HIDDEN_TO, across="NoError"),
    Request("MoveItem", TO + ITEMS, hidden=HIDDEN_TO, across="NoError"),
    Request("MarkAsJunk", ITEMS, 'IsJunk="true" MoveItem="true"'),
    Request("MarkAllItemsAsRead", "<m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts>"
            "<m:FolderIds>{folder}</m:FolderIds>", hidden=NOT_FOUND, idle=True),
    Request("SendItem", ITEMS + SAVED, 'SaveItemToFolder="true"', hidden=HIDDEN_SAVED, key=CONFLICT),
    Request("SendItem without a copy", ITEMS, 'SaveItemToFolder="false"', key=CONFLICT),
    Request("SendItem with a copy in another mailbox", ITEMS + SAVED, 'SaveItemToFolder="true"', hidden=HIDDEN_SAVED, key=CONFLICT,
            elsewhere=True),
)
