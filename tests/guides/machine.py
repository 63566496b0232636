"""A machine that a guide is followed on: a clean Debian, with a network card and a
name of its own, on a network that has nothing else but the other machines of the
guide and what run.py puts there. It has shells, of root and of somebody, and
services (units.py).

Its processes are of the namespace of processes that this test is in, and end
with that; so do all its mounts, which nobody outside sees."""

import os
import re
import shlex
import shutil
import socket
import subprocess
import threading

from harness import PATIENCE, until
from root import CACHE, run
from units import Units

USER = "somebody"
HOME = "/home/" + USER
PATHS = {"#": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "$": "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"}
LONG = 10 * PATIENCE  # a command of a guide may install a lot


class Machine:
    """base: the root of a clean Debian, which stays as it is."""

    def __init__(self, base, folder, address, name, nameserver):
        self.address, self.name = address, name
        self.folder = os.path.join(folder, name.split(".")[0])
        self.root = os.path.join(self.folder, "root")
        self.overlay(base, "root", self.root)
        self.overlay(os.path.join(CACHE, "archives"), "archives", self.path("/var/cache/apt/archives"))
        run("mount", "-t", "proc", "proc", self.path("/proc"))
        self.write("/etc/resolv.conf", "nameserver %s\n" % nameserver)
        self.write("/etc/hosts", "127.0.0.1 localhost\n%s %s %s\n" % (address, name, name.split(".")[0]))
        self.write("/etc/hostname", name + "\n")
        self.journal_path = os.path.join(self.folder, "journal")
        self.journal = open(self.journal_path, "ab")
        self.join_network()
        self.listen_to_syslog()
        self.units = Units(self)
        self.shells = {user: Shell(self, user) for user in "#$"}

    def overlay(self, below, name, place):
        upper, work = (os.path.join(self.folder, name + end) for end in (".upper", ".work"))
        for path in (upper, work, place):
            os.makedirs(path, exist_ok=True)
        shutil.copystat(below, upper)
        run("mount", "-t", "overlay", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % (below, upper, work), place)

    def join_network(self):
        self.holder = subprocess.Popen(["unshare", "--net", "--uts", "sh", "-c", "hostname %s; echo; exec sleep infinity" % self.name],
                                       stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.holder.stdout.readline()
        cable = "m" + self.address.rpartition(".")[2]
        run("ip", "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", str(self.holder.pid))
        run("ip", "link", "set", cable, "master", "lan", "up")
        for words in ("link set lo up", "address add %s/24 dev eth0" % self.address, "link set eth0 up"):
            run("nsenter", "--target", str(self.holder.pid), "--net", "ip", *words.split())

    def listen_to_syslog(self):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        peer.bind(self.path("/dev/log"))
        os.chmod(self.path("/dev/log"), 0o666)

        def hear():
            while True:
                self.note(peer.recv(65536).decode(errors="replace").rstrip("\n\0"))
        threading.Thread(target=hear, daemon=True).start()

    def note(self, line):
        self.journal.write((line + "\n").encode())
        self.journal.flush()

    def journal_text(self):
        with open(self.journal_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def complaints(self):
        """What is of interest when something went wrong."""
        return "\n".join(line for line in self.journal_text().splitlines() if " info request " not in line)

    # ---- files

    def path(self, path):
        return self.root + path

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()

    def write(self, path, text):
        """Only where nothing in the machine has put a link yet."""
        with open(self.path(path), "w", encoding="utf-8") as file:
            file.write(text)

    # ---- commands

    def popen(self, words, **more):
        """A process in the machine; its pid is that of the command."""
        return subprocess.Popen(["nsenter", "--target", str(self.holder.pid), "--net", "--uts", "chroot", self.root, *words], **more)

    def as_user(self, user):
        """The words before a command that make it one of "#" or "$"."""
        account, home = ("root", "/root") if user == "#" else (USER, HOME)
        return ["setpriv", "--reuid=" + account, "--regid=" + account, "--init-groups", "env", "-i", "-C", HOME, "HOME=" + home,
                "USER=" + account, "PATH=" + PATHS[user], "LANG=C.UTF-8", "TERM=dumb"]

    def output(self, words, user="#", text=""):
        """(status, output) of a command."""
        process = self.popen([*self.as_user(user), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said, _ = process.communicate(text, LONG)
        return process.returncode, said

    def follow(self, step):
        """Does what a step of a guide says; None, or what went wrong."""
        if step.is_file:
            status, said = self.output(["sh", "-c", 'cat > "$1"', "sh", step.path], step.user, step.text)
            return None if status == 0 else "can't be written: " + said
        return self.shells[step.user].follow(step)


class Shell:
    """One that stays, as a reader's does: with what was set, and with what was put
    into the background."""

    MARK = "\036"

    def __init__(self, machine, user):
        self.process = machine.popen([*machine.as_user(user), "bash", "--norc", "--noprofile"], stdin=subprocess.PIPE,
                                     stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.heard = b""
        threading.Thread(target=self.hear, daemon=True).start()

    def hear(self):
        while True:
            piece = os.read(self.process.stdout.fileno(), 65536)
            if not piece:
                return
            self.heard += piece

    def follow(self, step):
        start = len(self.heard)
        line = "eval %s </dev/null; printf '\\036%%d\\036' $?\n" % shlex.quote(step.text)
        self.process.stdin.write(line.encode())
        self.process.stdin.flush()

        def ended():
            return re.fullmatch("(.*)%s(\\d+)%s(.*)" % (self.MARK, self.MARK), self.heard[start:].decode(errors="replace"), re.DOTALL)

        try:
            found = until(ended, step.text, LONG)
            if step.stays:
                until(lambda: step.expects(ended()[1] + ended()[3]), "what it is to say", 2 * PATIENCE)
        except AssertionError as error:
            return "%s; it said:\n%s" % (error, self.heard[start:].decode(errors="replace")[-3000:])
        said = found[1] + found[3]
        if found[2] != "0":
            return "status %s; it said:\n%s" % (found[2], said[-3000:])
        if not step.stays and not step.expects(said):
            return "it is to say:\n%s\nbut said:\n%s" % ("\n".join(step.said), said[-3000:])
        return None
