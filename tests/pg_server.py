#!/usr/bin/python3
"""A PostgreSQL of one's own, in a temporary folder, for as long as a test runs:
on a socket in that folder and on a loopback port. Standard library only.

usage: pg_server.py COMMAND ...   runs the command with EWSD_POSTGRES, the URL of
a server whose databases it may make and drop; its exit status is ours."""

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


def main():
    with Postgres() as postgres:
        code = subprocess.run(sys.argv[1:], env=dict(os.environ, EWSD_POSTGRES=postgres.url())).returncode
    sys.exit(code if code >= 0 else 1)


if __name__ == "__main__":
    main()
