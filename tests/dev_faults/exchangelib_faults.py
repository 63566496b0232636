#!/usr/bin/python3
"""Each fault on demand as exchangelib, unmodified as Debian ships it, sees it
from Exchange: its own exceptions, its back-off, and that it goes on afterwards."""

import os
import sys
import time
import warnings

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from faults import clear, counts, harness, inject  # noqa: E402

warnings.simplefilter("ignore")
import requests  # noqa: E402
from exchangelib import (Account, BASIC, Build, Configuration, Credentials, DELEGATE, FailFast, FaultTolerance,  # noqa: E402
                         Message, Version)
from exchangelib import errors  # noqa: E402
from exchangelib.protocol import BaseProtocol  # noqa: E402
from harness import ALICE, BOB, expect  # noqa: E402

CAROL = ("carol@example.test", "secret")
VERSION = Version(Build(15, 0, 847, 32))


def connect(server, user, policy):
    """exchangelib has one policy for a server and a user, whatever it is told later."""
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user), version=VERSION,
                                  retry_policy=policy)
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


def raised(kind, call, *arguments, **more):
    """The exception, which is of exactly this class."""
    try:
        got = call(*arguments, **more)
    except Exception as error:
        expect(type(error).__name__, kind.__name__, str(error)[:300])
        return error
    raise AssertionError("no %s, but %r" % (kind.__name__, got))


def list_inbox(account):
    return list(account.inbox.all().only("subject"))


def new_message(account, subject):
    return Message(account=account, folder=account.drafts, subject=subject, body="x", to_recipients=["x@elsewhere.test"])


def busy(server, account):
    """It reads the back-off of a fault, and not that of a response message."""
    for do, back_off in (("busy:2500", 2.5), ("busy_item:2500", None)):
        inject(server, op="FindItem", do=do)
        expect(raised(errors.ErrorServerBusy, list_inbox, account).back_off, back_off, do)
        expect(counts(server), [(1, 1)], do)


def backs_off(server, patient):
    """It waits as long as it is told, asks a second time, and has its answer."""
    usual, FaultTolerance.DEFAULT_BACKOFF = FaultTolerance.DEFAULT_BACKOFF, 0.4
    try:
        for do in ("busy:400", "busy_item:400"):
            inject(server, op="FindItem", first=1, do=do)
            start = time.monotonic()
            expect(list_inbox(patient), [], do)
            assert time.monotonic() - start >= 0.35, "it did not wait"
            expect(counts(server), [(2, 1)], do)
    finally:
        FaultTolerance.DEFAULT_BACKOFF = usual


def backs_off_from_503(server, patient):
    """Retry-After is honoured."""
    inject(server, op="FindItem", first=1, do="http:503", retry_after=1)
    expect(list_inbox(patient), [])
    expect(counts(server), [(2, 1)])


def loses_patience(server, account):
    inject(server, op="FindItem", do="http:503")
    expect(raised(errors.RateLimitError, list_inbox, account).status_code, 503)


def codes(server, account):
    for do, kind in (("quota", errors.ErrorQuotaExceeded), ("moved", errors.ErrorMailboxMoveInProgress),
                     ("unavailable", errors.ErrorMailboxStoreUnavailable), ("code:ErrorAccessDenied", errors.ErrorAccessDenied),
                     ("fault:ErrorImpersonateUserDenied", errors.ErrorImpersonateUserDenied),
                     ("fault:ErrorInternalServerError", errors.ErrorInternalServerError),
                     ("code:ErrorInternalServerTransientError", errors.ErrorServerBusy)):  # so it translates that one
        inject(server, op="FindItem", do=do)
        raised(kind, list_inbox, account)
    inject(server, op="SendItem", do="code:ErrorMessageSizeExceeded", text="Your message is larger than 10 MB.")
    draft = new_message(account, "large")
    draft.save()
    error = raised(errors.ErrorMessageSizeExceeded, draft.send)
    expect(str(error), "Your message is larger than 10 MB.")
    clear(server)
    draft.send()


def statuses(server, account):
    for rule, kind, said in (({"do": "http:401"}, errors.UnauthorizedError, "Invalid credentials"),
                             ({"do": "http:403"}, errors.MalformedResponseError, "Code: 403"),
                             ({"do": "http:456"}, errors.UnauthorizedError, "locked out"),
                             ({"do": "http:500"}, errors.MalformedResponseError, "Code: 500"),
                             ({"do": "http:503"}, errors.MalformedResponseError, "Code: 503"),
                             ({"do": "http:302", "header": "Location: https://elsewhere.test/EWS/Exchange.asmx"}, errors.RedirectError, ""),
                             ({"do": "http:500", "header": "X-CasErrorCode: CAS error: MailboxMoved"}, errors.CASError, "MailboxMoved")):
        inject(server, op="FindItem", **rule)
        error = raised(kind, list_inbox, account)
        assert said in str(error), error


def stale(server, account):
    draft = new_message(account, "stale")
    draft.save()
    inject(server, op="SendItem", first=1, do="stale")
    raised(errors.ErrorIrresolvableConflict, draft.send)
    draft.refresh()
    draft.send()


def rate(server, account):
    """Thirty are sent; then it is told to wait."""
    inject(server, op="CreateItem", do="rate:30")
    sent = 0
    try:
        for sent in range(40):
            Message(account=account, subject="rate", body="x", to_recipients=["x@elsewhere.test"]).send(save_copy=False)
    except errors.ErrorServerBusy:
        pass
    assert 30 <= sent < 39, sent


def captured(server, subject):
    return [message for message in server.messages() if message["subject"] == subject]


def dropped(server, account):
    draft = new_message(account, "dropped before")
    draft.save()
    inject(server, op="SendItem", first=1, do="drop")
    raised(requests.exceptions.ConnectionError, draft.send)
    expect([item.subject for item in account.drafts.all()], ["dropped before"])
    draft.send()


def dropped_after(server, account):
    """It has no answer, sends the same again, and the message went once."""
    draft = new_message(account, "dropped after")
    draft.save()
    item_id, changekey = draft.id, draft.changekey
    inject(server, op="SendItem", first=1, do="drop_after")
    raised(requests.exceptions.ConnectionError, draft.send)
    expect(list(account.drafts.all()), [], "Drafts")
    expect((draft.id, draft.changekey), (item_id, changekey))
    draft.send()
    expect(counts(server), [(2, 1)])
    Message(account=account, subject="after that", body="x", to_recipients=["x@elsewhere.test"]).send(save_copy=False)
    harness.until(lambda: captured(server, "after that"), "the next message")
    expect(len(captured(server, "dropped after")), 1, "times it was sent")
    expect([item.subject for item in account.sent.all()].count("dropped after"), 1, "copies")


def broken(server, account):
    inject(server, op="FindItem", do="cut:100")
    expect(str(raised(errors.MalformedResponseError, list_inbox, account)), "No Body element in SOAP response")
    clear(server)
    expect(list_inbox(account), [])


def slow(server, account):
    timeout, BaseProtocol.TIMEOUT = BaseProtocol.TIMEOUT, 1
    try:
        inject(server, op="FindItem", do="delay:600000")
        raised(requests.exceptions.ReadTimeout, list_inbox, account)
        inject(server, op="FindItem", do="slow:10000")
        expect(list_inbox(account), [])
        inject(server, op="FindItem", do="delay:100")
        expect(list_inbox(account), [])
    finally:
        BaseProtocol.TIMEOUT = timeout


def main():
    suite = harness.Suite("exchangelib meets faults")
    with harness.Server(*("--user=%s:%s" % user for user in (ALICE, BOB, CAROL))) as server:
        account = connect(server, ALICE, FailFast())
        patient = connect(server, BOB, FaultTolerance(max_wait=30))
        impatient = connect(server, CAROL, FaultTolerance(max_wait=0))
        for one in (account, patient, impatient):
            one.inbox, one.drafts, one.sent  # so that its folders are known
        suite.run("ErrorServerBusy, in both shapes", busy, server, account)
        suite.run("its back-off", backs_off, server, patient)
        suite.run("its back-off from 503", backs_off_from_503, server, patient)
        suite.run("RateLimitError", loses_patience, server, impatient)
        suite.run("ResponseCodes", codes, server, account)
        suite.run("HTTP statuses", statuses, server, account)
        suite.run("a stale ChangeKey", stale, server, account)
        suite.run("a rate limit", rate, server, account)
        suite.run("a connection dropped before", dropped, server, account)
        suite.run("a connection dropped after the commit", dropped_after, server, account)
        suite.run("an answer that is cut off", broken, server, account)
        suite.run("answers that come late and slowly", slow, server, account)
    suite.done()


main()
