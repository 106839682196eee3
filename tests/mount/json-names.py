#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Names that a parser of JSON or a terminal could stumble over.

json-names.py make DIR          makes a file of each such name
json-names.py deep DIR          makes a file "leaf" whose path in DIR is longer than PATH_MAX
json-names.py check FILE [KEY]  every line of FILE is JSON and UTF-8; with KEY, its values end in
                                the names when the form that penstock(1) describes is taken back
json-names.py plain FILE        FILE has no byte that a terminal takes for a command, and is UTF-8
"""
import json
import os
import re
import sys

NAMES = [b'a%cz' % byte for byte in range(1, 256) if byte != ord('/')] + [
    b'\xff\xfe', b'\xc3(', b'\xed\xa0\x80', b'\xed\xbf\xbf', b'\xed\xa0\xbd\xed\xb8\x80',
    b'\xc0\xaf', b'\xc1\xbf', b'\xe0\x80\x80', b'\xe0\x9f\xbf', b'\xf0\x80\x80\x80',
    b'\xf0\x8f\xbf\xbf', b'\xf4\x90\x80\x80', b'\xf5\x80\x80\x80', b'\xfe', b'end\xc3',
    b'end\xe2\x82', b'end\xf0\x9f\x98', b'\x80\x80', 'ä€😀'.encode(), '\u2028\ufeff\uffff'.encode(),
    b'\xc2\x9b2J', b'\x1b]0;title\x07\x1b[2J', b'new\nline', b'quote"quote', b"it's", b'\\',
    b'\\\\', b'\\x41', b'\\\\x41', b'\\x', b'\\xzz', b'\\\xff', b'\\x5cx41', b'\\u0041', b'%41',
    b'{"a":1}', b'\xff' * 255, b'"' * 255, b'\\x' * 127, '€'.encode() * 85,
]


def make(top):
    for name in NAMES:
        os.close(os.open(os.path.join(os.fsencode(top), name), os.O_WRONLY | os.O_CREAT, 0o644))


def deep(top):
    fd = os.open(top, os.O_PATH)
    for _ in range(40):
        os.mkdir('d' * 200, dir_fd=fd)
        below = os.open('d' * 200, os.O_PATH, dir_fd=fd)
        os.close(fd)
        fd = below
    os.close(os.open('leaf', os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=fd))


def take_back(text):
    """The bytes that a text of the form in penstock(1) stands for."""
    return re.sub(rb'\\x([0-9a-f]{2})', lambda m: bytes([int(m[1], 16)]), text.encode())


def check(file, key=None):
    seen = set()
    for number, line in enumerate(open(file, 'rb')):
        try:
            value = json.loads(line.decode('utf-8'))
        except ValueError as error:
            sys.exit('line %d: %s: %r' % (number, error, line[:200]))
        if key and key in value:
            seen.add(take_back(value[key]).rsplit(b'/', 1)[-1])
    missing = [name for name in NAMES if name not in seen]
    if key and missing:
        sys.exit('%d names are missing or changed, the first: %r' % (len(missing), missing[0]))


def plain(file):
    text = open(file, 'rb').read()
    bad = re.search(r'[\x00-\x09\x0b-\x1f\x7f-\x9f]', text.decode('utf-8'))
    if bad:
        sys.exit('%r is printed as it is' % bad[0])


{'make': make, 'deep': deep, 'check': check, 'plain': plain}[sys.argv[1]](*sys.argv[2:])
