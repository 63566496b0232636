"""The end of a round, with a server that lives: the queue runs empty, and what
EWS shows of every folder is what the ledger has."""

import base64
import json

import harness
from harness import M, T, envelope, expect
from letters import DRAFTS, INBOX, JUNK, SENT, file_data

FOLDERS = {DRAFTS: "drafts", SENT: "sentitems", JUNK: "junkemail", INBOX: "inbox"}
REPORT = "Undelivered mail returned to sender"
FILES_READ = 12


class Ending:
    def __init__(self, life, data, ledger):
        self.life, self.data, self.ledger = life, data, ledger

    def await_empty_queue(self):
        def queue():
            return [json.loads(line) for line in harness.ewsctl(self.data, "queue", "list", "--json").splitlines()]
        harness.until(lambda: queue() == [], "an empty queue")

    def ask(self, user, operation):
        connection = self.life.connect()
        connection.request("POST", self.life.path, envelope(operation).encode(), {
            "Content-Type": "text/xml", "Authorization": harness.basic(user, "secret")})
        response = connection.getresponse()
        answer = harness.Answer(response.status, response.headers, response.read())
        connection.close()
        expect(set(answer.codes()), {"NoError"}, operation[:40])
        return answer

    def check_folders(self, users):
        for user in users:
            for name, role in FOLDERS.items():
                self.check_folder(user, name, role)

    def check_folder(self, user, name, role):
        where = "%s of %s" % (name, user)
        answer = self.ask(user, '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>'
                          '<m:ParentFolderIds><t:DistinguishedFolderId Id="%s"/></m:ParentFolderIds></m:FindItem>' % role)
        root = next(answer.tree.iter("{%s}RootFolder" % M))
        expect(root.get("IncludesLastItemInRange"), "true", where)
        subjects = sorted(node.text for node in root.iter("{%s}Subject" % T))
        expect([one for one in subjects if one != REPORT], self.ledger.folder(user, name), where)
        answer = self.ask(user, '<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds>'
                          '<t:DistinguishedFolderId Id="%s"/></m:FolderIds></m:GetFolder>' % role)
        expect(int(next(answer.tree.iter("{%s}TotalCount" % T)).text), len(subjects), "TotalCount of " + where)

    def check_files(self):
        """The bytes of some attachments."""
        chosen = [one for one in self.ledger.letters.values() if one.id and one.state.files and one.state.folder]
        for letter in chosen[-FILES_READ:]:
            answer = self.ask(letter.owner, "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>"
                              '<m:ItemIds><t:ItemId Id="%s"/></m:ItemIds></m:GetItem>' % letter.id)
            ids = "".join('<t:AttachmentId Id="%s"/>' % one["Id"] for one in answer.ids("AttachmentId"))
            answer = self.ask(letter.owner, "<m:GetAttachment><m:AttachmentIds>%s</m:AttachmentIds></m:GetAttachment>" % ids)
            self.check_bytes(letter, answer)

    def check_bytes(self, letter, answer):
        found = {node.findtext("{%s}Name" % T): base64.b64decode(node.findtext("{%s}Content" % T))
                 for node in answer.tree.iter("{%s}FileAttachment" % T)}
        expect(sorted(found), list(letter.state.files), repr(letter))
        for name, data in found.items():
            assert data == file_data(name), "%s of %s is damaged" % (name, letter)
