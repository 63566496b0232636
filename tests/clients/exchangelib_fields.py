#!/usr/bin/python3
"""Every kind of item through exchangelib, with every field of its that can be
written: created, read back, changed, read back, cleared, read back; and what
the server makes of it: names, whether a task is complete, conversations,
headers, extended properties by each of their names."""

import datetime
import email.message
import email.policy
import os
import sys
import warnings
from decimal import Decimal

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

warnings.simplefilter("ignore")
from exchangelib import (Account, BASIC, CalendarItem, Configuration, Contact, Credentials, DELEGATE,  # noqa: E402
                         DistributionList, EWSDate, EWSDateTime, ExtendedProperty, HTMLBody, Mailbox, Message, PostItem, Task,
                         UTC)
from exchangelib.errors import ErrorInvalidPropertySet  # noqa: E402
from exchangelib.indexed_properties import EmailAddress, PhoneNumber, PhysicalAddress  # noqa: E402
from exchangelib.properties import Attendee, Member  # noqa: E402

MOMENT = EWSDateTime(2026, 12, 1, 9, tzinfo=UTC)
LATER = MOMENT + datetime.timedelta(hours=2)

ANY = {  # of every kind: (at first, then, may be cleared)
    "subject": ("A subject & <more>", "Größe 😀", True),
    "sensitivity": ("Private", "Personal", False),
    "body": (HTMLBody("<p>a &amp; b</p>"), "plain\ntext", True),
    "categories": (["red", "blue"], ["green"], True),
    "importance": ("High", "Low", False),
    "in_reply_to": ("<a@b.test>", "<c@d.test>", True),
    "reminder_due_by": (MOMENT, LATER, False),
    "reminder_is_set": (True, False, False),
    "reminder_minutes_before_start": (15, 30, False),
    "culture": ("de-CH", "en-US", False),
}
MAIL = {
    "author": (Mailbox(name="Dave", email_address="dave@elsewhere.test"), Mailbox(name="Erin", email_address="erin@elsewhere.test"),
               False),
    "is_read": (True, False, False),
    "references": ("<a@b.test>", "<a@b.test> <c@d.test>", True),
}
PEOPLE = [Mailbox(email_address="carol@elsewhere.test")], [Mailbox(email_address="erin@elsewhere.test")]
MESSAGE = {
    "to_recipients": (*PEOPLE, True),
    "cc_recipients": (*PEOPLE, True),
    "bcc_recipients": (*PEOPLE, True),
    "is_read_receipt_requested": (True, False, False),
    "is_delivery_receipt_requested": (True, False, False),
    "is_response_requested": (True, False, False),
    "reply_to": (*PEOPLE, True),
}
CONTACT = {
    "file_as": ("Other, Ann", "Another", True),
    "file_as_mapping": ("None", "LastCommaFirst", False),
    "display_name": ("Ann Other", "Ann B. Other", False),
    "given_name": ("Ann", "Anne", False),
    "initials": ("A.O.", "A.B.O.", True),
    "middle_name": ("B.", "C.", True),
    "nickname": ("Annie", "Nan", True),
    "company_name": ("Acme & Sons", "Bcme", True),
    "email_addresses": ([EmailAddress(email="a@elsewhere.test", label="EmailAddress1"),
                         EmailAddress(email="b@elsewhere.test", label="EmailAddress3")],
                        [EmailAddress(email="c@elsewhere.test", label="EmailAddress1")], True),
    "physical_addresses": ([PhysicalAddress(label="Business", street="1 Main", city="Bern", state="BE", country="CH", zipcode="3000"),
                            PhysicalAddress(label="Home", street="2 Side", city="Thun", state="BE", country="CH", zipcode="3600")],
                           [PhysicalAddress(label="Business", street="3 Main", city="Biel", state="BE", country="CH", zipcode="2500")],
                           True),
    "phone_numbers": ([PhoneNumber(phone_number="1", label="HomePhone"), PhoneNumber(phone_number="2", label="MobilePhone")],
                      [PhoneNumber(phone_number="3", label="MobilePhone")], True),
    "assistant_name": ("Bob", "Rob", True),
    "birthday": (EWSDate(1980, 1, 2), EWSDate(1981, 3, 4), True),
    "business_homepage": ("http://a.test/", "http://b.test/", True),
    "children": (["x", "y"], ["z"], True),
    "companies": (["Acme"], ["Bcme", "Ccme"], True),
    "department": ("R&D", "QA", True),
    "generation": ("Jr.", "III", True),
    "job_title": ("Boss", "Chief", True),
    "manager": ("Max", "Moritz", True),
    "mileage": ("10", "20", True),
    "office": ("1.2", "3.4", True),
    "postal_address_index": ("Business", "Home", False),
    "profession": ("Baker", "Smith", True),
    "spouse_name": ("Sam", "Pat", True),
    "surname": ("Other", "Else", False),
    "wedding_anniversary": (EWSDate(2001, 1, 2), EWSDate(2002, 3, 4), True),
}
TASK = {
    "actual_work": (10, 20, True),
    "billing_information": ("A", "B", True),
    "companies": (["Acme"], ["Bcme"], True),
    "contacts": (["Ann"], ["Anne"], True),
    "due_date": (EWSDate(2026, 12, 24), EWSDate(2026, 12, 25), True),
    "mileage": ("10", "20", True),
    "percent_complete": (Decimal(40), Decimal(60), False),
    "start_date": (EWSDate(2026, 12, 1), EWSDate(2026, 12, 2), True),
    "status": ("InProgress", "WaitingOnOthers", False),
    "total_work": (30, 40, True),
}


def attendees(name):
    return [Attendee(mailbox=Mailbox(name=name, email_address=name + "@elsewhere.test", mailbox_type="OneOff"),
                     response_type="Unknown")]


CALENDAR = {
    "start": (MOMENT, LATER, False),
    "end": (LATER, LATER + datetime.timedelta(hours=1), False),
    "is_all_day": (False, False, False),
    "legacy_free_busy_status": ("Tentative", "OOF", False),
    "location": ("Main Street", "Side Street", True),
    "is_response_requested": (True, False, False),
    "required_attendees": (attendees("carol"), attendees("dave"), True),
    "optional_attendees": (attendees("erin"), attendees("frank"), True),
    "resources": (attendees("room"), attendees("hall"), True),
    "allow_new_time_proposal": (False, True, False),
    "meeting_workspace_url": ("http://a.test/", "http://b.test/", True),
    "net_show_url": ("http://a.test/", "http://b.test/", True),
}


class Status(ExtendedProperty):
    """PR_FLAG_STATUS."""
    property_tag = 0x1090
    property_type = "Integer"


class Keyword(ExtendedProperty):
    """A property of the set Common, by its name."""
    distinguished_property_set_id = "Common"
    property_id = 0x8570
    property_type = "Integer"


class KeywordByGuid(ExtendedProperty):
    """The same by its GUID."""
    property_set_id = "00062008-0000-0000-c000-000000000046"
    property_id = 0x8570
    property_type = "Integer"


class Header(ExtendedProperty):
    """A header of the message."""
    distinguished_property_set_id = "InternetHeaders"
    property_name = "X-Kind"
    property_type = "String"


class Article(ExtendedProperty):
    """PR_INTERNET_ARTICLE_NUMBER."""
    property_tag = 0x0e23
    property_type = "Integer"


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def plain(value):
    """What of a value counts: addresses, and texts without their line ends."""
    if isinstance(value, Mailbox):
        return value.email_address
    if isinstance(value, Attendee):
        return value.mailbox.email_address
    if isinstance(value, (list, set, tuple)):
        return sorted((plain(v) for v in value), key=repr)
    if isinstance(value, str):
        return str(value).replace("\r\n", "\n").strip()
    return value


def same(item, fields, at, what):
    for name, values in fields.items():
        harness.expect(plain(getattr(item, name)), plain(values[at]), "%s: %s" % (what, name))


def round_trip(account, folder, kind, fields, more=None):
    """Created, changed, cleared as far as exchangelib lets; each time read back."""
    item = kind(account=account, folder=folder, **{name: values[0] for name, values in fields.items()}, **(more or {}))
    item.save()
    fresh, = account.fetch([(item.id, item.changekey)])
    assert isinstance(fresh, kind), fresh
    same(fresh, fields, 0, "created")
    for name, values in fields.items():
        setattr(fresh, name, values[1])
    fresh.save(update_fields=list(fields))
    fresh, = account.fetch([(item.id, None)])
    same(fresh, fields, 1, "changed")
    clear = [name for name, values in fields.items() if values[2] and not kind.get_field_by_fieldname(name).is_required_after_save]
    for name in clear:
        setattr(fresh, name, None)
    fresh.save(update_fields=clear)
    fresh, = account.fetch([(item.id, None)])
    for name in clear:
        assert not getattr(fresh, name), "cleared: %s is %r" % (name, getattr(fresh, name))
    return fresh


def messages(alice):
    round_trip(alice, alice.drafts, Message, {**ANY, **MAIL, **MESSAGE}, {"message_id": "<kept.1@client.test>"})


def posts(alice):
    round_trip(alice, alice.inbox, PostItem, {**ANY, **MAIL})


def contacts(alice):
    item = round_trip(alice, alice.contacts, Contact, {**ANY, **{k: v for k, v in CONTACT.items() if k != "file_as"}})
    harness.expect(item.file_as, "Else, Anne", "FileAs by its mapping")
    harness.expect((item.complete_name.first_name, item.complete_name.last_name, item.complete_name.full_name),
                   ("Anne", "Else", "Ann B. Other"), "CompleteName")
    harness.expect(item.has_picture, False, "HasPicture")
    round_trip(alice, alice.contacts, Contact, {"file_as": CONTACT["file_as"]}, {"display_name": "Ann", "file_as_mapping": "None"})


def lists(alice):
    member = {Member(mailbox=Mailbox(name="Ann", email_address="ann@elsewhere.test", mailbox_type="OneOff"))}
    item = DistributionList(account=alice, folder=alice.contacts, display_name="Friends", members=member)
    item.save()
    item.refresh()
    harness.expect([(m.mailbox.email_address, m.status) for m in item.members], [("ann@elsewhere.test", "Normal")], "members")
    harness.expect(item.subject, "Friends", "subject")
    item.members = set(item.members) | {Member(mailbox=Mailbox(name="Bo", email_address="bo@elsewhere.test", mailbox_type="OneOff"))}
    item.save(update_fields=["members"])
    item.refresh()
    harness.expect(sorted(m.mailbox.email_address for m in item.members), ["ann@elsewhere.test", "bo@elsewhere.test"], "both")


def tasks(alice):
    item = round_trip(alice, alice.tasks, Task, {**ANY, **TASK})
    harness.expect((item.is_complete, item.is_recurring, item.complete_date), (False, False, None), "not complete")
    item.complete()
    item.refresh()
    harness.expect((item.status, item.percent_complete, item.is_complete), ("Completed", 100, True), "complete")
    assert item.complete_date, "it has no CompleteDate"


def appointments(alice):
    item = round_trip(alice, alice.calendar, CalendarItem, {**ANY, **CALENDAR})
    harness.expect((item.type, item.is_recurring, item.is_meeting, item.is_cancelled), ("Single", False, False, False), "its type")
    harness.expect((item.duration, item.organizer.email_address), ("PT1H", "alice@example.test"), "duration and organizer")
    assert item.uid, "it has no UID"


def conversations(server, alice, bob):
    Message(account=alice, folder=alice.sent, subject="Lunch", body="x", to_recipients=["bob@example.test"]).send_and_save()
    sent, = [m for m in alice.sent.all() if m.subject == "Lunch"]
    got = harness.until(lambda: next((m for m in bob.inbox.all() if m.subject == "Lunch"), None), "the message at bob's")
    harness.expect(got.conversation_index, sent.conversation_index, "ConversationIndex")
    assert got.conversation_id.id and got.message_id, "no conversation"
    answer = email.message.EmailMessage(policy=email.policy.SMTP)
    answer["From"], answer["To"], answer["Subject"] = "bob@example.test", "alice@example.test", "Re: Lunch"
    answer["References"] = answer["In-Reply-To"] = got.message_id
    answer["X-Kind"] = "answer"
    answer.set_content("Yes.\n")
    Message(account=bob, folder=bob.sent, mime_content=answer.as_bytes()).send_and_save()
    back = harness.until(lambda: next((m for m in alice.inbox.all() if m.subject == "Re: Lunch"), None), "the answer at alice's")
    harness.expect(back.conversation_id.id, sent.conversation_id.id, "the conversation of the answer")
    harness.expect(back.conversation_topic, "Lunch", "its topic")
    own, = [m for m in bob.sent.all() if m.subject == "Re: Lunch"]
    harness.expect(own.conversation_id.id, got.conversation_id.id, "the conversation at bob's")
    harness.expect({h.name: h.value for h in back.headers}["X-Kind"], "answer", "a header")
    harness.expect("Subject" in {h.name for h in got.headers}, True, "a header of a structured message")
    other = Message(account=alice, folder=alice.drafts, subject="Lunch", body="y")
    other.save()
    other.refresh()
    assert other.conversation_id.id != sent.conversation_id.id, "another conversation is the same"
    return back


def extended(alice, received):
    for name, kind in (("status", Status), ("keyword", Keyword), ("by_guid", KeywordByGuid), ("header", Header),
                       ("article", Article)):
        Message.register(name, kind)
    try:
        numbers = []
        for n in range(3):
            item = Message(account=alice, folder=alice.drafts, subject="x", keyword=n)
            item.save()
            item.refresh()
            harness.expect((item.keyword, item.by_guid), (n, n), "the property by each name")
            numbers.append(item.article)
        harness.expect(numbers, sorted(set(numbers)), "article numbers grow")
        item.by_guid, item.status = 9, 2
        item.save(update_fields=["by_guid", "status"])
        item.refresh()
        harness.expect((item.keyword, item.status, item.article), (9, 2, numbers[-1]), "after an update")
        item.keyword = item.status = None
        item.save(update_fields=["keyword", "status"])
        item.refresh()
        harness.expect((item.by_guid, item.status), (None, None), "taken off")
        received.refresh()
        harness.expect(received.header, "answer", "a header as a property")
        item.article = 1
        try:
            item.save(update_fields=["article"])
            raise AssertionError("a computed property was set")
        except ErrorInvalidPropertySet:
            pass
    finally:
        for name in ("status", "keyword", "by_guid", "header", "article"):
            Message.deregister(name)


def bodies(alice):
    html = HTMLBody("<html><body><p>Yes</p><blockquote type='cite'><p>No?</p></blockquote></body></html>")
    item = Message(account=alice, folder=alice.drafts, subject="Bodies", body=html)
    item.save()
    fresh, = alice.fetch([(item.id, None)], only_fields=["body", "text_body", "unique_body"])
    harness.expect((str(fresh.body), fresh.text_body.replace("\r\n", "\n")), (str(html), "Yes\n\nNo?"), "bodies")
    assert "Yes" in fresh.unique_body and "No?" not in fresh.unique_body, fresh.unique_body


def main():
    suite = harness.Suite("exchangelib fields")

    def talk(server, alice, bob):
        extended(alice, conversations(server, alice, bob))

    def whole():
        with harness.Server() as server:
            alice, bob = connect(server, harness.ALICE), connect(server, harness.BOB)
            for kind in (messages, posts, contacts, lists, tasks, appointments, bodies):
                suite.run(kind.__name__, kind, alice)
            suite.run("conversations, headers, extended properties", talk, server, alice, bob)
    suite.run("the server starts, ends, and no sanitizer complains", whole)
    suite.done()


main()
