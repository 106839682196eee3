#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""style.py [ROOT]: checks the rules of docs/style.md that a script can check.

Prints a line for each violation and ends with status 1 where there is one. Before that the check
has to find violations that are planted in a tree of its own. With the word "count" as ROOT it
prints the present numbers for KNOWN_WIDE and KNOWN_RIDDLES."""
import collections
import os
import re
import sys
import tempfile

from prose import sentences

MAX_FILE = 500      # lines of a file in src
MAX_FUNCTION = 60   # lines of a function in src, from its name to its closing brace
MAX_COLUMNS = 100   # of a line; tabs are eight columns wide

# Lines wider than MAX_COLUMNS, and sentences that open as a riddle, that each folder had when its
# limit was set. Folders that are not named have none. These numbers only fall: `style.py count`
# prints the present ones.
KNOWN_WIDE = {'docs': 17, 'tests/kernels': 40}
KNOWN_RIDDLES = {}

# Folders without text of ours: results of builds, texts of licences, inputs of fuzzers.
SKIPPED_FOLDERS = re.compile(r'\.git$|build|LICENSES$|corpus$|__pycache__$')
SKIPPED_FILES = ('LICENSE', '.git')

SPDX = 'SPDX-License-Identifier: '
BLOCK_SPDX = re.compile(rf'/\* {SPDX}(.+) \*/$')
LINE_SPDX = re.compile(f'// {SPDX}(.+)')
C_SPDX = {'.c': LINE_SPDX, '.cc': LINE_SPDX, '.h': BLOCK_SPDX, '.sym': BLOCK_SPDX}
HASH_SPDX = re.compile(f'# {SPDX}(.+)')
# Files without an SPDX line: their format has no place for it, or users copy them.
NO_SPDX = re.compile(r'.*\.(md|scd)|\.gitignore|share/filter-new/.*')

INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)')
NOT_CMP = re.compile(r'!\s*(str|mem)n?(case)?cmp\(')
# The shell expands the words once, before it looks for the first time.
FIXED_WORDS = re.compile(r'\bwithin \S+ (test|\[) [^|]*\$\(')
FUNCTION = re.compile(r'[a-z_].*\(')
# A sentence with one of these words as its subject names nothing that a reader can look for.
RIDDLE = re.compile(r'(What|Whatever|Who|Whoever|Whose|Whether|That|Where|Wherever|Of|Likewise)\b')


def area_of(path):
    """Returns the folder that KNOWN_WIDE and KNOWN_RIDDLES count a file for."""
    words = path.split('/')
    depth = 2 if words[0] in ('src', 'tests') else 1
    return '/'.join(words[:-1][:depth]) or '.'


def check_own_header(root, path, lines):
    """The own header comes first: so each header is compiled once without another before it."""
    includes = [match.groups() for match in map(INCLUDE.match, lines) if match]
    header = os.path.relpath(path, 'src')[:-2] + '.h'
    if os.path.exists(os.path.join(root, 'src', header)):
        if includes and includes[0] != ('"', header):
            yield f'{path}: the first include is not "{header}"'
    elif includes and includes[0][0] == '<' and '"' in (quote for quote, name in includes):
        yield f'{path}: headers of this tree come before those of the system'


def check_functions(path, lines):
    start = None
    for number, line in enumerate(lines, 1):
        if FUNCTION.match(line) and not line.endswith(';'):
            start = start or number
        elif line.endswith(';') and not line.startswith(('\t', ' ', '{')):
            start = None
        elif line == '}' and start:
            if number - start + 1 > MAX_FUNCTION:
                yield (f'{path}:{start}: a function of {number - start + 1} lines, '
                       f'{MAX_FUNCTION} are allowed')
            start = None


def check_spdx(root, path, lines):
    """The first line, or the second after "#!", names licences whose text is in LICENSES."""
    if NO_SPDX.fullmatch(path):
        return
    first = lines[1:2] if lines and lines[0].startswith('#!') else lines[:1]
    match = C_SPDX.get(os.path.splitext(path)[1], HASH_SPDX).match(first[0] if first else '')
    if not match:
        yield f'{path}:1: no SPDX line: // in a .c file, /* */ in .h and .sym, # elsewhere'
        return
    for name in re.sub(r' (OR|AND|WITH) ', ' ', match.group(1)).split():
        if not os.path.exists(os.path.join(root, 'LICENSES', name + '.txt')):
            yield f'{path}:1: LICENSES has no text of {name}'


def check_code(root, path, lines):
    """The rules for C."""
    for number, line in enumerate(lines, 1):
        if NOT_CMP.search(line):
            yield f'{path}:{number}: write cmp(...) == 0 instead of !cmp(...)'
    if not path.startswith('src/'):
        return
    for number, line in enumerate(lines, 1):
        if line.startswith('enum {'):
            yield f'{path}:{number}: an enum without a name: single constants are #define'
    if len(lines) > MAX_FILE:
        yield f'{path}: {len(lines)} lines, {MAX_FILE} are allowed'
    if path.endswith('.c'):
        yield from check_own_header(root, path, lines)
    yield from check_functions(path, lines)


def wide_lines(path, lines):
    """Rows of a table of Markdown cannot be broken."""
    for number, line in enumerate(lines, 1):
        columns = len(line.expandtabs(8))
        if columns > MAX_COLUMNS and not (path.endswith('.md') and line.startswith('|')):
            yield f'{path}:{number}: {columns} columns, {MAX_COLUMNS} are allowed'


def riddles(path, text):
    for number, sentence in sentences(path, text):
        if RIDDLE.match(sentence) and not sentence.endswith('?'):
            yield f'{path}:{number}: say who or which: "{sentence[:60]}"'


def files_of(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not SKIPPED_FOLDERS.match(name))
        for name in sorted(names):
            path = os.path.relpath(os.path.join(folder, name), root)
            if name not in SKIPPED_FILES and not path.endswith(('.json', '.svg', '.pyc', '.log')):
                yield path


def check(root, counts):
    """Yields all violations but those that are counted: these go to COUNTS, [kind][area]."""
    for path in files_of(root):
        with open(os.path.join(root, path), encoding='utf-8', errors='replace') as file:
            text = file.read()
        if '\0' in text:
            continue
        lines = text.split('\n')[:-1]
        yield from check_spdx(root, path, lines)
        if path.endswith(('.c', '.h')):
            yield from check_code(root, path, lines)
        if path.startswith('tests/mount/'):
            yield from (f'{path}:{number}: the command in $() runs once: take "becomes"'
                        for number, line in enumerate(lines, 1) if FIXED_WORDS.search(line))
        counts['wide'][area_of(path)] += wide_lines(path, lines)
        counts['riddles'][area_of(path)] += riddles(path, text)


def check_all(root, known):
    """Yields all violations, those that are counted only where KNOWN[kind][area] allows fewer."""
    counts = {kind: collections.defaultdict(list) for kind in known}
    yield from check(root, counts)
    for kind, areas in counts.items():
        for area, found in areas.items():
            allowed = known[kind].get(area, 0)
            if len(found) > allowed:
                yield from found
                yield f'{area}: {len(found)} {kind}, {allowed} are allowed'


def plant(path, text, want):
    """The one file of a tree has to be judged so."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in (('src/fs/own.h', f'/* {SPDX}x */\n'), ('LICENSES/x.txt', ''),
                              (path, text)):
            os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(root, name), 'w', encoding='utf-8') as file:
                file.write(content)
        found = list(check_all(root, {'wide': {}, 'riddles': {}}))
    if bool(found) != want:
        sys.exit(f'style.py is broken: {path} with {text!r} gives {found}')


def plant_code():
    c, h = f'// {SPDX}x\n', f'/* {SPDX}x */\n'
    plant('tests/a.c', c + '\treturn !strncmp(a, b, 2);\n', True)
    plant('tests/a.c', c + '\treturn strncmp(a, b, 2) == 0;\n', False)
    plant('src/a.h', h + 'enum {\n\tA = 1\n};\n', True)
    plant('src/a.h', h + 'enum a {\n\tA = 1\n};\n', False)
    plant('src/fs/own.c', c + '#include <stdio.h>\n#include "fs/own.h"\n', True)
    plant('src/fs/own.c', c + '#include "fs/own.h"\n#include <stdio.h>\n', False)
    plant('src/fs/a.c', c + '#include <stdio.h>\n#include "fs/own.h"\n', True)
    plant('src/fs/a.c', c + '#include "fs/own.h"\n#include <stdio.h>\n', False)
    plant('src/fs/a.c', c + '#include <stdio.h>\n', False)
    plant('src/a.c', c + '\n' * MAX_FILE, True)
    plant('src/a.c', c + '\n' * (MAX_FILE - 1), False)
    body = '{\n' + '\tx;\n' * (MAX_FUNCTION - 3) + '}\n'
    plant('src/a.c', c + 'int f(int a,\n      int b)\n' + body, True)
    plant('src/a.c', c + 'int f(void);\nint f(void)\n' + body, False)


def plant_text():
    c, h, script = f'// {SPDX}x\n', f'/* {SPDX}x */\n', f'# {SPDX}x\n'
    for path, line in (('src/a.c', c), ('src/a.h', h), ('a.sh', script),
                       ('a.sh', '#!/bin/sh\n' + script), ('a/meson.build', script),
                       ('a.py', script), ('Makefile', script)):
        plant(path, line, False)
        plant(path, line.replace(' x', ' unknown'), True)
        plant(path, '\n' + line, True)
    plant('src/a.c', h, True)
    plant('src/a.h', c, True)
    plant('a.c', f'// {SPDX}x OR x\n', False)
    plant('a.md', 'Text.\n', False)
    for path, start in (('src/below/a.c', c), ('tests/run', script), ('docs/a.md', '')):
        plant(path, start + '#' * 4 + '\t' * 11 + ' ' * 8 + 'abcde\n', True)
        plant(path, start + '#' * 4 + '\t' * 11 + ' ' * 8 + 'abcd\n', False)
    plant('a.md', '| ' + 'word ' * 30 + '|\n', False)
    for text, want in (('Whether it is there.', True), ('Does it. Where not, that.', True),
                       ('Does it,\nWhat comes', False), ('Is it? Who asks?', False),
                       ('Does it.\n@ Likewise.', True), ('whether it is there', False),
                       ('Of these\n@ it takes one.', True), ('Office hours. Thatch.', False)):
        for path, start, mark in (('a.c', c + '\tint a; ', '//'), ('a.h', h, ' *'),
                                  ('a.sh', script, '#'), ('a.sh', script + 'x=1  ', '#'),
                                  ('a.py', script, '#'),
                                  ('meson.build', script + '\n', '#'), ('a.bpf.c', c + '\n', '//'),
                                  ('a.md', '', ''), ('a.scd', '; ', ''), ('a.1.scd', '', ''),
                                  ('a.1.scd', '\t', '\t')):
            lines = text.replace('@', mark).replace('\nWhat', f'\n{mark} what').strip()
            comment = f'/* {lines} */' if path == 'a.h' else f'{mark} {lines}'.lstrip()
            plant(path, start + comment + '\n', want)
    for path, start in (('a.c', c), ('a.h', h)):
        plant(path, start + 'const char *a = "/* What it is */ // Who";\n', False)
    plant('tests/mount/a.sh', script + 'within 5 test "$(counter READ)" = 0\n', True)
    plant('tests/mount/a.sh', script + 'becomes 0 counter READ\n', False)
    plant('a.py', script + '"""Does it.\n\nWhat it is."""\n', True)
    plant('a.md', '# Where to look\n\n    What = 1\n\n```\nWhat = 1\n```\n', False)
    plant('a.md', '* What is known.\n', True)
    plant('a.md', '| a cell | Where it is so. |\n', True)
    plant('a.1.scd', '```\n\tWhat = 1\n```\n', False)


def main():
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')
    if sys.argv[1:] == ['count']:
        counts = {kind: collections.defaultdict(list) for kind in ('wide', 'riddles')}
        list(check(root, counts))
        for kind, areas in counts.items():
            print(kind, {area: len(found) for area, found in sorted(areas.items()) if found})
        return 0
    plant_code()
    plant_text()
    violations = list(check_all(sys.argv[1] if len(sys.argv) > 1 else root,
                                {'wide': KNOWN_WIDE, 'riddles': KNOWN_RIDDLES}))
    print('\n'.join(violations))
    return 1 if violations else 0


sys.exit(main())
