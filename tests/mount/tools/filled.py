#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""filled.py LOWER TREE [crashed]: compares what is recorded as filled with the whole tree.

For each line of input, looks at all files of LOWER without a mark, those whose fill has ended, and
the pieces that are recorded, and prints "right" if they have the bytes of TREE, and if directories
without a mark have all names. After a crash of the file system, what was not on the disk yet does
not count. Ends with an error at the first difference.
"""
import os
import struct
import sys

lower, tree = sys.argv[1:3]
crashed = len(sys.argv) > 3
MARK, FILLING, FILLED = ("trusted.penstock." + name for name in ("hollow", "filling", "filled"))
HEAD = 48  # size, times, shift of struct hollow_pieces


def content(path):
    with open(path, "rb") as file:
        return file.read()


def pieces(record):
    """Yields begin and end of each piece that a record has as there."""
    if len(record) < HEAD:
        return
    length, shift = struct.unpack_from("<Q32xB", record)
    n = ((length - 1 >> shift) // 8 + 1) if length else 0
    there, fresh = record[HEAD:HEAD + n], record[HEAD + n:HEAD + 2 * n]
    for i in range(8 * n):
        bits = there[i // 8] | (fresh[i // 8] if fresh and not crashed else 0)
        if bits >> i % 8 & 1:
            yield i << shift, min(i + 1 << shift, length)


def check_file(got, want):
    marks = os.listxattr(got)
    assert os.stat(got).st_size == os.stat(want).st_size, got
    # A file that was filled has the mark until its content is on the disk.
    if MARK not in marks or (FILLED in marks and not crashed):
        assert content(got) == content(want), got
    elif FILLING in marks:
        for begin, end in pieces(os.getxattr(got, FILLING)):
            assert content(got)[begin:end] == content(want)[begin:end], (got, begin, end)


for _ in sys.stdin:
    for at, dirs, files in os.walk(lower):
        rel = os.path.relpath(at, lower)
        if MARK in os.listxattr(at):
            dirs.clear()  # nobody has seen the names of a hollow directory
            continue
        names = set(os.listdir(os.path.join(tree, rel)))
        assert set(dirs + files) == names, (rel, names ^ set(dirs + files))
        for name in files:
            check_file(os.path.join(at, name), os.path.join(tree, rel, name))
    print("right")
