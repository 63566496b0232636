"""What every suite that talks to a running ewsd shares: starting a server and
reading its ready line, SOAP over plain HTTP, waiting for something to become
true, and counting results. Standard library only.

A suite is a script that makes a Suite, runs its cases and calls done(); each
prints "ok NAME" or "not ok NAME: why" and, last, "N passed, N failed"."""

import base64
import concurrent.futures
import contextlib
import hashlib
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import uuid
import xml.etree.ElementTree as ET

import pg_server

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
S = "http://schemas.xmlsoap.org/soap/envelope/"
M = "http://schemas.microsoft.com/exchange/services/2006/messages"
T = "http://schemas.microsoft.com/exchange/services/2006/types"
E = "http://schemas.microsoft.com/exchange/services/2006/errors"
for prefix, uri in (("s", S), ("m", M), ("t", T), ("e", E)):
    ET.register_namespace(prefix, uri)

ALICE = ("alice@example.test", "secret")
BOB = ("bob@example.test", "secret")
PATIENCE = float(os.environ.get("EWSD_PATIENCE", "60"))


def binary():
    """The ewsd under test: EWSD, or the sanitizer build, or the release."""
    named = os.environ.get("EWSD")
    places = [named] if named else [
        os.path.join(ROOT, place) for place in
        ("check-asan/ewsd", "check-asan/src/bin/ewsd", "build/ewsd", "build/src/bin/ewsd")]
    for place in places:
        if os.access(place, os.X_OK):
            return place
    sys.exit("no ewsd to test: run make check, or set EWSD")


def until(condition, what, patience=PATIENCE):
    """Asks again and again until condition() gives something true."""
    end = time.monotonic() + patience
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError("waited in vain for " + what)
        time.sleep(0.01)


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def tree(self):
        return ET.fromstring(self.body)

    def codes(self):
        """The ResponseCodes, of a fault or of each response message."""
        return [node.text for node in self.tree.iter()
                if node.tag in ("{%s}ResponseCode" % M, "{%s}ResponseCode" % E)]

    def ids(self, name="ItemId"):
        return [node.attrib for node in self.tree.iter("{%s}%s" % (M if name == "MovedItemId" else T, name))]


# --- the engine: with EWSD_POSTGRES, the URL of a server (tests/pg_server.py),
# every store is a database of its own there, in place of a folder

ENGINE = "postgres" if os.environ.get("EWSD_POSTGRES") else "sqlite"
databases = set()  # made by this process
template_lock = threading.Lock()


def in_postgres(text, database="postgres", server=None):
    done = subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", database_url(database, server)], input=text, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect(done.returncode, 0, done.stderr)
    return done.stdout.strip()


def database_url(name, server=None):
    where = urllib.parse.urlsplit(server or os.environ["EWSD_POSTGRES"])
    return urllib.parse.urlunsplit(where._replace(path="/" + name))


# With EWSD_FAR, the URLs of more servers, the partitions of every store are spread over
# databases of the same name there.
FAR = os.environ.get("EWSD_FAR", "").split()
PARTITIONS = 4  # of a store that nobody says more about


def on_all_servers(text):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        list(pool.map(lambda server: in_postgres(text, server=server), (None, *FAR)))


def make_database(name, source=None):
    on_all_servers("CREATE DATABASE %s%s" % (name, " TEMPLATE %s STRATEGY FILE_COPY" % source if source else ""))
    if FAR and source:
        in_postgres("".join("ALTER SERVER far%d OPTIONS (SET dbname '%s');" % (i, name) for i in range(len(FAR))), name)


def template():
    """A database with a new store that was never opened, so that a copy of it is
    no copy: making one from it costs less than its tables."""
    with template_lock:
        name = "template_%d" % os.getpid()
        if name not in databases:
            make_database(name)
            if FAR:  # fewer tables, to be copied for each test on each server
                with tempfile.NamedTemporaryFile("w", suffix=".conf") as config:
                    write_config(config.name, {"store.partitions": len(FAR)})
                    ewsctl(database_url(name), "store", "init", config=config.name)
                pg_server.spread(database_url(name), [database_url(name, server) for server in FAR], len(FAR))
            else:
                ewsctl(database_url(name), "store", "init")
            in_postgres("DELETE FROM meta", name)
            databases.add(name)
    return name


def database_of(data):
    return "d_" + hashlib.sha1(data.encode()).hexdigest()[:20]


def bury_nodes(data):
    """Whoever has this store open is dead: another node need not wait for as long
    as an attempt of theirs at a relay could take, but only for their silence."""
    store_at(data, ready=True)
    in_postgres("UPDATE node SET patience = 0", database_of(data))


def store_at(data, ready=False):
    """What a store at the path data is named by: the path, or the URL of its
    database. ready: with a new store in it, if it is not there yet."""
    if ENGINE == "sqlite" or not data or data.startswith("postgresql://"):
        return data
    name = database_of(data)
    if name not in databases:
        databases.add(name)
        if not in_postgres("SELECT 1 FROM pg_database WHERE datname = '%s'" % name):
            make_database(name, template() if ready else None)
    return database_url(name)


def forget_store(data):
    name = database_of(data)
    if ENGINE != "sqlite" and name in databases:
        on_all_servers("DROP DATABASE IF EXISTS %s WITH (FORCE)" % name)
        databases.discard(name)


def ask(connection, method, path, body=None, headers=None):
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return Answer(response.status, response.headers, response.read())
    finally:
        connection.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE)
        self.unix = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.unix)


class Admin:
    """An admin listener, as "admin http://HOST:PORT" or "admin unix:PATH" says."""

    def __init__(self, line):
        word, _, where = line.partition(" ")
        expect(word, "admin", line)
        self.path = where[5:] if where.startswith("unix:") else None
        address = urllib.parse.urlsplit(where)
        self.host, self.port = (None, None) if self.path else (address.hostname, address.port)

    def request(self, method, path, body=None, headers=None):
        connection = UnixConnection(self.path) if self.path else http.client.HTTPConnection(self.host, self.port, timeout=PATIENCE)
        return ask(connection, method, path, body, headers)


class Server:
    """A running `ewsd dev` on an ephemeral port."""

    prefix = ()  # of the command, which it executes in the end
    own = None   # a database that goes with it

    def __init__(self, *arguments, data=None, env=None):
        if ENGINE != "sqlite" and not data and not {"--store", "--data"} & set(arguments):
            data = self.own = "%s/%d" % (uuid.uuid4(), os.getpid())
        where = [] if not data else ["--data", data] if ENGINE == "sqlite" else ["--store", store_at(data, ready=True)]
        if ENGINE != "sqlite":
            for setting in ("store.writers=2", "store.partitions=2"):  # connections and tables, which take their time to make
                if not any(word.startswith(setting.partition("=")[0]) for word in arguments):
                    where += ["--set", setting]
        # a busy machine ends slowly; --set of the arguments goes last, and counts
        patient = ["--set", "server.stop_timeout=30"]
        self.start(["dev", "--listen", "127.0.0.1:0"] + patient + where + list(arguments), env)

    def start(self, arguments, env=None, ca=None):
        """ca: the file that certifies an https server."""
        self.folder = tempfile.mkdtemp(prefix="ewsd-test-")
        self.log_path = os.path.join(self.folder, "log")
        self.tls = ssl.create_default_context(cafile=ca) if ca else None
        environment = dict(os.environ)
        environment.setdefault("ASAN_OPTIONS", "quarantine_size_mb=8:malloc_context_size=5")
        environment.setdefault("UBSAN_OPTIONS", "halt_on_error=1:print_stacktrace=1")
        environment.update(env or {})
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [*self.prefix, binary(), *arguments], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=log, env=environment)
        line = self.process.stdout.readline().decode().strip()
        if not line.startswith("ready https://" if ca else "ready http://"):
            self.process.kill()
            self.process.wait()
            raise AssertionError("no ready line: %r\n%s" % (line, self.log()))
        self.url = line.split()[1]
        where = urllib.parse.urlsplit(self.url)
        self.host, self.port, self.path = where.hostname, where.port, where.path

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        try:
            self.stop(quiet=kind is not None)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
            if self.own:
                forget_store(self.own)

    def log(self):
        with open(self.log_path, "rb") as log:
            return log.read().decode(errors="replace")

    def alive(self):
        return self.process.poll() is None

    def rss(self):
        """Resident memory in megabytes."""
        with open("/proc/%d/status" % self.process.pid) as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1]) // 1024
        return 0

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def stop(self, quiet=False):
        """SIGTERM; a server that dies any other way, or that a sanitizer
        complained about, fails the test."""
        if self.process.returncode is not None:
            return
        if not self.alive():
            raise AssertionError("ewsd ended on its own: %s\n%s" % (self.process.returncode, self.log()[-6000:]))
        self.process.terminate()
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "no answer to SIGTERM"
        self.process.stdout.close()
        log = self.log()
        bad = any(word in log for word in
                  ("AddressSanitizer", "LeakSanitizer", "runtime error:", "ThreadSanitizer"))
        if (code != 0 or bad) and not quiet:
            raise AssertionError("ewsd ended with %s\n%s" % (code, log[-6000:]))
        if bad:
            print(log[-6000:], file=sys.stderr)

    def admin(self):
        """Its admin listener: the second line of what it says."""
        return Admin(self.process.stdout.readline().decode().strip())

    def connection(self, patience=PATIENCE):
        if self.tls:
            return http.client.HTTPSConnection(self.host, self.port, timeout=patience, context=self.tls)
        return http.client.HTTPConnection(self.host, self.port, timeout=patience)

    def request(self, method, path, body=None, headers=None, patience=PATIENCE):
        return ask(self.connection(patience), method, path, body, headers)

    def soap(self, text, user=ALICE, content_type="text/xml; charset=utf-8", headers=None):
        body = text if isinstance(text, bytes) else text.encode()
        all_headers = {"Content-Type": content_type}
        if user:
            all_headers["Authorization"] = basic(*user)
        all_headers.update(headers or {})
        return self.request("POST", self.path, body, all_headers)

    def messages(self):
        answer = self.request("GET", "/dev/messages")
        assert answer.status == 200, answer.status
        found = json.loads(answer.body)
        return found if isinstance(found, list) else found["messages"]

    def raw(self, message_id):
        answer = self.request("GET", "/dev/messages/%s" % message_id)
        assert answer.status == 200, answer.status
        return answer.body

    def await_messages(self, count):
        def enough():
            found = self.messages()
            return found if len(found) >= count else None
        return until(enough, "%d captured messages" % count)


class Certificate:
    """A certificate for localhost and 127.0.0.1, by an authority of its own;
    all of it lasts a day."""

    def __init__(self, folder, name="server"):
        def path(what):
            return os.path.join(folder, name + what)
        self.ca, self.certificate, self.key = path("-ca.pem"), path(".pem"), path(".key")
        with open(path(".cnf"), "w") as out:
            out.write("[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nCN=ewsd test\n"
                      "[ca]\nbasicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n"
                      "[server]\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")

        def openssl(*arguments):
            done = subprocess.run(["openssl", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            expect(done.returncode, 0, done.stdout)
        for key in (path("-ca.key"), self.key):
            openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
        openssl("req", "-x509", "-config", path(".cnf"), "-extensions", "ca", "-key", path("-ca.key"), "-days", "1", "-out", self.ca)
        openssl("req", "-new", "-config", path(".cnf"), "-key", self.key, "-subj", "/CN=localhost",
                "-out", path(".csr"))
        openssl("x509", "-req", "-in", path(".csr"), "-CA", self.ca, "-CAkey", path("-ca.key"), "-set_serial", "1",
                "-days", "1", "-extfile", path(".cnf"), "-extensions", "server", "-out", self.certificate)
        os.chmod(self.key, 0o600)


# Whom a server started as root becomes.
ACCOUNT = "nobody" if os.geteuid() == 0 else None


def write_config(path, settings):
    """A configuration file of {"section.key": value}; the line of each."""
    lines, section, places = [], None, {}
    for name, value in settings.items():
        here, key = name.rsplit(".", 1)
        if here != section:
            lines.append("[%s]" % here)
            section = here
        lines.append("%s = %s" % (key, value))
        places[name] = len(lines)
    with open(path, "w") as out:
        out.write("\n".join(lines) + "\n")
    return places


class Gateway(Server):
    """A running `ewsd serve` on an ephemeral loopback port, with the settings
    of a dictionary over ones that do for a test."""

    def __init__(self, data, settings=None, certificate=None, env=None):
        chosen = {"server.store": store_at(data), "http.listen": "127.0.0.1:0", "auth.failure_delay": 1,
                  "server.stop_timeout": 20}
        if ACCOUNT:
            chosen["server.user"] = ACCOUNT
        if certificate:
            chosen["http.certificate"], chosen["http.key"] = certificate.certificate, certificate.key
        chosen.update(settings or {})
        with tempfile.NamedTemporaryFile("w", suffix=".conf", prefix="ewsd-test-") as config:
            write_config(config.name, dict(sorted(chosen.items())))
            self.start(["serve", "--config", config.name], env, certificate.ca if certificate else None)


class Folder:
    """A temporary folder that a server started as root can use, too: it may be
    passed by everybody."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="ewsd-test-")
        os.chmod(self.path, 0o755)
        return self.path

    def __exit__(self, *ignored):
        shutil.rmtree(self.path, ignore_errors=True)


def ewsctl(data, *words, password=None, config=None):
    """Runs a command of ewsctl on the store at data, which succeeds."""
    program = os.path.join(os.path.dirname(os.path.realpath(binary())), "ewsctl")
    done = subprocess.run([program, *(["--config", config] if config else []), "--data", store_at(data), *words], input=password, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    expect((done.returncode, done.stderr), (0, ""), "ewsctl " + " ".join(words))
    return done.stdout


def make_store(data, *users):
    """A store at data with mailboxes for (address, password) pairs, for a
    Gateway to serve."""
    os.mkdir(data, 0o700)
    if ACCOUNT:
        owner = pwd.getpwnam(ACCOUNT)
        os.chown(data, owner.pw_uid, owner.pw_gid)
    ewsctl(data, "store", "init")
    for address, password in users:
        ewsctl(data, "user", "add", address, password=password)


def basic(user, password):
    return "Basic " + base64.b64encode(("%s:%s" % (user, password)).encode()).decode()


# --- HTTP by hand, for what http.client does not do

def post(server, body, user=ALICE, *lines, length=None):
    """The bytes of a request; length: what is promised instead of the truth."""
    head = ["POST %s HTTP/1.1" % server.path, "Host: localhost", "Content-Type: text/xml",
            "Authorization: " + basic(*user), "Content-Length: %d" % (len(body) if length is None else length), *lines]
    return ("\r\n".join(head) + "\r\n\r\n" + body).encode()


def dial(server, small=False, source=None):
    """small: with hardly a receive buffer."""
    peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    peer.settimeout(PATIENCE)
    if small:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if source:
        peer.bind((source, 0))
    peer.connect((server.host, server.port))
    return server.tls.wrap_socket(peer, server_hostname="localhost") if server.tls else peer


class Heard:
    def __init__(self, head, body):
        lines = head.decode().split("\r\n")
        self.status, self.body = int(lines[0].split()[1]), body
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}


def hear(peer):
    """One answer; None when the server hung up."""
    got, end, whole = bytearray(), -1, None
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while whole is None or len(got) < whole:
            piece = peer.recv(1 << 20)
            if not piece:
                return None
            got += piece
            end = got.find(b"\r\n\r\n") if whole is None else end
            if end >= 0 and whole is None:
                length = bytes(got[:end]).lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                whole = end + 4 + int(length or 0)
        return Heard(bytes(got[:end]), bytes(got[end + 4:whole]))
    return None


def envelope(operation, version="Exchange2013_SP1"):
    return ('<?xml version="1.0" encoding="utf-8"?>'
            '<s:Envelope xmlns:s="%s" xmlns:m="%s" xmlns:t="%s"><s:Header>'
            '<t:RequestServerVersion Version="%s"/></s:Header><s:Body>%s</s:Body></s:Envelope>'
            % (S, M, T, version, operation))


def create_item(message, disposition="SaveOnly"):
    return envelope('<m:CreateItem MessageDisposition="%s"><m:Items><t:Message>%s</t:Message>'
                    '</m:Items></m:CreateItem>' % (disposition, message))


def a_message(subject="hello", body="hello", to="someone@elsewhere.test", extra=""):
    return ('<t:Subject>%s</t:Subject><t:Body BodyType="Text">%s</t:Body><t:ToRecipients>'
            '<t:Mailbox><t:EmailAddress>%s</t:EmailAddress></t:Mailbox></t:ToRecipients>%s'
            % (subject, body, to, extra))


def send_item(item_id, change_key, save="true"):
    return envelope('<m:SendItem SaveItemToFolder="%s"><m:ItemIds><t:ItemId Id="%s" ChangeKey="%s"/>'
                    '</m:ItemIds></m:SendItem>' % (save, item_id, change_key))


def find_item(folder):
    return envelope('<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape>'
                    '</m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="%s"/>'
                    '</m:ParentFolderIds></m:FindItem>' % folder)


def get_item(item_id, mime=False):
    return envelope('<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape>'
                    '<t:IncludeMimeContent>%s</t:IncludeMimeContent></m:ItemShape><m:ItemIds>'
                    '<t:ItemId Id="%s"/></m:ItemIds></m:GetItem>'
                    % ("true" if mime else "false", item_id))


def expect(got, wanted, what=""):
    if got != wanted:
        raise AssertionError("%sgot %r, wanted %r" % (what and what + ": ", got, wanted))


def draft(server, message, user=ALICE):
    """Saves a draft; its ItemId attributes."""
    answer = server.soap(create_item(message), user)
    expect(answer.codes(), ["NoError"], "draft")
    return answer.ids()[0]


def subjects(server, folder, user=ALICE):
    answer = server.soap(find_item(folder), user)
    expect(answer.codes(), ["NoError"], "FindItem " + folder)
    return [node.text for node in answer.tree.iter("{%s}Subject" % T)]


class Suite:
    def __init__(self, name):
        self.name, self.passed, self.failed = name, 0, 0
        self.lock = threading.Lock()

    def run(self, name, function, *arguments):
        try:
            function(*arguments)
        except AssertionError as error:
            self.note(name, str(error) or traceback.format_exc())
        except Exception:
            self.note(name, traceback.format_exc())
        else:
            self.note(name, None)

    def note(self, name, why):
        with self.lock:
            if why is None:
                self.passed += 1
                print("ok %s: %s" % (self.name, name), flush=True)
            else:
                self.failed += 1
                print("not ok %s: %s\n    %s" % (self.name, name, why.replace("\n", "\n    ")), flush=True)

    def done(self):
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        sys.exit(1 if self.failed or not self.passed else 0)
