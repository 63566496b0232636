"""`ewsd dev` for the tests: one server for all, put back before each."""

import json
import os
import subprocess
import urllib.parse
import urllib.request

import pytest
from exchangelib import BASIC, DELEGATE, Account, Configuration, Credentials

USER, PASSWORD = "alice@example.test", "secret"


class Mail:
    """A running `ewsd dev`, and what a test asks of it beside EWS."""

    def __init__(self):
        self.process = subprocess.Popen([os.environ.get("EWSD", "ewsd"), "dev", "--listen", "127.0.0.1:0", "--with-parent"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        word, self.url = self.process.stdout.readline().split()  # "ready http://127.0.0.1:40321/EWS/Exchange.asmx"
        assert word == "ready"

    def stop(self):
        self.process.stdin.close()
        self.process.wait()

    def ask(self, method, path, body=None):
        request = urllib.request.Request(urllib.parse.urljoin(self.url, path), method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def reset(self):
        self.ask("POST", "/dev/reset", {})

    def fault(self, **rule):
        """Something goes wrong on purpose: ewsd dev --fault list says what there is."""
        self.ask("POST", "/dev/faults", rule)

    def requests_that_fitted(self):
        return [rule["calls"] for rule in self.ask("GET", "/dev/faults")["faults"]]

    def messages(self):
        return self.ask("GET", "/dev/messages")

    def wait(self, subject):
        """The message, as soon as it was sent."""
        return self.ask("GET", "/dev/messages/wait?" + urllib.parse.urlencode({"subject": subject}))


@pytest.fixture(scope="session")
def server():
    mail = Mail()
    yield mail
    mail.stop()


@pytest.fixture
def mail(server):
    server.reset()
    return server


@pytest.fixture
def account(mail):
    configuration = Configuration(service_endpoint=mail.url, auth_type=BASIC, credentials=Credentials(USER, PASSWORD))
    return Account(USER, config=configuration, autodiscover=False, access_type=DELEGATE)
