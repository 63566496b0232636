"""Killing a server just before the N-th of its effects (writes, syncs, sends):
building kill_at.c and loading it into the program under test."""

import os
import subprocess

import harness

HERE = os.path.dirname(os.path.abspath(__file__))


def build_library(folder):
    path = os.path.join(folder, "kill_at.so")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", path, os.path.join(HERE, "kill_at.c")], check=True)
    return path


def preload(library):
    """The sanitizer's runtime must come first; its wrappers then call ours."""
    linked = subprocess.run(["ldd", harness.binary()], stdout=subprocess.PIPE, text=True, check=True).stdout
    runtimes = [line.split()[2] for line in linked.splitlines() if "libasan" in line]
    return " ".join(runtimes + [library])


def environment(library, trigger):
    """trigger: the file that arms it by holding N; it may come later."""
    return {"LD_PRELOAD": preload(library), "KILL_AT_FILE": trigger}


def arm(trigger, number):
    with open(trigger + ".new", "w") as out:
        out.write(str(number))
    os.rename(trigger + ".new", trigger)
