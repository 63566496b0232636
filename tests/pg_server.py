#!/usr/bin/python3
"""A PostgreSQL of one's own, in a temporary folder, for as long as a test runs:
on a socket in that folder and on a loopback port. Standard library only.

usage: pg_server.py [--far N] COMMAND ...   runs the command with EWSD_POSTGRES, the URL
of a server whose databases it may make and drop; its exit status is ours. --far: and with
EWSD_FAR, the URLs of N more, over which stores are spread."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

# Who runs it: PostgreSQL refuses to be root.
ACCOUNT = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
USER = "postgres"


def programs():
    """The folder of initdb and the like."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: int(path.split("/")[4]))
    if not found:
        sys.exit("no PostgreSQL is installed: tools/setup")
    return os.path.dirname(found[-1])


def become():
    if ACCOUNT:
        os.setgroups([])
        os.setgid(ACCOUNT.pw_gid)
        os.setuid(ACCOUNT.pw_uid)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def below(pid):
    """A process and all that it started."""
    found = [pid]
    with contextlib.suppress(OSError), open("/proc/%d/task/%d/children" % (pid, pid)) as children:
        for child in children.read().split():
            found += below(int(child))
    return found


class Postgres:
    """fsync: as in real life, for what measures it."""

    def __init__(self, fsync=False, settings=None, folder=None):
        self.bin = programs()
        self.folder = tempfile.mkdtemp(prefix="ewsd-pg-", dir=folder)
        self.data = os.path.join(self.folder, "data")
        if ACCOUNT:
            os.chown(self.folder, ACCOUNT.pw_uid, ACCOUNT.pw_gid)
        os.chmod(self.folder, 0o755)
        self.port = free_port()
        self.settings = {"fsync": "on" if fsync else "off", "full_page_writes": "on" if fsync else "off",
                         "shared_buffers": "128MB", "max_connections": "200", "unix_socket_directories": self.folder,
                         "listen_addresses": "127.0.0.1", "port": str(self.port), "log_checkpoints": "off"}
        self.settings.update(settings or {})
        self.process = None
        try:
            self.call("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
            self.start()
        except BaseException:
            self.close()
            raise

    def call(self, program, *arguments):
        done = subprocess.run([os.path.join(self.bin, program), *arguments], cwd=self.folder, preexec_fn=become,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise AssertionError("%s: %s" % (program, done.stdout))
        return done.stdout

    def start(self):
        options = [word for name, value in self.settings.items() for word in ("-c", "%s=%s" % (name, value))]
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen([os.path.join(self.bin, "postgres"), "-D", self.data, *options], cwd=self.folder,
                                            preexec_fn=become, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("PostgreSQL does not start:\n" + self.log())
            time.sleep(0.05)

    def answers(self):
        done = subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", self.folder, "-p", str(self.port)])
        return done.returncode == 0

    def stop(self, how=signal.SIGQUIT):
        """SIGINT: in order; SIGQUIT: at once, to recover at the next start."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def kill(self):
        """As if its machine had lost its power: stopped first, so that none of its
        processes starts another meanwhile."""
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for pid in below(self.process.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        self.process.wait()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *ignored):
        self.close()

    def log(self):
        with open(os.path.join(self.folder, "log"), errors="replace") as log:
            return log.read()[-4000:]

    def allow(self, network):
        """Lets in who comes from there."""
        with open(os.path.join(self.data, "pg_hba.conf"), "a", encoding="ascii") as file:
            file.write("host all all %s trust\n" % network)
        self.process.send_signal(signal.SIGHUP)

    def url(self, database="postgres", tcp=False, host="127.0.0.1"):
        if tcp or host != "127.0.0.1":
            return "postgresql://%s@%s:%d/%s" % (USER, host, self.port, database)
        return "postgresql://%s@/%s?host=%s&port=%d" % (USER, database, self.folder, self.port)

    def sql(self, text, database="postgres"):
        done = subprocess.run([os.path.join(self.bin, "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database)],
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise AssertionError("psql: %s" % done.stderr)
        return done.stdout.strip()

    def make(self, database):
        """A new, empty database; its URL."""
        self.sql("CREATE DATABASE %s" % database)
        return self.url(database)

    def drop(self, database):
        self.sql("DROP DATABASE IF EXISTS %s WITH (FORCE)" % database)


SPREAD = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "etc", "postgresql", "spread.sql")


def foreign_server(name, url):
    """SQL that makes the database at the URL known as that server."""
    where = urllib.parse.urlsplit(url)
    host = dict(urllib.parse.parse_qsl(where.query))
    return ("CREATE SERVER %s FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '%s', port '%s', dbname '%s', "
            "options '-c lock_timeout=10s -c idle_in_transaction_session_timeout=60s');"
            "CREATE USER MAPPING FOR CURRENT_USER SERVER %s OPTIONS (user '%s');"
            % (name, host["host"], host["port"], where.path[1:], name, USER))


def spread(url, far, partitions):
    """Partitions 0, n, 2n ... of the store in the database at the URL to the first of the
    n databases of far, 1, n + 1 ... to the second, and so on, as an administrator does it."""
    def psql(*words, text=None):
        done = subprocess.run([os.path.join(programs(), "psql"), "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", url, *words], input=text,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise AssertionError("psql: %s" % done.stdout)
    psql(text="CREATE EXTENSION postgres_fdw; CREATE EXTENSION dblink;" + "".join(foreign_server("far%d" % i, to) for i, to in enumerate(far)))
    for i in range(len(far)):
        psql("-v", "server=far%d" % i, "-v", "partitions=" + ",".join(map(str, range(i, partitions, len(far)))), "-f", SPREAD)


def main():
    words = sys.argv[1:]
    far_n, words = (int(words[1]), words[2:]) if words[0] == "--far" else (0, words)
    with contextlib.ExitStack() as stack:
        postgres, *far = [stack.enter_context(Postgres()) for _ in range(1 + far_n)]
        path = postgres.bin + ":" + os.environ["PATH"]  # before what Debian wraps around psql, which is slow
        environment = dict(os.environ, EWSD_POSTGRES=postgres.url(), PATH=path)
        if far:
            environment["EWSD_FAR"] = " ".join(one.url() for one in far)
        code = subprocess.run(words, env=environment).returncode
    sys.exit(code if code >= 0 else 1)


if __name__ == "__main__":
    main()
