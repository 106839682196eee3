# SPDX-License-Identifier: LGPL-2.1-or-later
"""unnamed.py DIR [SECONDS]: removes the last names of files of every kind that are in use.

Makes the files in DIR, uses them, removes their names in every way, waits, and tries each operation
on each file. Prints a line for each kind and way, which a test compares with those of another
directory. With SECONDS it waits so long and drops the caches of the machine.
"""
import ctypes
import os
import socket
import stat
import sys
import time

LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_EXCHANGE = 2
DIRS = "open-dir", "path-dir"


def make(kind, name):
    if kind == "file":
        with open(name, "w") as f:
            f.write("text")
    elif kind == "pipe":
        os.mkfifo(name)
    elif kind == "device":
        os.mknod(name, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    elif kind == "link":
        os.symlink("else", name)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(name)
    else:
        os.mkdir(name)


def use(kind, name):
    flags = {
        "pipe": os.O_RDWR | os.O_NONBLOCK,
        "device": os.O_RDWR,
        "open-dir": os.O_RDONLY | os.O_DIRECTORY,
    }
    return os.open(name, flags.get(kind, os.O_PATH | os.O_NOFOLLOW))


def exchange(a, b):
    if LIBC.renameat2(-100, a.encode(), -100, b.encode(), RENAME_EXCHANGE) < 0:
        raise OSError(ctypes.get_errno(), "renameat2")


def lose(way, kind, name):
    remove = os.rmdir if kind in DIRS else os.unlink
    other = name + "-other"
    if way == "removed":
        remove(name)
    elif way == "replaced":
        make(kind if kind in DIRS else "file", other)
        os.rename(other, name)
    elif way == "moved":
        os.rename(name, other)
        remove(other)
    elif way == "exchanged":
        make("file", other)
        exchange(name, other)
        remove(other)
    elif way == "two-names":
        os.link(name, other, follow_symlinks=False)
        os.unlink(name)
        os.unlink(other)


def tried(call):
    try:
        return call()
    except OSError as e:
        return os.strerror(e.errno)


def read(path):
    with open(path) as f:
        return f.read()


def append(path):
    with open(path, "a") as f:
        return f.write("more")


def enter(fd):
    """Makes the directory the working directory; returns its link count and its names."""
    back = os.open(".", os.O_PATH)
    os.fchdir(fd)
    said = tried(lambda: os.stat(".").st_nlink), tried(lambda: os.listdir("."))
    os.fchdir(back)
    os.close(back)
    return said


def state(kind, fd):
    path = "/proc/self/fd/%d" % fd
    calls = [lambda: os.fstat(fd).st_nlink, lambda: oct(os.fstat(fd).st_mode)]
    if kind == "link":
        calls += [lambda: os.readlink("", dir_fd=fd)]
    else:
        calls += [
            lambda: os.chmod(path, 0o740),
            lambda: oct(os.stat(path).st_mode),
            lambda: os.utime(path, (1, 2)),
            lambda: os.stat(path).st_mtime,
        ]
    if kind == "file":
        calls += [lambda: read(path), lambda: append(path), lambda: read(path)]
    if kind in ("pipe", "device"):
        calls += [lambda: os.write(fd, b"x"), lambda: os.read(fd, 5)]
    if kind in DIRS:
        calls += [
            lambda: os.listdir(path),
            lambda: enter(fd),
            lambda: os.mkdir("new", dir_fd=fd),
        ]
    return [tried(c) for c in calls]


def main():
    os.chdir(sys.argv[1])
    used = []
    kinds = ["file", "pipe", "link", "socket", *DIRS]
    if os.getuid() == 0:
        kinds.append("device")
    for kind in kinds:
        for way in "removed", "replaced", "moved", "exchanged", "two-names":
            if kind in DIRS and way == "two-names":
                continue
            name = kind + "-" + way
            make(kind, name)
            used.append((kind, way, use(kind, name)))
            lose(way, kind, name)
    tmp = os.open(".", os.O_TMPFILE | os.O_RDWR)
    used.append(("file", "made-without", os.open("/proc/self/fd/%d" % tmp, os.O_PATH)))
    os.close(tmp)
    if len(sys.argv) > 2:
        time.sleep(float(sys.argv[2]))
        os.sync()
        try:
            with open("/proc/sys/vm/drop_caches", "w") as f:
                f.write("2")
        except PermissionError:
            pass
    for kind, way, fd in used:
        print(kind, way, *state(kind, fd))


main()
