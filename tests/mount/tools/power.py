#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Power failures of a lower file system.

power.py cut DIR
    stops the file system of DIR: what is not on its disk is lost
power.py write DIR PIECE
    writes to the files "all" and "part" in DIR with O_DSYNC, all bytes and some bytes of one piece
    after the other, until an error; prints how many writes have returned
power.py check DIR PIECE N
    checks that N writes are there, and between them the bytes at offset n: 'a' + n % 23
"""
import fcntl
import os
import struct
import sys
import time

SHUTDOWN, NO_LOG_FLUSH = 0x8004587D, 2
PARTS = 100, 200  # bytes of a piece that are written


def cut(path):
    fcntl.ioctl(os.open(path, os.O_RDONLY), SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))


def write(path, piece):
    n = 0
    try:
        fds = [os.open(path + name, os.O_RDWR | os.O_DSYNC) for name in ("/all", "/part")]
        while os.fstat(fds[0]).st_size >= (n + 1) * piece:
            os.pwrite(fds[0], b"X" * piece, n * piece)
            os.pwrite(fds[1], b"X" * (PARTS[1] - PARTS[0]), n * piece + PARTS[0])
            n += 1
            time.sleep(0.05)
    except OSError:
        pass
    print(n)


def check(path, piece, n):
    for name, parts in (("/all", (0, piece)), ("/part", PARTS)):
        got = open(path + name, "rb").read()
        want = bytearray(97 + i % 23 for i in range(len(got)))
        for i in range(n):
            want[i * piece + parts[0]:i * piece + parts[1]] = b"X" * (parts[1] - parts[0])
        # The next write has not returned.
        for begin, end in ((0, n * piece), ((n + 1) * piece, len(got))):
            for i in range(begin, end, piece):
                assert got[i:i + piece] == want[i:i + piece], (name, n, i)


if sys.argv[1] == "cut":
    cut(sys.argv[2])
elif sys.argv[1] == "write":
    write(sys.argv[2], int(sys.argv[3]))
else:
    check(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
