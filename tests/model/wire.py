"""The model's requests as XML and the answers as values, over connections that
are kept."""

import base64
import os
import sys
import xml.etree.ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from harness import M, T  # noqa: E402

from world import Item, plain  # noqa: E402

PASSWORD = "secret"


class Answer:
    """One answer of an operation: a code, and what was told, per response message."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        if status != 200:
            raise AssertionError("HTTP %d: %s" % (status, body[:2000].decode(errors="replace")))
        self.messages = list(ET.fromstring(body).find(".//{%s}ResponseMessages" % M))
        self.codes = [one.findtext("{%s}ResponseCode" % M) for one in self.messages]

    def ids(self):
        """(Id, ChangeKey) or None of each response message."""
        def of(message):
            item = message.find(".//{%s}ItemId" % T)
            attachment = message.find(".//{%s}AttachmentId" % T)
            if attachment is not None:
                return attachment.get("RootItemId"), attachment.get("RootItemChangeKey")
            return (item.get("Id"), item.get("ChangeKey")) if item is not None else None
        return [of(message) for message in self.messages]

    def sent_ids(self):
        """The header that tells where the copies are (decisions 10); None: omitted."""
        told = self.headers.get("X-Ewsd-Sent-ItemId")
        return [None if one == "-" else one for one in told.split(",")] if told else None


class Client:
    """One user's connection, made anew when the server was."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.connection = server.connection()
        self.headers = {"Content-Type": "text/xml; charset=utf-8", "Authorization": harness.basic(user, PASSWORD)}

    def ask(self, operation):
        self.connection.request("POST", self.server.path, harness.envelope(operation).encode(), self.headers)
        response = self.connection.getresponse()
        return Answer(response.status, response.headers, response.read())


# ---- requests

def ref(one, element="t:ItemId"):
    key = "" if one.key is None else " ChangeKey=%s" % quoteattr(one.key)
    return "<%s Id=%s%s/>" % (element, quoteattr(one.id), key)


def refs(ids):
    return "<m:ItemIds>%s</m:ItemIds>" % "".join(ref(one) for one in ids)


def saved(place):
    return "<m:SavedItemFolderId>%s</m:SavedItemFolderId>" % place.xml if place else ""


def mailboxes(element, addresses):
    return "<t:%s>%s</t:%s>" % (element, "".join(
        "<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox>" % escape(one) for one in addresses), element)


def body(item):
    return '<t:Body BodyType="%s">%s</t:Body>' % ("HTML" if item.html else "Text", escape(item.body))


RECIPIENTS = (("to", "ToRecipients"), ("cc", "CcRecipients"), ("bcc", "BccRecipients"))


def mime(item):
    """The same as a message; who gets it blind stands beside it."""
    lines = ["From: <%s>" % item.names_from, "Subject: " + item.subject]
    lines += ["%s: %s" % (name, ", ".join("<%s>" % one for one in getattr(item, field)))
              for field, name in (("to", "To"), ("cc", "Cc")) if getattr(item, field)]
    if item.message_id:
        lines.append("Message-ID: " + item.message_id.value)
    lines += ["MIME-Version: 1.0", "Content-Type: text/%s; charset=utf-8" % ("html" if item.html else "plain"),
              "Content-Transfer-Encoding: 8bit", ""]
    return ("\r\n".join(lines) + "\r\n" + item.body.replace("\n", "\r\n")).encode()


def new_item(item, as_mime=False):
    """The element of a CreateItem."""
    if item.kind == "Message" and as_mime:
        content = "<t:MimeContent>%s</t:MimeContent>" % base64.b64encode(mime(item)).decode()
        content += mailboxes("BccRecipients", item.bcc) if item.bcc else ""
    elif item.kind in ("Contact", "DistributionList"):
        content = "<t:DisplayName>%s</t:DisplayName>" % escape(item.subject)
        content = "<t:Subject>%s</t:Subject>" % escape(item.subject) + content
    else:
        content = "<t:Subject>%s</t:Subject>%s" % (escape(item.subject), body(item))
    if item.kind == "Message" and not as_mime:
        content += "".join(mailboxes(name, getattr(item, field)) for field, name in RECIPIENTS if getattr(item, field))
        if item.receipt:
            content += "<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested>"
        if item.names_from:
            content += mailboxes("From", [item.names_from])
        if item.message_id:
            content += "<t:InternetMessageId>%s</t:InternetMessageId>" % escape(item.message_id.value)
        if item.read:
            content += "<t:IsRead>true</t:IsRead>"
    return "<t:%s>%s</t:%s>" % (item.kind, content, item.kind)


def send_item(ids, save, place):
    tail = saved(place)
    return '<m:SendItem SaveItemToFolder="%s">%s%s</m:SendItem>' % (save, refs(ids), tail)


def create_item(elements, disposition, place):
    return ('<m:CreateItem MessageDisposition="%s" SendMeetingInvitations="SendToNone">%s<m:Items>%s</m:Items></m:CreateItem>'
            % (disposition, saved(place), "".join(elements)))


def update_item(elements, resolution, disposition, place):
    return ('<m:UpdateItem ConflictResolution="%s" MessageDisposition="%s" '
            'SendMeetingInvitationsOrCancellations="SendToNone">%s<m:ItemChanges>%s</m:ItemChanges></m:UpdateItem>'
            % (resolution, disposition, saved(place), "".join(elements)))


def item_change(one, changes):
    return "<t:ItemChange>%s<t:Updates>%s</t:Updates></t:ItemChange>" % (ref(one), "".join(changes))


def change(verb, kind, uri, content=""):
    if verb == "Delete":
        return '<t:DeleteItemField><t:FieldURI FieldURI="%s"/></t:DeleteItemField>' % uri
    return ('<t:%sItemField><t:FieldURI FieldURI="%s"/><t:%s>%s</t:%s></t:%sItemField>'
            % (verb if verb == "Set" else "AppendTo", uri, kind, content, kind, verb if verb == "Set" else "AppendTo"))


def create_attachment(one, files):
    return ('<m:CreateAttachment>%s<m:Attachments>%s</m:Attachments></m:CreateAttachment>'
            % (ref(one, "m:ParentItemId"), "".join(
                "<t:FileAttachment><t:Name>%s</t:Name><t:Content>%s</t:Content></t:FileAttachment>"
                % (name, base64.b64encode(data).decode()) for name, data in files)))


def move_item(ids, place, copies, tell):
    name = "CopyItem" if copies else "MoveItem"
    return ("<m:%s><m:ToFolderId>%s</m:ToFolderId>%s%s</m:%s>"
            % (name, place.xml, refs(ids), "" if tell else "<m:ReturnNewItemIds>false</m:ReturnNewItemIds>", name))


def delete_item(ids, how, attributes):
    more = ' SendMeetingCancellations="SendToNone" AffectedTaskOccurrences="AllOccurrences"' if attributes else ""
    return '<m:DeleteItem DeleteType="%s"%s>%s</m:DeleteItem>' % (how, more, refs(ids))


def get_item(ids):
    return ("<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>%s</m:GetItem>" % refs(ids))


def own_folder(role):
    return '<t:DistinguishedFolderId Id="%s"/>' % role


def folder_of(role, mailbox):
    return ('<t:DistinguishedFolderId Id="%s"><t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox></t:DistinguishedFolderId>'
            % (role, mailbox))


def find_item(roles):
    return ("<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>"
            "<m:ParentFolderIds>%s</m:ParentFolderIds></m:FindItem>" % "".join(map(own_folder, roles)))


def get_folder(roles):
    return ("<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>%s</m:FolderIds>"
            "</m:GetFolder>" % "".join(map(own_folder, roles)))


# ---- answers

def text(node, name, default=""):
    found = node.find("{%s}%s" % (T, name))
    return default if found is None else found.text or ""


def addresses(node, name):
    found = node.find("{%s}%s" % (T, name))
    return [] if found is None else [one.text for one in found.iter("{%s}EmailAddress" % T)]


def found_ids(answer):
    """FindItem: per folder, its (Id, ChangeKey) pairs."""
    def of(message):
        root = message.find("{%s}RootFolder" % M)
        harness.expect(root.get("IncludesLastItemInRange"), "true", "FindItem: last item")
        ids = [(one.get("Id"), one.get("ChangeKey")) for one in root.iter("{%s}ItemId" % T)]
        harness.expect(int(root.get("TotalItemsInView")), len(ids), "FindItem: TotalItemsInView")
        return ids
    return [of(message) for message in answer.messages]


def folder_counts(answer):
    """GetFolder: per folder, its id, TotalCount and UnreadCount."""
    def of(message):
        folder = message.find("{%s}Folders" % M)[0]
        return (folder.find("{%s}FolderId" % T).get("Id"), int(text(folder, "TotalCount")),
                int(text(folder, "UnreadCount", "0")))
    return [of(message) for message in answer.messages]


def read_item(message):
    """GetItem: the item as the model would have it, its Message-ID's text, its
    folder's id and IsFromMe."""
    node = message.find("{%s}Items" % M)[0]
    kind = node.tag.rpartition("}")[2]
    item = Item(kind, None, None, None, text(node, "Subject"))
    item.report = text(node, "ItemClass").startswith("REPORT")
    shown = node.find("{%s}Body" % T)
    if shown is not None:
        item.body, item.html = plain(shown.text or ""), shown.get("BodyType") == "HTML"
    for field, name in RECIPIENTS:
        setattr(item, field, addresses(node, name))
    item.draft, item.read = text(node, "IsDraft") == "true", text(node, "IsRead") == "true"
    item.receipt = text(node, "IsReadReceiptRequested") == "true"
    item.sent_from = (addresses(node, "From") or [None])[0]
    item.sender = (addresses(node, "Sender") or [None])[0]
    item.attachments = [(text(one, "Name"), b"x" * int(text(one, "Size"))) for one in node.iter("{%s}FileAttachment" % T)]
    harness.expect(text(node, "HasAttachments") == "true", bool(item.attachments), "HasAttachments of " + item.subject)
    harness.expect(text(node, "IsSubmitted"), "false", "IsSubmitted of " + item.subject)
    own = node.find("{%s}ItemId" % T)
    item.id, item.key = own.get("Id"), own.get("ChangeKey")
    return (item, text(node, "InternetMessageId") or None, node.find("{%s}ParentFolderId" % T).get("Id"),
            text(node, "IsFromMe") == "true")
