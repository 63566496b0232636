"""The sink as the harness sees it: a process of its own, whose lines are read
as they come."""

import json
import os
import subprocess
import sys
import threading

from life import PATIENCE, Violation


class Outside:
    def __init__(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "sink.py")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = json.loads(self.process.stdout.readline())["port"]
        self.changed = threading.Condition()
        self.open, self.arrivals, self.gone = 0, [], False
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            event = json.loads(line)
            with self.changed:
                if "token" in event:
                    self.arrivals.append(event)
                self.open += event.get("open", 0) - event.get("close", 0)
                self.changed.notify_all()
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def take(self):
        """What arrived since the last time. The server is dead, so the sink is
        through when its connections have ended."""
        with self.changed:
            if not self.changed.wait_for(lambda: self.open == 0 or self.gone, PATIENCE) or self.gone:
                raise Violation("the sink is stuck" if not self.gone else "the sink is gone")
            found, self.arrivals = self.arrivals, []
            return found

    def close(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
