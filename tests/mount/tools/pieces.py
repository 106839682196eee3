# SPDX-License-Identifier: LGPL-2.1-or-later
"""pieces.py VIEW-FILE TWIN PIECE STEPS SEED: makes the same random changes and reads of both files.

The twin is an ordinary file with the content that the file in the view seems to have. After each
step the results have to be equal, and at the end the content. Prints the first difference.
"""
import ctypes
import errno
import mmap
import os
import random
import sys

PUNCH, ZERO, KEEP = 2, 16, 1
libc = ctypes.CDLL(None, use_errno=True)


def fallocate(fd, mode, off, length):
    args = ctypes.c_int(fd), ctypes.c_int(mode), ctypes.c_long(off), ctypes.c_long(length)
    if libc.fallocate(*args) < 0:
        raise OSError(ctypes.get_errno(), "fallocate")


class File:
    """One of the two files, with the operations of the test."""

    def __init__(self, path):
        self.path = path
        self.fds = []
        self.reopen()

    def reopen(self, flags=os.O_RDWR):
        for fd in self.fds:
            os.close(fd)
        self.fds = [os.open(self.path, flags)]

    @property
    def fd(self):
        return self.fds[0]

    def size(self):
        return os.fstat(self.fd).st_size

    def read(self, off, length):
        return os.pread(self.fd, length, off)

    def direct(self, off, length):
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECT)
        buf = mmap.mmap(-1, (length + 4095) & ~4095)
        try:
            n = os.preadv(fd, [buf], off & ~4095)
        finally:
            os.close(fd)
        return buf[:n]

    def mapped(self, off, length):
        if not self.size():
            return b""
        with mmap.mmap(self.fd, 0, prot=mmap.PROT_READ) as m:
            return m[off : off + length]

    def send(self, off, length):
        r, w = os.pipe()
        n = os.sendfile(w, self.fd, off, min(length, 65536)) if length else 0
        data = os.read(r, n) if n else b""
        os.close(r)
        os.close(w)
        return data

    def write(self, off, data):
        return os.pwrite(self.fd, data, off)

    def append(self, data):
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        try:
            return os.write(fd, data)
        finally:
            os.close(fd)

    def poke(self, off, data):
        size = self.size()
        if off + len(data) > size:
            return None
        with mmap.mmap(self.fd, 0) as m:
            m[off : off + len(data)] = data
            m.flush()
        return None

    def truncate(self, size):
        os.truncate(self.path, size)

    def allocate(self, mode, off, length):
        fallocate(self.fd, mode, off, length)

    def copy(self, src, dst, length):
        left = length
        while left:
            n = os.copy_file_range(self.fd, self.fd, left, src, dst)
            if not n:
                break
            src, dst, left = src + n, dst + n, left - n
        return length - left

    def holes_are_zeros(self):
        """Every byte outside of the data that SEEK_DATA and SEEK_HOLE find has to be 0."""
        at, size = 0, self.size()
        while at < size:
            try:
                data = os.lseek(self.fd, at, os.SEEK_DATA)
            except OSError as e:
                assert e.errno == errno.ENXIO, e
                data = size
            assert not any(os.pread(self.fd, data - at, at)), ("hole", at, data)
            if data == size:
                break
            at = os.lseek(self.fd, data, os.SEEK_HOLE)
            assert data < at <= size, (data, at, size)
        return True


def step(rand, size, piece):
    """Returns the name and the arguments of an operation."""

    def place(aligned=0.4):
        off = rand.randrange(size + piece // 2) if size else 0
        return off // piece * piece if rand.random() < aligned else off

    def length(aligned=0.4):
        if rand.random() < aligned:
            return rand.randrange(1, 4) * piece
        return rand.choice((1, 100, 4096, piece // 2, piece + 1, 2 * piece))

    what = rand.choice(OPERATIONS)
    if what in ("read", "direct", "mapped", "send"):
        return what, (place(), length())
    if what in ("write", "poke"):
        n = min(length(), 3 * piece)
        return what, (place(), rand.randbytes(n))
    if what == "append":
        return what, (rand.randbytes(rand.choice((1, 5000))),)
    if what == "truncate":
        return what, (rand.choice((max(size - rand.randrange(1, 2 * piece), 1), size + 7000)),)
    if what == "allocate":
        mode = rand.choice((0, KEEP, PUNCH | KEEP, ZERO, ZERO | KEEP))
        return what, (mode, place(), length())
    if what == "copy":
        n = length()
        src, dst = place(), place()
        return what, (src, dst, min(n, abs(src - dst)))
    return what, ()


OPERATIONS = (
    ["read"] * 4
    + ["direct", "mapped", "send", "write", "write", "write", "append", "poke", "truncate"]
    + ["allocate", "allocate", "copy", "holes_are_zeros", "reopen", "size"]
)


def result(file, what, args):
    try:
        return getattr(file, what)(*args)
    except OSError as e:
        return e.errno


def main():
    view, twin = File(sys.argv[1]), File(sys.argv[2])
    piece, steps, seed = map(int, sys.argv[3:])
    rand = random.Random(seed)
    for n in range(steps):
        what, args = step(rand, twin.size(), piece)
        a, b = result(view, what, args), result(twin, what, args)
        if what == "holes_are_zeros":
            b = True
        if a != b:
            short = [x if isinstance(x, int) else len(x) for x in args]
            if isinstance(a, bytes) and isinstance(b, bytes):
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                a, b = (len(a), at, a[at : at + 8]), (len(b), at, b[at : at + 8])
            sys.exit(f"seed {seed}, step {n}: {what}{short}: {a}, twin {b}")
    assert open(view.path, "rb").read() == open(twin.path, "rb").read(), "content at the end"
    print("right")


main()
