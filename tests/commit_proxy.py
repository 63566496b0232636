"""Between a program and its PostgreSQL: cuts a connection at a COMMIT."""

import contextlib
import socket
import threading
import time


class Proxy:
    """cut: the next COMMIT is cut before it arrives ("before"), or before its answer
    does ("after"). word: as it looks on the wire; of: what the transaction has said
    before that."""

    def __init__(self, port, word=b"COMMIT\0", of=b""):
        self.port, self.word, self.of, self.cut, self.cuts = port, word, of, None, 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.port))
                threading.Thread(target=self.forward, args=(near, far), daemon=True).start()
                threading.Thread(target=self.back, args=(far, near), daemon=True).start()

    def is_commit(self, data):
        with self.lock:
            if not self.cut or self.word not in data:
                return None
            cut, self.cut = self.cut, None
            self.cuts += 1
            return cut

    def forward(self, near, far):
        with contextlib.suppress(OSError):
            said = False
            while True:
                data = near.recv(65536)
                said = said or self.of in data
                cut = self.is_commit(data) if said else None
                said = said and self.word not in data
                if not data or cut == "before":
                    break
                if cut == "after":
                    near.shutdown(socket.SHUT_WR)  # what back() reads goes nowhere
                    near.close()
                    far.sendall(data)
                    time.sleep(0.5)
                    break
                far.sendall(data)
        for one in (near, far):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def back(self, far, near):
        with contextlib.suppress(OSError):
            while True:
                data = far.recv(65536)
                if not data:
                    break
                near.sendall(data)
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()
