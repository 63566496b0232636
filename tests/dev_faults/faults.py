"""What the scripts beside this file share: rules made and looked at over
/dev/faults, and a server that has the rules of a command line."""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

JSON = {"Content-Type": "application/json"}


def ask(server, method, path="/dev/faults", body=None, headers=None):
    text = body if body is None or isinstance(body, str) else json.dumps(body)
    return server.request(method, path, text, headers or (JSON if body is not None else {}))


def rules(server):
    answer = ask(server, "GET")
    harness.expect(answer.status, 200, "GET /dev/faults")
    return json.loads(answer.body)["faults"]


def inject(server, **rule):
    """Nothing but this rule, from now on; its id."""
    harness.expect(ask(server, "DELETE").status, 200, "DELETE /dev/faults")
    answer = ask(server, "POST", body=rule)
    harness.expect(answer.status, 201, "POST /dev/faults: %r" % answer.body)
    return json.loads(answer.body)["faults"][0]["id"]


def counts(server):
    """calls and matched of each rule."""
    return [(rule["calls"], rule["matched"]) for rule in rules(server)]


def clear(server):
    harness.expect(ask(server, "DELETE").status, 200, "DELETE /dev/faults")
