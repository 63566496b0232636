#!/usr/bin/python3
"""What a script on exchangelib finds: filters on many fields and joined ones,
orders, pages that are smaller than what is found, and query strings, before and
after the mailbox has a full-text index."""

import datetime
import os
import sys
import warnings

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import (Account, BASIC, Configuration, Contact, Credentials, DELEGATE, ExtendedProperty, FileAttachment,  # noqa: E402
                         HTMLBody, Mailbox, Message, Q, UTC)

ROWS = (
    # subject, body, importance, read, categories, shelf
    ("Alpha report", "the quick brown fox", "High", True, ["red"], "A1"),
    ("alpha draft", "jumps over the lazy dog", "Low", False, ["red", "blue"], "A2"),
    ("Beta report", HTMLBody("<html><body><p>the <b>quick</b> answer</p></body></html>"), "Normal", False, None, "B1"),
    ("Gamma", "nothing at all", "Normal", True, ["green"], None),
    ("Grüße aus Köln", "schöne Grüße", "Normal", False, None, None),
)


class Shelf(ExtendedProperty):
    property_set_id = "c11ff724-aa03-4555-9952-8fa248a11c3e"
    property_name = "shelf"
    property_type = "String"


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def fill(alice):
    for subject, body, importance, read, categories, shelf in ROWS:
        item = Message(account=alice, folder=alice.drafts, subject=subject, body=body, importance=importance, is_read=read,
                       categories=categories, shelf=shelf,
                       to_recipients=[Mailbox(name="Carol Cole", email_address="carol@elsewhere.test")])
        if subject == "Gamma":
            item.attach(FileAttachment(name="table.csv", content=b"1,2"))
        item.save()


def found(query):
    return sorted(item.subject for item in query)


def pick(*numbers):
    return sorted(ROWS[n][0] for n in numbers)


def filters(alice):
    """Which rows each filter is to find."""
    now = datetime.datetime.now(UTC)
    hour = datetime.timedelta(hours=1)
    everything = range(len(ROWS))
    return (
        (dict(subject="Gamma"), [3]),
        (dict(subject__contains="report"), [0, 2]),
        (dict(subject__contains="alpha"), [1]),
        (dict(subject__icontains="ALPHA"), [0, 1]),
        (dict(subject__startswith="Alpha"), [0]),
        (dict(subject__istartswith="alpha"), [0, 1]),
        (dict(subject__iexact="GAMMA"), [3]),
        (dict(subject__in=["Gamma", "Beta report"]), [2, 3]),
        (dict(subject__exists=True), everything),
        (dict(is_read=True), [0, 3]),
        (dict(is_read=False, importance="Low"), [1]),
        (dict(importance="High"), [0]),
        (dict(importance__in=["High", "Low"]), [0, 1]),
        (dict(has_attachments=True), [3]),
        (dict(categories__contains=["red"]), [0, 1]),
        (dict(categories__contains=["blue", "red"]), [1]),
        (dict(categories__exists=False), [2, 4]),
        (dict(shelf="A1"), [0]),
        (dict(shelf__startswith="A"), [0, 1]),
        (dict(shelf__exists=False), [3, 4]),
        (dict(shelf__range=("A2", "B9")), [1, 2]),
        (dict(datetime_created__gt=now - hour), everything),
        (dict(datetime_created__range=(now - hour, now + hour)), everything),
        (dict(datetime_created__lt=now - hour), []),
        (dict(size__gt=0), everything),
        (dict(body__contains="quick"), [0, 2]),
        (dict(body__icontains="QUICK ANSWER"), [2]),
        (dict(item_class="IPM.Note"), everything),
        (dict(item_class__startswith="IPM"), everything),
    )


def joined(alice):
    alpha, read = Q(subject__icontains="alpha"), Q(is_read=True)
    return (
        (alpha & read, [0]),
        (alpha | read, [0, 1, 3]),
        (~alpha, [2, 3, 4]),
        (~(alpha | read), [2, 4]),
        (alpha & ~read | Q(subject="Gamma"), [1, 3]),
    )


def words():
    return (
        ("quick", [0, 2]),
        ("qui", [0, 2]),
        ('"qui"', []),
        ("uick", []),
        ("subject:report", [0, 2]),
        ("report AND fox", [0]),
        ("fox OR dog", [0, 1]),
        ("report NOT beta", [0]),
        ('"lazy dog"', [1]),
        ("grusse", []),
        ("grüße", [4]),
        ("koln", [4]),
        ("to:carol isread:true", [0, 3]),
        ("hasattachment:true", [3]),
        ("category:red importance:low", [1]),
        ("received:today OR received:yesterday", range(len(ROWS))),
        ("attachment:table", [3]),
    )


def check_words(alice, when):
    for text, rows in words():
        harness.expect(found(alice.drafts.filter(text)), pick(*rows), "%s, %s" % (text, when))


def check_order(alice):
    def in_order(*fields):
        return [item.subject for item in alice.drafts.all().order_by(*fields).only("subject")]
    harness.expect(in_order("subject"), [ROWS[n][0] for n in (1, 0, 2, 3, 4)], "by subject")
    harness.expect(in_order("-importance", "subject"), [ROWS[n][0] for n in (0, 2, 3, 4, 1)], "by importance and subject")
    harness.expect(in_order("-shelf", "-subject"), [ROWS[n][0] for n in (2, 1, 0, 4, 3)], "by an extended property")
    harness.expect([item.subject for item in alice.drafts.filter(is_read=False).order_by("-subject").only("subject")],
                   [ROWS[n][0] for n in (4, 2, 1)], "filtered and in order")
    harness.expect(alice.drafts.filter(is_read=False).count(), 3, "counted")
    harness.expect(alice.drafts.filter(subject__icontains="report").exists(), True, "exists")


def check_contacts(alice):
    for name, company in (("Ann Able", "Fish"), ("Bob Baker", "Chips")):
        Contact(account=alice, folder=alice.contacts, display_name=name, company_name=company).save()
    harness.expect([c.display_name for c in alice.contacts.filter(company_name="Chips")], ["Bob Baker"], "a contact by its company")
    harness.expect([c.display_name for c in alice.contacts.filter(display_name__startswith="Ann")], ["Ann Able"], "a contact by its name")


def check_filters(alice):
    for conditions, rows in filters(alice):
        harness.expect(found(alice.drafts.filter(**conditions)), pick(*rows), str(conditions))


def check_joined(alice):
    for query, rows in joined(alice):
        harness.expect(found(alice.drafts.filter(query)), pick(*rows), str(query))


def main():
    suite = harness.Suite("exchangelib find")
    Message.register("shelf", Shelf)

    def whole():
        # Pages of two: whatever is found takes several requests.
        with harness.Server("--set", "soap.find_page=2", "--set", "soap.index_from=0") as server:
            alice = connect(server, harness.ALICE)
            fill(alice)
            suite.run("filters on many fields", check_filters, alice)
            suite.run("filters joined", check_joined, alice)
            suite.run("orders", check_order, alice)
            suite.run("query strings without an index", check_words, alice, "without an index")
            suite.run("query strings with one", check_words, alice, "with one")
            suite.run("contacts", check_contacts, alice)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
