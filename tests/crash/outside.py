"""The sink as the harness sees it: a process of its own, whose lines are read
as they come."""

import json
import os
import subprocess
import sys
import threading

from life import PATIENCE, Violation


class Outside:
    def __init__(self, host="127.0.0.1"):
        self.record = None
        self.process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "sink.py"), host],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.changed = threading.Condition()
        self.open, self.arrivals, self.echo, self.asked, self.gone = 0, [], 0, 0, False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self.changed:
                if self.record:
                    self.record.write(line)
                if "token" in event:
                    self.arrivals.append(event)
                self.open += event.get("open", 0) - event.get("close", 0)
                self.echo = int(event.get("echo", self.echo))
                self.changed.notify_all()
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def record_to(self, path):
        """Writes down each line from now on; with None no more."""
        with self.changed:
            if self.record:
                self.record.close()
            self.record = open(path, "ab", buffering=0) if path else None

    def take(self):
        """What arrived since the last time. The server is dead, so the sink is
        through when all that it said before was read and its connections have
        ended; one that it takes later never saw its greeting."""
        self.asked += 1
        self.process.stdin.write(b"%d\n" % self.asked)
        self.process.stdin.flush()
        with self.changed:
            self.changed.wait_for(lambda: (self.echo == self.asked and self.open == 0) or self.gone, PATIENCE)
            if self.gone or self.echo != self.asked or self.open:
                raise Violation("the sink is %s" % ("gone" if self.gone else "stuck"))
            found, self.arrivals = self.arrivals, []
            return found

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
