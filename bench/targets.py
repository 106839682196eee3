# SPDX-License-Identifier: LGPL-2.1-or-later
"""
The targets: the lower directory itself, what the kernel has, Penstock, and the packaged peers.

Each target has a directory of its own on the same file system, `below`, and shows it at `at`. The
peers have the options that their manuals recommend for speed if nothing else changes the tree: long
timeouts, a page cache that is kept, and all caches of their own.
"""
import os
import re
import shutil
import subprocess

import sandbox
from sandbox import Trouble, shell

MERGERFS = ("cache.files=auto-full,cache.writeback=true,cache.attr=3600,cache.entry=3600,"
            "cache.negative_entry=3600,cache.symlinks=true,cache.readdir=true,"
            "security_capability=false,category.create=ff,minfreespace=0")
TIMEOUTS = "attr_timeout=3600,entry_timeout=3600,negative_timeout=3600"

# name, kind, program (None: the kernel), command with placeholders, description.
TABLE = [
    ("lower", "lower", None, None,
     "the lower directory itself"),
    ("bind", "kernel", None, ["mount", "--bind", "{below}", "{at}"],
     "a bind mount of it"),
    ("overlayfs", "kernel", None,
     ["mount", "-t", "overlay", "-o", "lowerdir={empty},upperdir={below},workdir={side}",
      "overlay", "{at}"],
     "overlayfs, all in its upper directory"),
    ("penstock", "penstock", "penstock",
     ["{penstock}", "mount", "-o", "transport=dev,passthrough=on,cache=exclusive", "{below}",
      "{at}"],
     "Penstock, passthrough, nobody else changes the tree"),
    ("penstock-uring", "penstock", "penstock",
     ["{penstock}", "mount", "-o", "transport=uring,passthrough=on,cache=exclusive", "{below}",
      "{at}"],
     "the same, by FUSE over io_uring"),
    ("penstock-lean", "penstock", "penstock",
     ["{penstock}", "mount", "-o",
      "transport=dev,passthrough=on,cache=exclusive,xattr=off,opendir=off", "{below}", "{at}"],
     "as penstock, without extended attributes and without OPENDIR"),
    ("penstock-auto", "penstock", "penstock",
     ["{penstock}", "mount", "-o", "transport=dev,passthrough=on", "{below}", "{at}"],
     "Penstock, passthrough, attributes as by default"),
    ("penstock-off", "penstock", "penstock",
     ["{penstock}", "mount", "-o", "transport=dev,passthrough=off,cache=exclusive", "{below}",
      "{at}"],
     "Penstock without passthrough, nobody else changes the tree"),
    ("penstock-filter", "penstock", "penstock",
     ["{penstock}", "mount", "--filter", "{filter}", "-o",
      "transport=dev,passthrough=on,cache=exclusive", "{below}", "{at}"],
     "as penstock, with one filter that lets everything pass"),
    ("bindfs", "peer", "bindfs", ["bindfs", "-o", TIMEOUTS + ",kernel_cache", "{below}", "{at}"],
     "bindfs with long timeouts"),
    ("mergerfs", "peer", "mergerfs", ["mergerfs", "-o", MERGERFS, "{below}", "{at}"],
     "mergerfs of one branch, all caches on"),
    ("mergerfs-pt", "peer", "mergerfs",
     ["mergerfs", "-o", MERGERFS.replace("cache.writeback=true,", "") + ",passthrough.io=rw",
      "{below}", "{at}"],
     "the same with its passthrough, which excludes its writeback cache"),
    ("fuse-overlayfs", "peer", "fuse-overlayfs",
     ["fuse-overlayfs", "-o", "lowerdir={empty},upperdir={below},workdir={side}", "{at}"],
     "fuse-overlayfs, all in its upper directory; it caches without limit by default"),
]

NAMES = [row[0] for row in TABLE]


def version_of(program):
    """The version number that a program prints, its own before those of its libraries, or ''."""
    done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10,
                          check=False)
    said = done.stdout + done.stderr
    own = re.escape(os.path.basename(program)) + r"[^\d\n]*(\d+(\.\d+)+)"
    found = re.search(own, said) or re.search(r"(\d+(\.\d+)+)", said)
    return found.group(1) if found else ""


def number(version):
    return tuple(int(part) for part in version.split(".") if part.isdigit())


class Target:
    def __init__(self, row, penstock, filter_object):
        self.name, self.kind, self.program, self.command, self.what = row
        self.penstock = penstock
        self.filter = filter_object     # a path, or None
        self.below = self.at = None
        self.version = ""
        self.missing = self.find()      # why it cannot be measured, or ''
        self.lost = ""                  # why measuring it had to end, or ''
        self.mounted = False

    def lacks(self, figure):
        """Returns true if the options of the target switch off what the figure measures."""
        return self.name == "penstock-lean" and figure in ("setxattr", "getxattr")

    def find(self):
        if self.program is None:
            self.version = "Linux " + os.uname().release
            return ""
        path = self.penstock if self.program == "penstock" else shutil.which(self.program)
        if not path or not os.path.exists(path):
            hint = "run make first" if self.program == "penstock" else f"apt install {self.program}"
            return f"{self.program} is not there ({hint})"
        self.version = version_of(path)
        if self.name == "penstock-filter" and not self.filter:
            return "clang or libbpf's headers are not there (apt install clang libbpf-dev)"
        if self.name == "mergerfs-pt" and number(self.version) < (2, 41):
            return f"mergerfs {self.version} has no passthrough, 2.41 and newer have it"
        if self.name == "penstock-uring" and not os.path.exists(sandbox.URING):
            return "this kernel has no FUSE over io_uring"
        return ""

    def command_text(self):
        """The command as a person would type it."""
        if not self.command:
            return ""
        places = {"below": "LOWER", "at": "MOUNT", "side": "WORK", "empty": "EMPTY",
                  "penstock": "penstock", "filter": "pass.bpf.o"}
        return " ".join(word.format(**places) for word in self.command)

    def place(self, disk, work):
        """Makes the target's directories; fixtures go to self.below before the first mount."""
        base = os.path.join(disk, self.name)
        self.below = os.path.join(base, "below")
        self.side = os.path.join(base, "side")
        self.empty = os.path.join(base, "empty")
        for path in (base, self.below, self.side, self.empty):
            os.mkdir(path)
        self.at = self.below
        if self.command:
            self.at = os.path.join(work, "view", self.name)
            os.makedirs(self.at)

    def mount(self):
        if not self.command:
            return
        places = {"below": self.below, "at": self.at, "side": self.side, "empty": self.empty,
                  "penstock": self.penstock, "filter": self.filter}
        # The output goes to a file: a daemon keeps it open, so reading a pipe would never end.
        log = os.path.join(os.path.dirname(self.at), self.name + ".log")
        with open(log, "w+", encoding="utf-8", errors="replace") as file:
            command = [word.format(**places) for word in self.command]
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                                      timeout=30, cwd="/", check=False, start_new_session=True)
            except subprocess.TimeoutExpired:
                self.give_up()
                raise Trouble(f"{self.name}: the mount command does not end") from None
            if done.returncode != 0 or not self.device():
                file.seek(0)
                said = file.read().strip().splitlines() or [f"status {done.returncode}"]
                raise Trouble(f"{self.name}: cannot mount: {said[-1]}")
        self.mounted = True
        os.stat(self.at)

    def unmount(self):
        if not self.command or not self.mounted:
            return
        self.mounted = False
        try:
            shell("umount", self.at, timeout=10)
        except Trouble:
            self.give_up()

    def remount(self):
        self.unmount()
        self.mount()

    def device(self):
        """'major:minor' of the target's mount, or ''. Sends no request to its daemon."""
        with open("/proc/self/mountinfo", encoding="utf-8") as file:
            for line in file:
                fields = line.split()
                if fields[4] == self.at:
                    return fields[2]
        return ""

    def gone(self):
        """Returns true if the target has failed, and not only the operation before."""
        if self.command and not self.mounted:
            return True
        try:
            os.statvfs(self.at)     # no cache answers it
            return False
        except OSError:
            return True

    def give_up(self):
        """Aborts the connection, which frees all processes that wait for the daemon."""
        device = self.device()
        if device:
            connection = device.split(":")[1]
            abort = os.path.join(os.path.dirname(os.path.dirname(self.at)), "connections",
                                 connection, "abort")
            try:
                with open(abort, "w", encoding="ascii") as file:
                    file.write("1")
            except OSError:
                pass        # not FUSE, or gone by now
        subprocess.run(["umount", "-l", self.at], stderr=subprocess.DEVNULL, check=False)
        self.mounted = False


def choose(names, penstock, filter_object):
    """Targets by name; the lower directory is always the first, because all are compared to it."""
    unknown = [name for name in names if name not in NAMES]
    if unknown:
        raise Trouble(f"no target is called '{unknown[0]}'; there are {', '.join(NAMES)}")
    return [Target(row, penstock, filter_object) for row in TABLE
            if row[0] in names or row[0] == "lower"]
