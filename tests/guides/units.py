"""What systemd does for a machine of this test, which has none as its process 1:
units are read where they are installed, generators run, and a service is started
by its own lines, as its account, with its folders, its rights and its way of
saying that it is ready. What the services say is kept in the machine's journal.

What is only about files, as to enable a unit, Debian's own systemctl does.

Not done: the sandbox of a service and its limits, for which there is tests/service;
watchdogs; starting again what died."""

import contextlib
import glob
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading

from harness import PATIENCE, until

HERE = os.path.dirname(os.path.abspath(__file__))
SOCKET = "/run/systemd/system/stand-in"
PLACES = ("/etc/systemd/system", "/lib/systemd/system")
GENERATED = "/run/systemd/generator"


class Failed(Exception):
    """What systemctl says, and its status."""

    def __init__(self, text, status=1):
        super().__init__(text)
        self.status = status


class Unit:
    def __init__(self, name, text):
        self.name, self.settings = name, {}
        for line in text.replace("\\\n", " ").splitlines():
            key, equals, value = line.strip().partition("=")
            if equals and not key.startswith(("#", ";")):
                self.settings.setdefault(key.strip(), []).append(self.expanded(value.strip()))

    def expanded(self, text):
        instance = self.name.partition("@")[2].rpartition(".")[0]
        values = {"i": instance, "I": instance.replace("-", "/"), "n": self.name, "%": "%"}
        return re.sub("%(.)", lambda found: values.get(found[1], found[0]), text)

    def one(self, key, otherwise=None):
        return self.settings.get(key, [otherwise])[-1]

    def all(self, key):
        return " ".join(self.settings.get(key, [])).split()


class Service:
    """One that runs. pid: of its main process, where that is known."""

    def __init__(self, unit):
        self.unit, self.process, self.ready = unit, None, threading.Event()


class Units:
    def __init__(self, machine):
        self.machine, self.active = machine, {}
        os.makedirs(machine.path("/run/systemd/system"))
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(machine.path(SOCKET))
        self.listener.listen(16)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.talk, args=(peer,), daemon=True).start()

    def talk(self, peer):
        """One systemctl; it may be the child of another one."""
        with peer, contextlib.suppress(OSError), peer.makefile("rb") as words:
            answer = self.answer(words.read().decode().split("\0"))
            peer.sendall("\0".join(map(str, answer)).encode())

    def answer(self, words):
        """(status, standard output, error output) of a systemctl with these words."""
        plain = [word for word in words if not word.startswith("-") and word not in ("LoadState", "CanReload", "SourcePath")]
        names = [name if "." in name else name + ".service" for name in plain[1:]]
        try:
            answer = self.commands()[plain[0]](names, words)
            self.machine.note("systemctl %s: %s" % (" ".join(words), answer[0]))
            return answer
        except Failed as error:
            return error.status, "", "%s\n" % error
        except Exception as error:
            self.machine.note("systemctl %s: %r" % (" ".join(words), error))
            return 1, "", "systemctl %s: the stand-in of this test: %r\n" % (" ".join(words), error)

    def commands(self):
        return {"start": self.each(self.start), "stop": self.each(self.stop), "restart": self.each(self.restart),
                "try-restart": self.each(lambda name: self.restart(name) if self.alive(name) else None),
                "reload": self.each(self.reload), "enable": self.enable, "daemon-reload": self.daemon_reload,
                **{word: self.of_files for word in ("is-enabled", "preset", "mask", "unmask", "disable")},
                "is-active": self.is_active, "show": self.show,
                "is-system-running": lambda names, words: (0, "running\n", "")}

    def each(self, work):
        def done(names, _):
            for name in names:
                work(name)
            return 0, "", ""
        return done

    # ---- what is installed

    def file(self, name):
        for place in PLACES:
            for one in (name, re.sub("@[^.]*", "@", name)):
                if os.path.isfile(self.machine.path(os.path.join(place, one))):
                    return self.machine.path(os.path.join(place, one))
        raise Failed("Unit %s not found." % name, 5)

    def unit(self, name):
        with open(self.file(name), encoding="utf-8") as file:
            return Unit(name, file.read())

    def wanted_by(self, name):
        """The units that it pulls in."""
        links = [glob.glob(self.machine.path("%s/%s.wants/*" % (place, name))) for place in (GENERATED, PLACES[0])]
        return sorted({os.path.basename(link) for found in links for link in found})

    def daemon_reload(self, *_):
        shutil.rmtree(self.machine.path(GENERATED), ignore_errors=True)
        os.mkdir(self.machine.path(GENERATED))
        for path in sorted(glob.glob(self.machine.path("/lib/systemd/system-generators/*"))):
            if not os.path.basename(path).startswith("systemd-"):
                self.call(["/lib/systemd/system-generators/" + os.path.basename(path), *[GENERATED] * 3])
        return 0, "", ""

    def of_files(self, _, words):
        """By Debian's own, as it works where no systemd runs."""
        plain = [word for word in words if word != "--now" and not word.startswith("--root")]
        done = self.machine.popen(["systemctl.distrib", "--root=/", *plain], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        out, err = done.communicate()
        return done.returncode, out, err

    def enable(self, names, words):
        answer = self.of_files(names, words)
        self.daemon_reload()
        if "--now" in words and answer[0] == 0:
            self.each(self.start)(names, words)
        return answer

    # ---- what is asked

    def is_active(self, names, words):
        active = names[0].endswith(".target") or self.alive(names[0])
        return 0 if active else 3, "" if {"-q", "--quiet"} & set(words) else "active\n" if active else "inactive\n", ""

    def show(self, names, words):
        try:
            unit = self.unit(names[0])
            found = {"LoadState": "loaded", "CanReload": "yes" if unit.one("ExecReload") else "no", "SourcePath": ""}
        except Failed:
            found = {"LoadState": "not-found", "CanReload": "no", "SourcePath": ""}
        key = next(key for key in found if key in words)
        return 0, "%s\n" % (found[key] if "--value" in words else "%s=%s" % (key, found[key])), ""

    # ---- what runs

    def call(self, words, **more):
        """A command to its end; its status."""
        return self.machine.popen(words, stdin=subprocess.DEVNULL, stdout=self.machine.journal, stderr=self.machine.journal, **more).wait()

    def alive(self, name):
        service = self.active.get(name)
        return service is not None and (service.process is None or service.process.poll() is None)

    def main_pid(self, name):
        service = self.active[name]
        if service.process:
            return service.process.pid
        file = service.unit.one("PIDFile")
        return int(self.machine.read(file).split()[0]) if file else None

    def line(self, unit, line, environment, wait=True):
        """Runs a line of the unit: what it is, when wait is False; whether it went well."""
        modes = re.match("[-@:+!]*", line)[0]
        words = [*self.rights(unit), *shlex.split(line[len(modes):])]
        mask = int(unit.one("UMask", "0022"), 8)
        if not wait:
            return self.machine.popen(words, stdin=subprocess.DEVNULL, stdout=self.machine.journal, stderr=self.machine.journal,
                                      env=environment, umask=mask)
        return self.call(words, env=environment, umask=mask) == 0 or "-" in modes

    @staticmethod
    def rights(unit):
        """The words before a command that give it the account and the capabilities."""
        account = unit.one("User")
        if not account:
            return []
        words = ["setpriv", "--reuid=" + account, "--regid=" + unit.one("Group", account), "--init-groups"]
        for option, key in (("inh-caps", "AmbientCapabilities"), ("ambient-caps", "AmbientCapabilities"),
                            ("bounding-set", "CapabilityBoundingSet")):
            if key in unit.settings:
                words.append("--%s=-all%s" % (option, "".join(",+" + one[4:].lower() for one in unit.all(key))))
        return words + ["--no-new-privs"] * (unit.one("NoNewPrivileges") == "yes")

    def folders(self, unit):
        for key, place in (("StateDirectory", "/var/lib"), ("RuntimeDirectory", "/run")):
            for name in unit.all(key):
                user, group = unit.one("User", "root"), unit.one("Group", unit.one("User", "root"))
                path, mode = os.path.join(place, name), unit.one(key + "Mode", "0755")
                self.call(["install", "-d", "-m", mode, "-o", user, "-g", group, path])

    def start(self, name):
        unit = self.unit(name)
        for wanted in self.wanted_by(name):
            try:
                self.start(wanted)
            except Failed as error:
                self.machine.note(str(error))
        if self.alive(name):
            return
        if any(not os.path.exists(self.machine.path(path)) for path in unit.all("ConditionPathExists")):
            return
        if any(not os.path.exists(self.machine.path(path)) for path in unit.all("AssertPathExists")):
            raise Failed("Assertion failed on job for %s." % name)
        self.folders(unit)
        environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                       **dict(value.split("=", 1) for value in unit.all("Environment"))}
        service = Service(unit)
        if not all(self.line(unit, line, environment) for line in unit.settings.get("ExecStartPre", [])) or \
                not self.launch(service, environment):
            self.machine.note("%s did not start" % name)
            raise Failed('Job for %s failed because the control process exited with error code.\n'
                         'See "systemctl status %s" and "journalctl -xeu %s" for details.' % (name, name, name))
        self.active[name] = service

    def launch(self, service, environment):
        """Whether its ExecStart came as far as its Type asks for."""
        unit = service.unit
        kind, line = unit.one("Type", "simple"), unit.one("ExecStart")
        if kind in ("forking", "oneshot"):
            return self.line(unit, line, environment)
        if kind == "notify":
            environment["NOTIFY_SOCKET"] = self.notified(service)
        service.process = self.line(unit, line, environment, wait=False)
        if kind == "notify":
            until(lambda: service.ready.is_set() or service.process.poll() is not None, "%s to be ready" % unit.name, 4 * PATIENCE)
        return service.process.poll() is None

    def notified(self, service):
        """The path of a socket on which READY=1 is waited for, by whoever reads it from now on."""
        path = "/run/systemd/notify-" + service.unit.name
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.machine.path(path))
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        peer.bind(self.machine.path(path))
        os.chmod(self.machine.path(path), 0o666)

        def hear():
            while True:
                if b"READY=1" in peer.recv(4096).split(b"\n"):
                    service.ready.set()
        threading.Thread(target=hear, daemon=True).start()
        return path

    def stop(self, name):
        for part in [one for one, service in self.active.items() if name in service.unit.all("PartOf")]:
            self.stop(part)
        service = self.active.get(name)
        if not service:
            return
        line = service.unit.one("ExecStop")
        if line:
            self.line(service.unit, line, dict(os.environ, MAINPID=str(self.main_pid(name) or "")))
        if service.process:
            service.process.terminate()
            service.process.wait(4 * PATIENCE)
        del self.active[name]

    def restart(self, name):
        self.stop(name)
        self.start(name)

    def reload(self, name):
        if not self.alive(name):
            raise Failed("%s is not active, cannot reload." % name)
        for part, service in self.active.items():
            if part == name or name in service.unit.all("ReloadPropagatedFrom"):
                self.line(service.unit, service.unit.one("ExecReload"), dict(os.environ, MAINPID=str(self.main_pid(part) or "")))

    def kill(self, name):
        """As a machine that goes dark does to it."""
        service = self.active.pop(name)
        service.process.send_signal(signal.SIGKILL)
        service.process.wait()
