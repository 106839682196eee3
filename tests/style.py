#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""style.py [ROOT]: checks the rules of docs/style.md that a script can check.

Prints a line for each violation and ends with status 1 where there is one. Before that the check has
to find violations that are planted in a tree of its own."""
import os
import re
import sys
import tempfile

MAX_FILE = 500      # lines of a file in src
MAX_FUNCTION = 60   # lines of a function in src, from its name to its closing brace
MAX_COLUMNS = 100   # of a line in the folders of KNOWN_WIDE; tabs are eight columns wide

# Each folder had so many wider lines when its limit was set. These numbers only fall.
KNOWN_WIDE = {'src': 0, 'include': 77, 'filters': 23, 'tests': 222}

SPDX = {
    '.c': re.compile(r'// SPDX-License-Identifier: .'),
    '.h': re.compile(r'/\* SPDX-License-Identifier: .* \*/$'),
}
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)')
NOT_CMP = re.compile(r'!\s*(str|mem)n?(case)?cmp\(')
FUNCTION = re.compile(r'[a-z_].*\(')


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
                yield f'{path}:{start}: a function of {number - start + 1} lines, {MAX_FUNCTION} are allowed'
            start = None


def check_file(root, path, wide):
    with open(os.path.join(root, path), encoding='utf-8') as file:
        lines = file.read().split('\n')[:-1]
    kind = os.path.splitext(path)[1]
    if not SPDX[kind].match(lines[0] if lines else ''):
        yield f'{path}:1: no SPDX line: // in a .c file, /* */ in a .h file'
    for number, line in enumerate(lines, 1):
        if NOT_CMP.search(line):
            yield f'{path}:{number}: write cmp(...) == 0 instead of !cmp(...)'
        if len(line.expandtabs(8)) > MAX_COLUMNS:
            wide.append(f'{path}:{number}: {len(line.expandtabs(8))} columns')
    if not path.startswith('src/'):
        return
    for number, line in enumerate(lines, 1):
        if line.startswith('enum {'):
            yield f'{path}:{number}: an enum without a name: single constants are #define'
    if len(lines) > MAX_FILE:
        yield f'{path}: {len(lines)} lines, {MAX_FILE} are allowed'
    if kind == '.c':
        yield from check_own_header(root, path, lines)
    yield from check_functions(path, lines)


def check(root, known_wide):
    """Yields all violations."""
    for top in ('src', 'include', 'examples', 'filters', 'tests', 'bench', 'share'):
        wide = []
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders.sort()
            for name in sorted(names):
                if name.endswith(('.c', '.h')):
                    path = os.path.relpath(os.path.join(folder, name), root)
                    yield from check_file(root, path, wide)
        if top in known_wide and len(wide) > known_wide[top]:
            yield from wide
            yield f'{top}: {len(wide)} wide lines, {known_wide[top]} are allowed'


def plant(path, text, want):
    """The one file of a tree has to be judged so."""
    with tempfile.TemporaryDirectory() as root:
        for name, content in (('src/fs/own.h', '/* SPDX-License-Identifier: x */\n'), (path, text)):
            os.makedirs(os.path.join(root, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(root, name), 'w', encoding='utf-8') as file:
                file.write(content)
        found = list(check(root, dict.fromkeys(KNOWN_WIDE, 0)))
    if bool(found) != want:
        sys.exit(f'style.py is broken: {path} with {text!r} gives {found}')


def plant_all():
    c, h = '// SPDX-License-Identifier: x\n', '/* SPDX-License-Identifier: x */\n'
    plant('src/a.c', h, True)
    plant('src/a.h', c, True)
    plant('src/a.c', c, False)
    plant('src/a.h', h, False)
    plant('tests/a.c', c + '\treturn !strncmp(a, b, 2);\n', True)
    plant('tests/a.c', c + '\treturn strncmp(a, b, 2) == 0;\n', False)
    plant('src/a.h', h + 'enum {\n\tA = 1\n};\n', True)
    plant('src/a.h', h + 'enum a {\n\tA = 1\n};\n', False)
    plant('src/fs/own.c', c + '#include <stdio.h>\n#include "fs/own.h"\n', True)
    plant('src/fs/own.c', c + '#include "fs/own.h"\n#include <stdio.h>\n', False)
    plant('src/fs/a.c', c + '#include <stdio.h>\n#include "fs/own.h"\n', True)
    plant('src/fs/a.c', c + '#include "fs/own.h"\n#include <stdio.h>\n', False)
    plant('src/fs/a.c', c + '#include <stdio.h>\n', False)
    for top in KNOWN_WIDE:
        plant(f'{top}/below/a.c', c + '\t' * 12 + 'abcde\n', True)
        plant(f'{top}/below/a.c', c + '\t' * 12 + 'abcd\n', False)
    plant('src/a.c', c + '\n' * MAX_FILE, True)
    plant('src/a.c', c + '\n' * (MAX_FILE - 1), False)
    plant('src/a.c', c + 'int f(int a,\n      int b)\n{\n' + '\tx;\n' * (MAX_FUNCTION - 3) + '}\n', True)
    plant('src/a.c', c + 'int f(void);\nint f(void)\n{\n' + '\tx;\n' * (MAX_FUNCTION - 3) + '}\n', False)


def main():
    plant_all()
    violations = list(check(sys.argv[1] if len(sys.argv) > 1 else
                            os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'), KNOWN_WIDE))
    print('\n'.join(violations))
    return 1 if violations else 0


sys.exit(main())
