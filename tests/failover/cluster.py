"""A PostgreSQL primary with a synchronous standby on loopback, run by
pg_auto_failover as an administrator would have it: a monitor and two nodes, each
a tree of processes below its pg_autoctl, in a temporary folder.

PostgreSQL refuses to run as root, so everything here becomes the account
postgres when the tests are root."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile

from harness import until
from pg_server import below

DATABASE = "ewsd"
HOST = "127.0.0.1"
# How soon the monitor believes that a node is gone: an administrator would give
# it longer, so that a busy machine is not taken for a dead one.
MONITOR_SETTINGS = """
pgautofailover.health_check_period = 1000
pgautofailover.health_check_timeout = 1000
pgautofailover.health_check_max_retries = 2
pgautofailover.health_check_retry_delay = 500
pgautofailover.node_considered_unhealthy_timeout = 5000
pgautofailover.primary_demote_timeout = 3000
"""


def programs():
    """Where this machine's PostgreSQL has them."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not found or not shutil.which("pg_autoctl"):
        raise SystemExit("no PostgreSQL with pg_auto_failover: tools/setup installs them")
    return found[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Member:
    """One PostgreSQL below its pg_autoctl; what create says is how it is made."""

    def __init__(self, cluster, name, *create):
        self.cluster, self.name, self.port, self.process = cluster, name, free_port(), None
        self.data, self.log = (os.path.join(cluster.folder, name + end) for end in ("", ".log"))
        cluster.call("pg_autoctl", "create", *create, "--pgdata", self.data, "--pgport", str(self.port),
                     "--hostname", HOST, "--auth", "trust", "--no-ssl")

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(["pg_autoctl", "run", "--pgdata", self.data], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, **self.cluster.how)

    def ask(self, sql):
        """What it answers, or None while it does not."""
        asked = subprocess.run(["psql", "-XAtq", "-h", HOST, "-p", str(self.port), "-d", DATABASE, "-c", sql],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **self.cluster.how)
        return asked.stdout.strip() if asked.returncode == 0 else None

    def kill(self):
        """As if its machine had lost its power."""
        if self.process:
            # stopped first, so that none of them starts another meanwhile
            for number in (signal.SIGSTOP, signal.SIGKILL):
                for pid in below(self.process.pid) + self.servers():
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, number)
            self.process.wait()
            self.process = None

    def servers(self):
        """PostgreSQL itself, which is in no one's keeping when its parent died."""
        with contextlib.suppress(OSError, ValueError), open(os.path.join(self.data, "postmaster.pid")) as file:
            pid = int(file.readline())
            with open("/proc/%d/cmdline" % pid) as line:
                return below(pid) if self.data in line.read() else []
        return []


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="ewsd-failover-")
        environment = dict(os.environ, PATH=programs() + os.pathsep + os.environ["PATH"], HOME=self.folder)
        for name in ("XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_DATA_HOME"):
            environment[name] = self.folder
        self.how = {"env": environment, "cwd": self.folder}
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.how.update(user=account.pw_uid, group=account.pw_gid, extra_groups=())
            environment["PGUSER"] = "postgres"
        self.members = []
        try:
            self.build()
        except BaseException:
            self.close()
            raise

    def build(self):
        self.monitor = self.add("monitor", "monitor")
        with open(os.path.join(self.monitor.data, "postgresql.conf"), "a", encoding="utf-8") as file:
            file.write(MONITOR_SETTINGS)
        self.monitor.start()
        at_monitor = "postgres://autoctl_node@%s:%d/pg_auto_failover" % (HOST, self.monitor.port)
        until(lambda: self.states() is not None, "the monitor")
        for name in ("one", "two"):
            self.add(name, "postgres", "--name", name, "--monitor", at_monitor, "--dbname", DATABASE).start()
        self.await_states("primary", "secondary")

    def add(self, name, *create):
        member = Member(self, name, *create)
        self.members.append(member)
        return member

    def call(self, *command):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **self.how)
        if done.returncode:
            raise AssertionError("%s\n%s" % (" ".join(command), done.stdout))
        return done.stdout

    def states(self):
        """What the monitor knows of each node, by its name; None while it does not answer."""
        asked = subprocess.run(["psql", "-XAtq", "-h", HOST, "-p", str(self.monitor.port), "-U", "autoctl_node", "-d",
                                "pg_auto_failover", "-c", "SELECT nodename, reportedstate FROM pgautofailover.node"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, **self.how)
        return dict(line.split("|") for line in asked.stdout.split()) if asked.returncode == 0 else None

    def await_states(self, *wanted):
        until(lambda: sorted((self.states() or {}).values()) == sorted(wanted), "nodes that are " + " and ".join(wanted))

    def primary(self):
        """Who takes writes: what the monitor last heard of a dead one does not count."""
        return next(one for one in self.members if one is not self.monitor and one.ask("SELECT pg_is_in_recovery()") == "f")

    def url(self):
        """For ewsd: whichever of them may be written to."""
        nodes = [one for one in self.members if one is not self.monitor]
        return "postgresql://%s@%s/%s?target_session_attrs=read-write" % (
            self.how["env"].get("PGUSER", "") or pwd.getpwuid(os.geteuid()).pw_name,
            ",".join("%s:%d" % (HOST, one.port) for one in nodes), DATABASE)

    def close(self):
        for member in self.members:
            member.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
