#!/usr/bin/python3
"""JavaScript clients, unmodified from npm (tests/clients/javascript), against
`ewsd dev`: ews-javascript-api, and node-ews, which makes itself a client from
the server's WSDL. tools/setup puts them into check-clients."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
import harness  # noqa: E402

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "javascript")
CLIENTS = os.path.join(harness.ROOT, "check-clients")
SCRIPTS = ("node_ews.js", "ews_javascript_api.js")


def play(script, suite):
    """Each line that the script prints is a case."""
    with harness.Server() as server:
        environment = dict(os.environ, EWSD_URL=server.url, EWSD_USER=harness.ALICE[0], EWSD_PASSWORD=harness.ALICE[1],
                           EWSD_CLIENTS=CLIENTS)
        done = subprocess.run(["node", os.path.join(HERE, script)], env=environment, text=True, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = [line for line in done.stdout.splitlines() if line.startswith(("ok ", "not ok "))]
    with open(os.path.join(HERE, script)) as source:
        steps = source.read().count("\nstep(")
    for line in lines:
        good, _, text = line.rpartition("ok ")
        suite.note(text if not good else text.partition(": ")[2].partition(": ")[0], text if good else None)
    suite.run(script + ": every step was taken", harness.expect, (len(lines), done.returncode), (steps, 0), done.stdout[-2000:])


def main():
    suite = harness.Suite("clients")
    for script in SCRIPTS:
        play(script, suite)
    suite.done()


main()
