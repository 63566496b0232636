"""Between a program and its PostgreSQL: cuts a connection at a COMMIT."""

import contextlib
import socket
import threading

PATIENCE = 60  # seconds that a server may take for a COMMIT
IDLE = b"Z\0\0\0\5I"  # ReadyForQuery: no transaction is open any more


class Proxy:
    """cut: the next COMMIT is cut before it arrives ("before"), or before its answer
    does ("after"). word: as it looks on the wire; of: what the transaction has said
    before that. goes_away: a cut ends all other connections, too, and nobody is let
    through until away is set back."""

    def __init__(self, port, word=b"COMMIT\0", of=b""):
        self.port, self.word, self.of, self.cut, self.cuts = port, word, of, None, 0
        self.goes_away = self.away = False
        self.open = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                if not self.lets_through(near):
                    continue
                far = socket.create_connection(("127.0.0.1", self.port))
                ended = threading.Event()  # the transaction, as its server says
                threading.Thread(target=self.forward, args=(near, far, ended), daemon=True).start()
                threading.Thread(target=self.back, args=(far, near, ended), daemon=True).start()

    def lets_through(self, near):
        with self.lock:
            if self.away:
                near.close()
                return False
            self.open.add(near)
            return True

    def is_commit(self, data, own):
        with self.lock:
            if not self.cut or self.word not in data:
                return None
            cut, self.cut = self.cut, None
            self.cuts += 1
            if self.goes_away:
                self.away = True
                self.end(self.open - {own})
            return cut

    def end(self, connections):
        for near in connections:
            with contextlib.suppress(OSError):
                near.shutdown(socket.SHUT_RDWR)
        self.open -= connections

    def forward(self, near, far, ended):
        with contextlib.suppress(OSError):
            said = False
            while True:
                data = near.recv(65536)
                said = said or self.of in data
                cut = self.is_commit(data, near) if said else None
                said = said and self.word not in data
                if not data or cut == "before":
                    break
                if cut == "after":
                    near.shutdown(socket.SHUT_WR)  # what back() reads goes nowhere
                    near.close()
                    ended.clear()
                    far.sendall(data)
                    ended.wait(PATIENCE)
                    break
                far.sendall(data)
        for one in (near, far):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def back(self, far, near, ended):
        last = b""
        with contextlib.suppress(OSError):
            while data := far.recv(65536):
                last = last[1 - len(IDLE):] + data
                if IDLE in last:
                    ended.set()
                with contextlib.suppress(OSError):
                    near.sendall(data)
        ended.set()
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
