#!/usr/bin/python3
"""What a script on exchangelib asks about names: it finds the server by
Autodiscover, resolves names, expands lists, and learns the time zones."""

import contextlib
import logging
import os
import sys
import tempfile
import warnings
from unittest import mock

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402
from harness import ALICE, BOB, expect  # noqa: E402

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)  # it has one for each local time
import dns.resolver  # noqa: E402
import exchangelib.autodiscover  # noqa: E402
import requests.adapters  # noqa: E402
from exchangelib import (Account, BASIC, Configuration, Contact, Credentials, DELEGATE, DistributionList, EWSTimeZone,  # noqa: E402
                         Mailbox)
from exchangelib.errors import ErrorNameResolutionNoResults, ErrorNonExistentMailbox  # noqa: E402
from exchangelib.indexed_properties import EmailAddress  # noqa: E402
from exchangelib.properties import Member  # noqa: E402


def connect(server, user):
    configuration = Configuration(service_endpoint=server.url, auth_type=BASIC, credentials=Credentials(*user))
    return Account(user[0], config=configuration, autodiscover=False, access_type=DELEGATE)


# ---- Autodiscover

class Resolver(dns.resolver.Resolver):
    """Every name is this machine; there are no SRV records."""

    def resolve(self, qname, rdtype=None, *arguments, **more):
        if str(rdtype) in ("SRV", "33"):
            raise dns.resolver.NoAnswer()
        return [mock.Mock(address="127.0.0.1")]


@contextlib.contextmanager
def the_world(server, authority):
    """https://NAME/ is the server, whatever the name; nobody answers to http."""
    real = requests.adapters.HTTPAdapter.send

    def send(self, request, **more):
        scheme, _, rest = request.url.partition("://")
        host, _, path = rest.partition("/")
        if host == "example.test" and scheme == "https":
            request.headers["Host"] = "autodiscover.example.test"
            request.url = "https://localhost:%d/%s" % (server.port, path)
        elif "localhost" not in host and "127.0.0.1" not in host:
            raise requests.exceptions.ConnectionError("nobody is there: " + request.url)
        return real(self, request, **{**more, "verify": authority})
    with mock.patch.object(dns.resolver.Resolver, "resolve", Resolver.resolve), \
            mock.patch.object(requests.adapters.HTTPAdapter, "send", send):
        exchangelib.autodiscover.clear_cache()
        yield
        exchangelib.autodiscover.clear_cache()


def finds_the_server():
    with harness.Folder() as folder:
        data = os.path.join(folder, "store")
        certificate = harness.Certificate(folder)
        if harness.ACCOUNT:
            os.chmod(certificate.key, 0o640)
        harness.make_store(data, ALICE, BOB)
        with harness.Gateway(data, {"http.url": "https://localhost:1"}, certificate) as server, the_world(server, certificate.ca):
            account = Account(ALICE[0], credentials=Credentials(*ALICE), autodiscover=True, access_type=DELEGATE)
            expect((account.primary_smtp_address, account.protocol.config.service_endpoint),
                   (ALICE[0], "https://localhost:1/EWS/Exchange.asmx"))
            expect(account.protocol.config.version.build.major_version, 15)
            try:
                Account("nobody@example.test", credentials=Credentials(*ALICE), autodiscover=True, access_type=DELEGATE)
            except ErrorNonExistentMailbox:
                return
            raise AssertionError("somebody who is not there was found")


# ---- names

def resolves_names(server):
    alice = connect(server, ALICE)
    expect([m.email_address for m in alice.protocol.resolve_names(["bob"])], [BOB[0]])
    expect([type(found) for found in alice.protocol.resolve_names(["nobody"])], [ErrorNameResolutionNoResults])
    Contact(account=alice, folder=alice.contacts, display_name="Bob of elsewhere",
            email_addresses=[EmailAddress(email="bob@elsewhere.test", label="EmailAddress1")]).save()
    found = [m for m in alice.protocol.resolve_names(["bob"])]
    expect([(m.email_address, m.mailbox_type) for m in found], [(BOB[0], "Mailbox"), ("bob@elsewhere.test", "Contact")])
    expect(alice.fetch([found[1].item_id]).__next__().display_name, "Bob of elsewhere")
    full = alice.protocol.resolve_names(["bob"], return_full_contact_data=True, search_scope="ActiveDirectory")
    expect([(m.email_address, c.display_name, c.email_addresses[0].email) for m, c in full], [(BOB[0], "bob", "SMTP:" + BOB[0])])
    full = alice.protocol.resolve_names(["bob"], return_full_contact_data=True, search_scope="Contacts", shape="AllProperties",
                                        parent_folders=[alice.contacts])
    expect([(m.name, c.display_name) for m, c in full], [("Bob of elsewhere", "Bob of elsewhere")])


def expands_lists(server):
    alice = connect(server, ALICE)
    expect([(m.email_address, m.mailbox_type) for m in alice.protocol.expand_dl("staff@example.test")],
           [(BOB[0], "Mailbox"), ("far@elsewhere.test", "OneOff")])
    try:
        list(alice.protocol.expand_dl("nobody@example.test"))
    except ErrorNameResolutionNoResults:
        pass
    else:
        raise AssertionError("a list of nobody")
    DistributionList(account=alice, folder=alice.contacts, display_name="Crew",
                     members=[Member(mailbox=Mailbox(email_address=BOB[0], mailbox_type="Mailbox"))]).save()
    expect([m.mailbox_type for m in alice.protocol.resolve_names(["crew"])], ["PrivateDL"])


def learns_time_zones(server):
    protocol = connect(server, ALICE).protocol
    names = [zone.id for zone in protocol.get_timezones()]
    expect((len(names) > 130, "Pacific Standard Time" in names, "UTC" in names), (True, True, True))
    berlin, = protocol.get_timezones([EWSTimeZone("Europe/Berlin")], return_full_timezone_data=True)
    standard, daylight, period = berlin.get_std_and_dst(for_year=2024)
    expect((berlin.id, period.bias_in_minutes, daylight.bias, standard.iso_month, standard.occurrence, daylight.iso_month),
           ("W. Europe Standard Time", -60, -60, 10, 5, 3))
    for zone in protocol.get_timezones(return_full_timezone_data=True):
        for year in (2000, 2012, 2024, 2036):
            zone.get_std_and_dst(for_year=year)


def main():
    suite = harness.Suite("exchangelib names")
    suite.run("finds_the_server", finds_the_server)
    with tempfile.TemporaryDirectory() as folder:
        data = os.path.join(folder, "store")
        with harness.Server(data=data):
            pass
        harness.ewsctl(data, "group", "add", "staff@example.test")
        harness.ewsctl(data, "group", "member", "staff@example.test", BOB[0], "far@elsewhere.test")
        with harness.Server(data=data) as server:
            for case in (resolves_names, expands_lists, learns_time_zones):
                suite.run(case.__name__, case, server)
    suite.done()


main()
