#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""changes.py act SEED: changes the tree in the working directory at random.
changes.py check BEFORE AFTER LIST: compares the list of `penstock run --changes` with the trees."""
import os
import random
import sys


def paths(top):
    """Returns {path: what a change would change}, paths beginning with '/'."""
    found = {}
    for directory, directories, files in os.walk(top):
        for name in directories + files:
            path = os.path.join(directory, name)
            mode = os.lstat(path).st_mode
            text = None if name in directories else open(path, 'rb').read()
            found[path[len(top):]] = (mode, text)
    return found


def act(seed):
    choose = random.Random(seed)
    for i in range(60):
        names = sorted('.' + path for path in paths('.'))
        directories = ['.'] + [name for name in names if os.path.isdir(name)]
        files = [name for name in names if not os.path.isdir(name)] or ['./absent']
        new = f'{choose.choice(directories)}/n{choose.randrange(30)}'
        old = choose.choice(names or ['./absent'])
        try:
            what = choose.randrange(9)
            if what == 0:
                open(new, 'a').write(f'new {i}\n')
            elif what == 1:
                open(choose.choice(files), 'a').write(f'more {i}\n')
            elif what == 2:
                os.mkdir(new)
            elif what == 3:
                os.unlink(choose.choice(files))
            elif what == 4:
                os.rmdir(old)
            elif what == 5:
                os.chmod(old, choose.choice([0o700, 0o755, 0o777]))
            elif what == 6:
                os.rename(old, new)
            elif what == 7:
                os.rename(choose.choice(files), choose.choice(files))
            else:
                open('tmp', 'w').write(f'whole {i}\n')
                os.rename('tmp', choose.choice(files))
        except OSError:
            pass


class List:
    """The lines of the list: paths by word, and pairs of names of moved files."""

    def __init__(self, file):
        self.by_word = {'created': set(), 'changed': set(), 'removed': set()}
        self.moved = {}
        for line in open(file):
            word, _, rest = line.strip().partition(': ')
            if word == 'moved':
                old, new = rest.split(' -> ')
                if new.endswith(', and changed'):
                    new = new[:-len(', and changed')]
                    self.by_word['changed'].add(new)
                self.moved[new] = old
            elif word in self.by_word:
                self.by_word[word].add(rest)

    def old_name(self, path):
        """Returns the name that a file had before moves of it and its directories."""
        for new, old in sorted(self.moved.items(), key=lambda pair: -len(pair[0])):
            if path == new or path.startswith(new + '/'):
                return old + path[len(new):]
        return path


def inside(path, tops):
    return any(path == top or path.startswith(top + '/') for top in tops)


def mistakes(before, after, said):
    created, changed, removed = said.by_word.values()
    old_names = set(said.moved.values())
    for path in sorted(created | set(said.moved)):
        if path in before and path not in old_names or path not in after:
            yield f'{path} was not created'
    for path in sorted(removed | old_names):
        if path not in before or path in after and path not in said.moved:
            yield f'{path} was not removed'
    for path in sorted(changed):
        if said.old_name(path) not in before or path not in after:
            yield f'{path} was not changed'
    for path in sorted(set(after) - set(before)):
        if not inside(path, created | set(said.moved)):
            yield f'{path} was created'
        old = said.old_name(path)
        if old in before and not inside(path, created) and before[old] != after[path] and \
                path not in changed:
            yield f'{path} was changed'
    for path in sorted(set(before) - set(after)):
        if not inside(path, removed | old_names):
            yield f'{path} was removed'
    for path in sorted(set(before) & set(after)):
        if before[path] != after[path] and path not in changed and not inside(path, said.moved):
            yield f'{path} was changed'


if sys.argv[1] == 'act':
    act(int(sys.argv[2]))
else:
    found = list(mistakes(paths(sys.argv[2]), paths(sys.argv[3]), List(sys.argv[4])))
    print(*found, sep='\n')
    sys.exit(bool(found))
