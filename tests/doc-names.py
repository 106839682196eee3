#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""doc-names.py ROOT: tests, files and functions that docs/ and tests/mount/modes* name exist.

A page names a file of tests as `42-external-changes`, a case of the mount tests as
`42.frozen_lower_can_be_looked_at` (or with the whole name of the file), a file as `fs/attr.c` or
`src/fs/attr.c`, and a function of src/ as `req_serve()`, the last two in backticks. Prints a line
for each name that does not exist and ends with status 1 then."""
import glob
import os
import re
import sys

TOPS = '.', 'src'
CASE = re.compile(r'\b(\d\d(?:-[a-z-]+)?)\.(?!sh\b|md\b|c\b)([a-z]\w+)')
FILE = re.compile(r'(?<![\w-])(\d\d-[a-z][a-z-]+)\b')
# Names in docs/hacking.md of files and functions that a reader would write.
INVENTED = re.compile(r'touch|NAME')
CASE_FUNCTION = re.compile(r'^(?:each|once|slow)_(\w+)\(\)', re.MULTILINE)
PATH = re.compile(r'`((\w+)/(?:[\w.-]+/)*[\w.-]+\.[a-z]+)`')
FUNCTION = re.compile(r'`(\w+)\(\)`')


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def cases(root):
    """Pairs of a file's number or name, and a case."""
    found = set()
    for path in glob.glob(os.path.join(root, 'tests/mount/[0-9]*.sh')):
        name = os.path.basename(path)[:-len('.sh')]
        for case in CASE_FUNCTION.findall(read(path)):
            found |= {(name, case), (name[:2], case)}
    return found


def files(root):
    """Names of the files of mount and engine tests, without their endings."""
    return {os.path.basename(path).rsplit('.', 1)[0]
            for path in glob.glob(os.path.join(root, 'tests/*/[0-9][0-9]-*'))}


def code(root, *folders):
    """All words of C code in these folders that are called or defined as functions."""
    paths = [path for folder in folders
             for path in glob.glob(os.path.join(root, folder, '**/*.[ch]'), recursive=True)]
    return {word for path in paths for word in re.findall(r'\b(\w+)\(', read(path))}


def main():
    root = sys.argv[1]
    known_files, known_cases = files(root), cases(root)
    known_code, test_code = code(root, 'src', 'include', 'bench'), code(root, 'tests')
    missing = []
    pages = sorted(glob.glob(os.path.join(root, 'docs/**/*.md'), recursive=True))
    for path in [*pages, *glob.glob(os.path.join(root, 'tests/mount/modes*'))]:
        page, text = os.path.relpath(path, root), read(path)
        missing += [f'{page}: tests/mount has no case {file}.{case}'
                    for file, case in CASE.findall(text) if (file, case) not in known_cases]
        missing += [f'{page}: tests has no file {file}'
                    for file in FILE.findall(text) if file not in known_files]
        missing += [f'{page}: there is no file {file}' for file, folder in PATH.findall(text)
                    if any(os.path.isdir(os.path.join(root, top, folder)) for top in TOPS)
                    and not any(os.path.exists(os.path.join(root, top, file)) for top in TOPS)
                    and not INVENTED.search(file)]
        # This page also names functions of the tests.
        known = known_code | test_code if page == 'docs/hacking.md' else known_code
        missing += [f'{page}: there is no function {name}()' for name in FUNCTION.findall(text)
                    if name not in known and not INVENTED.search(name)]
    print('\n'.join(missing))
    return 1 if missing else 0


sys.exit(main())
