"""One life of the server under test, from its start to the SIGKILL, and the gate
by which the clients go in: open while a server lives, and closed until all that
they were answered is in the ledger."""

import contextlib
import http.client
import os
import subprocess
import threading
import time
import urllib.parse

import harness

PATIENCE = 60
COMPLAINTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer")


class Violation(AssertionError):
    """A promise was broken."""


class Life:
    """arguments: of ewsd. Its log is added to the caller's file."""

    def __init__(self, arguments, log_path, env):
        self.log_path = log_path
        self.broken = False  # a connection was: nobody need try another
        self.asked_to_stop = False
        environment = dict(os.environ, **env)
        environment.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8:malloc_context_size=5:detect_leaks=0")
        environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        with open(log_path, "ab") as log:
            self.log_start = log.tell()
            self.process = subprocess.Popen([harness.binary()] + arguments, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.PIPE, stderr=log, env=environment)

    def await_ready(self):
        """Is it? It may be killed before."""
        line = self.process.stdout.readline().decode().strip()
        if not line.startswith("ready "):
            return False
        where = urllib.parse.urlsplit(line.split()[1])
        self.host, self.port, self.path = where.hostname, where.port, where.path
        return True

    def connect(self):
        return http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)

    def has_ended(self, seconds):
        """Within so many, by its preloaded library or because it was asked."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        return self.process.poll() is not None

    def ask_to_stop(self):
        self.asked_to_stop = True
        self.process.terminate()

    def kill(self):
        """When; it died of nothing else, unless it was asked to stop."""
        self.process.kill()
        return self.bury(-9, *((0,) if self.asked_to_stop else ()))

    def stop(self):
        self.ask_to_stop()
        return self.bury(0)

    def bury(self, *wanted):
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = "no answer to SIGTERM"
        at = time.monotonic()
        self.process.stdout.close()
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            text = log.read().decode(errors="replace")
        if code not in wanted or any(word in text for word in COMPLAINTS):
            raise Violation("ewsd ended with %s\n%s" % (code, text[-6000:]))
        return at

    def must_be_dead(self, error):
        """A connection that broke is the kill's doing."""
        self.broken = True
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Violation("a living server broke a connection: %r" % error) from error


class Finished(Exception):
    """No server will come any more."""


class Gate:
    def __init__(self):
        self.changed = threading.Condition()
        self.life, self.busy, self.failure, self.over = None, 0, None, False

    def open(self, life):
        with self.changed:
            self.life = life
            self.changed.notify_all()

    def close(self):
        """Returns when nobody is within."""
        with self.changed:
            self.life = None
            if not self.changed.wait_for(lambda: self.busy == 0 or self.failure, 2 * PATIENCE):
                raise Violation("a client waits for a dead server")
        self.check()

    def fail(self, error):
        with self.changed:
            self.failure = self.failure or error
            self.changed.notify_all()

    def check(self):
        if self.failure:
            raise self.failure

    def shut(self):
        with self.changed:
            self.over = True
            self.changed.notify_all()

    @contextlib.contextmanager
    def turn(self):
        """For one request, and writing down its answer."""
        with self.changed:
            self.changed.wait_for(lambda: self.over or (self.life and not self.life.broken))
            if not self.life or self.life.broken:
                raise Finished
            life = self.life
            self.busy += 1
        try:
            yield life
        finally:
            with self.changed:
                self.busy -= 1
                self.changed.notify_all()
