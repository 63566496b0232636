"""A small Debian of a test's own, which mmdebstrap makes from where this machine's
apt has its packages, and the package of what is here. Both are kept below the
folder for temporary files: that Debian for a week, with what apt fetched, the
package until something that it is made of changes.

All but apt runs in a network of the test's own, and the work is done in memory,
which spares waiting for the disk at each file of each package."""

import contextlib
import fcntl
import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from harness import ROOT, expect

CACHE = os.path.join(tempfile.gettempdir(), "ewsd-package-cache-%d" % os.geteuid())
WEEK = 7 * 24 * 3600
MEMORY = "/mnt"  # of our own: nobody else sees what is mounted there
NETWORK = "EWSD_TEST_NETWORK"  # in the environment: a descriptor of the network that was left


def in_own_network():
    """Starts this program anew with mounts, a network and a memory of its own, which
    end with it, and all that is in them."""
    if NETWORK in os.environ:
        run("ip", "link", "set", "lo", "up")
        run("mount", "-t", "tmpfs", "-o", "mode=755,size=4g", "ewsd-test", MEMORY)
        return
    if os.geteuid() != 0:
        os.execvp("sudo", ["sudo", "-n", sys.executable, *sys.argv])
    outside = os.open("/proc/self/ns/net", os.O_RDONLY)
    os.set_inheritable(outside, True)
    os.environ[NETWORK] = str(outside)
    os.execvp("unshare", ["unshare", "--mount", "--net", "--propagation", "private", sys.executable, *sys.argv])


def run(*words, **more):
    """A command that succeeds; what it said."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)
    expect(done.returncode, 0, "%s\n%s\n" % (" ".join(words), done.stdout[-3000:]))
    return done.stdout


def outside(*words, **more):
    """The same, where the packages are."""
    network = int(os.environ[NETWORK])
    return run("nsenter", "--net=/proc/self/fd/%d" % network, *words, pass_fds=[network], **more)


def cache():
    """Nobody else may have put anything there."""
    os.makedirs(CACHE, 0o700, exist_ok=True)
    state = os.lstat(CACHE)
    expect((state.st_uid, state.st_mode), (os.geteuid(), 0o40700), CACHE)
    os.makedirs(os.path.join(CACHE, "archives", "partial"), exist_ok=True)
    return CACHE


@contextlib.contextmanager
def cache_locked():
    with open(os.path.join(cache(), "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sources():
    """(suite, lines of a sources.list): Debian's, as apt here knows it."""
    found = run("apt-get", "indextargets", "--format", "$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(RELEASE)|$(COMPONENT)", "Created-By: Packages")
    rows = sorted({tuple(line.split("|")) for line in found.splitlines() if line.startswith("Debian|")})
    suite = next(row[2] for row in rows if "-" not in row[2])
    return suite, ["deb %s %s %s" % (uri, release, component) for _, uri, _, release, component in rows]


def apt_options():
    """What this machine's apt is told about fetching."""
    dumped = run("apt-config", "dump").splitlines()
    return [line for line in dumped if re.match(r'Acquire::(https?::Proxy|Check-\S+) "[^"]+";$', line)]


def bootstrap():
    """The archive of the root; made when there is none, or an old one."""
    archive = os.path.join(cache(), "root.tar")
    if os.path.exists(archive) and time.time() - os.path.getmtime(archive) < WEEK:
        return archive
    suite, lines = sources()
    words = ["mmdebstrap", "--variant=apt", "--mode=root", "--format=tar", "--dpkgopt=force-unsafe-io"]
    words += ["--aptopt=" + line for line in [*apt_options(), 'APT::Install-Recommends "false";']]
    outside(*words, suite, archive + ".new", "-", input="\n".join(lines) + "\n", env=dict(os.environ, TMPDIR=MEMORY))
    os.rename(archive + ".new", archive)
    return archive


class Debian:
    """A root that is made from the archive, and goes with the memory."""

    def __init__(self, name="root"):
        self.root = os.path.join(MEMORY, name)
        os.mkdir(self.root)
        run("tar", "-x", "-C", self.root, "--numeric-owner", "-p", "-f", bootstrap())
        run("mount", "-t", "proc", "proc", self.path("/proc"))
        run("mount", "--bind", os.path.join(CACHE, "archives"), self.path("/var/cache/apt/archives"))
        shutil.copy("/etc/resolv.conf", self.path("/etc/resolv.conf"))
        shutil.copy("/etc/hosts", self.path("/etc/hosts"))

    def path(self, path):
        return self.root + path

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as text:
            return text.read()

    def there(self, *paths):
        return [path for path in paths if os.path.lexists(self.path(path))]

    def inside(self, *words, **more):
        return run("chroot", self.root, *words, env=dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8"), **more)

    def apt(self, *words):
        return outside("chroot", self.root, "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8", "apt-get", "-q", "-y",
                       "-o", "Dpkg::Use-Pty=0", *words)

    def owner(self, path):
        """(mode, user, group) by the names of the root."""
        state = os.stat(self.path(path))
        names = [next(line.split(":")[0] for line in self.read(table).splitlines() if line.split(":")[2] == str(number))
                 for table, number in (("/etc/passwd", state.st_uid), ("/etc/group", state.st_gid))]
        return "%o %s:%s" % (state.st_mode & 0o7777, *names)


# --- the package

def tree():
    """What the package is made of, as a short word; None where git is not to be asked."""
    if not os.path.exists(os.path.join(ROOT, ".git")):
        return None
    names = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    found = hashlib.sha256()
    for name in sorted(set(names)):
        path = os.path.join(ROOT, name)
        if os.path.isfile(path) and not name.startswith(("tests/", "doc/guides/")):
            with open(path, "rb") as file:
                found.update(b"%s %o %s\n" % (name.encode(), os.stat(path).st_mode, hashlib.sha256(file.read()).hexdigest().encode()))
    return found.hexdigest()[:16]


def build(folder, *versions):
    """Makes the packages, and keeps that of this version."""
    of = tree()
    environment = dict(os.environ, TMPDIR=MEMORY, DEB_BUILD_OPTIONS="nocheck noddebs parallel=%d" % (os.cpu_count() or 1))
    run(os.path.join(ROOT, "tools", "deb"), folder, *versions, env=environment)
    with cache_locked():
        for old in glob.glob(os.path.join(CACHE, "built-*")):
            shutil.rmtree(old)
        if of:
            kept = os.path.join(CACHE, "built-" + of)
            os.mkdir(kept + ".new")
            for file in glob.glob(os.path.join(folder, "ewsd_*.deb")):
                if not any(version in file for version in versions):
                    shutil.copy(file, kept + ".new")
            os.rename(kept + ".new", kept)


def package():
    """The package of what is here, built unless it is kept."""
    kept = os.path.join(cache(), "built-%s" % tree())
    found = glob.glob(os.path.join(kept, "*.deb"))
    if not found:
        folder = os.path.join(MEMORY, "packages")
        os.makedirs(folder)
        build(folder)
        found = glob.glob(os.path.join(folder, "*.deb"))
    expect(len(found), 1, "packages")
    return found[0]
