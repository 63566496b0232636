"""A network namespace for a server that shall be cut off from its database: two
cables lead into it, one for clients and mail, one for the database, and the
second can be pulled."""

import itertools
import os
import subprocess

from harness import Server

NETS = itertools.count(1)


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.DEVNULL)


class Namespace:
    def __init__(self):
        number = next(NETS)
        self.name = "ewsd%d-%d" % (os.getpid(), number)
        net = "10.%d.%d" % (200 + os.getpid() % 50, 8 * number)
        ip("netns", "add", self.name)
        self.cables, self.network = [], net + ".0/24"
        # as seen from inside: the clients' and the database's end
        self.inside, self.clients_side = self.lay("c", net, 1)
        _, self.database_side = self.lay("d", net, 5)
        ip("-n", self.name, "link", "set", "lo", "up")

    def lay(self, kind, net, host):
        """A cable; its addresses inside and outside."""
        here, there = ("ew%s%s%s" % (kind, end, self.name[4:]) for end in "ab")
        here, there = here[:15], there[:15]
        outside, inside = ("%s.%d" % (net, host + i) for i in (0, 1))
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name)
        ip("address", "add", outside + "/30", "dev", here)
        ip("link", "set", here, "up")
        ip("-n", self.name, "address", "add", inside + "/30", "dev", there)
        ip("-n", self.name, "link", "set", there, "up")
        self.cables.append(here)
        return inside, outside

    def pull(self):
        ip("link", "set", self.cables[1], "down")

    def plug(self):
        ip("link", "set", self.cables[1], "up")

    def close(self):
        ip("netns", "delete", self.name)


class Inside(Server):
    """ewsd dev in a Namespace."""

    def __init__(self, namespace, *arguments):
        self.prefix = ("ip", "netns", "exec", namespace.name)
        self.start(["dev", "--listen", namespace.inside + ":0", "--allow-host", namespace.inside, *arguments])
