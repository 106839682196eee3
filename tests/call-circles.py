#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""call-circles.py ARCHIVE: finds circles of calls between files, and between folders, of src.

ARCHIVE holds the objects of all files (libpenstock-all.a). File A calls file B if A's object refers
to a symbol that B's object defines; calls through pointers are not seen, and are the way out of a
circle. Prints each circle that KNOWN does not list, and each that KNOWN lists and that is no more;
ends with status 1 when it printed one. Before that the check has to find planted circles."""
import os
import subprocess
import sys

# A circle, as its files or folders: why it may stay.
KNOWN = {
    'ebpf/object ebpf/reader': 'a reader process is started by an object file and reads one',
}


def read_symbols(lines):
    """Lines of "nm -A": returns {file: (defined symbols, wanted symbols)}."""
    files = {}
    for line in lines:
        path, _, symbol = line.rpartition(':')
        words = symbol.split()
        name = os.path.basename(path.rstrip(':')).removesuffix('.o').removesuffix('.c')
        if len(words) < 2 or '_' not in name:
            continue
        defined, wanted = files.setdefault(name.replace('_', '/', 1), (set(), set()))
        if words[-2] == 'U':
            wanted.add(words[-1])
        elif words[-2].isupper():
            defined.add(words[-1])
    return files


def graph_of(files):
    owner = {symbol: name for name, (defined, _) in files.items() for symbol in defined}
    return {name: {owner[symbol]: symbol for symbol in sorted(wanted)
                   if owner.get(symbol, name) != name}
            for name, (_, wanted) in files.items()}


def folders_of(graph):
    folders = {}
    for name, calls in graph.items():
        folder = name.split('/')[0]
        called = folders.setdefault(folder, {})
        for other, symbol in calls.items():
            if other.split('/')[0] != folder:
                called[other.split('/')[0]] = f'{symbol} in {other}, wanted by {name}'
    return folders


def reachable(graph, start):
    seen, todo = set(), [start]
    while todo:
        for name in graph.get(todo.pop(), ()):
            if name not in seen:
                seen.add(name)
                todo.append(name)
    return seen


def circles_of(graph):
    """The circles, each as a sorted tuple of all that reach one another."""
    reach = {name: reachable(graph, name) for name in graph}
    return sorted({tuple(sorted(other for other in reach[name] if name in reach.get(other, ())))
                   for name in graph if name in reach[name]})


def check(lines, known):
    files = graph_of(read_symbols(lines))
    found = set()
    bad = []
    for graph in (files, folders_of(files)):
        for circle in circles_of(graph):
            key = ' '.join(circle)
            found.add(key)
            if key in known:
                continue
            bad.append(f'a circle of calls: {key}')
            bad += [f'  {name} -> {other}: {graph[name][other]}'
                    for name in circle for other in circle if other in graph[name]]
    bad += [f'take this circle out of KNOWN, it is no more: {key}' for key in known
            if key not in found]
    return bad


def plant():
    two = ['x/a_one.c.o:0 T f', 'x/a_one.c.o: U g', 'x/a_two.c.o:0 T g', 'x/a_two.c.o: U f']
    three = ['x/a_one.c.o:0 T f', 'x/a_one.c.o: U g', 'x/b_two.c.o:0 T g', 'x/b_three.c.o: U f']
    none = ['x/a_one.c.o:0 T f', 'x/a_one.c.o: U g', 'x/b_two.c.o:0 T g', 'x/b_two.c.o: U f2',
            'x/c_one.c.o:0 t f2']
    for lines, known, is_bad in ((two, {}, True), (two, {'a/one a/two': ''}, False),
                                (three, {}, True),
                                 (none, {}, False), (none, {'a/one a/two': ''}, True)):
        if bool(check(lines, known)) != is_bad:
            sys.exit(f'call-circles.py is broken: {lines} with {list(known)}')


def main():
    plant()
    lines = subprocess.run(['nm', '-A', sys.argv[1]], check=True, text=True,
                           capture_output=True).stdout
    files = read_symbols(lines.splitlines())
    if sum(len(defined) for defined, _ in files.values()) < 100:
        print(f'{sys.argv[1]} has hardly a symbol: its objects are no machine code')
        sys.exit(77)
    bad = check(lines.splitlines(), KNOWN)
    print('\n'.join(bad) or f'{len(files)} files, {len(KNOWN)} known circles')
    sys.exit(1 if bad else 0)


main()
