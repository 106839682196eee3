#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""each-operation.py DIR: does operations on the files of DIR, and prints the result of each.

The output has no times but those that were set here, no inodes and no offsets, so two trees with
the same content have the same output.
"""
import errno
import os
import stat
import struct
import sys

ACL = 'system.posix_acl_access'


def show(st):
    words = [stat.filemode(st.st_mode), st.st_nlink if not stat.S_ISDIR(st.st_mode) else '-',
             st.st_uid, st.st_gid, '-' if stat.S_ISDIR(st.st_mode) else st.st_size]
    if st.st_mtime < 1e9:
        words.append(st.st_mtime)
    return ' '.join(map(str, words))


def do(what, call):
    try:
        result = call()
    except OSError as e:
        result = errno.errorcode.get(e.errno, e.errno)
    if isinstance(result, os.stat_result):
        result = show(result)
    print(what, '=', result)


def use(path, flags, call):
    fd = os.open(path, flags, 0o666)
    try:
        return call(fd)
    finally:
        os.close(fd)


def acl(group):
    """user::rw- user:1001:r-- group::GROUP mask::rwx other::r--"""
    return struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *entry) for entry in (
        (1, 6, 0xffffffff), (2, 4, 1001), (4, group, 0xffffffff), (16, 7, 0xffffffff),
        (32, 4, 0xffffffff)))


def look(path):
    do(f'stat {path}', lambda: os.lstat(path))
    do(f'access {path}', lambda: [os.access(path, way) for way in (os.R_OK, os.W_OK, os.X_OK)])
    do(f'readlink {path}', lambda: os.readlink(path))
    do(f'listxattr {path}', lambda: os.listxattr(path, follow_symlinks=False))
    do(f'ACL of {path}', lambda: os.getxattr(path, ACL).hex())
    do(f'read {path}', lambda: use(path, os.O_RDONLY | os.O_NONBLOCK, lambda fd: os.read(fd, 500)))
    do(f'end of {path}', lambda: use(path, os.O_RDONLY | os.O_NONBLOCK,
                                     lambda fd: (os.pread(fd, 9, 20), os.lseek(fd, 0, 2))))


def change(path):
    do(f'chmod {path}', lambda: os.chmod(path, 0o4731))
    do(f'stat {path}', lambda: os.lstat(path))
    do(f'chmod {path}', lambda: os.chmod(path, 0o664))
    do(f'chown {path}', lambda: os.lchown(path, 1001, 1001))
    do(f'stat {path}', lambda: os.lstat(path))
    do(f'chown {path}', lambda: os.lchown(path, 1000, 1000))
    do(f'utimes {path}', lambda: os.utime(path, (7e8, 6e8)))
    do(f'stat {path}', lambda: os.lstat(path))
    do(f'setxattr {path}', lambda: os.setxattr(path, 'user.a', b'value'))
    do(f'getxattr {path}', lambda: os.getxattr(path, 'user.a'))
    do(f'removexattr {path}', lambda: os.removexattr(path, 'user.a'))
    do(f'set ACL of {path}', lambda: os.setxattr(path, ACL, acl(6)))
    do(f'ACL of {path}', lambda: os.getxattr(path, ACL).hex())
    do(f'remove ACL of {path}', lambda: os.removexattr(path, ACL))
    do(f'write {path}', lambda: use(path, os.O_RDWR, lambda fd: os.pwrite(fd, b'12345', 3)))
    do(f'append {path}', lambda: use(path, os.O_WRONLY | os.O_APPEND,
                                     lambda fd: os.write(fd, b'more\n')))
    do(f'fallocate {path}', lambda: use(path, os.O_WRONLY,
                                        lambda fd: os.posix_fallocate(fd, 0, 5000)))
    do(f'truncate {path}', lambda: os.truncate(path, 12))
    do(f'open {path}', lambda: use(path, os.O_WRONLY | os.O_TRUNC, os.fstat).st_size)
    do(f'write {path}', lambda: use(path, os.O_WRONLY, lambda fd: os.write(fd, b'KEY=new\n')))


def move(path):
    other = path + '.other'
    do(f'link {path}', lambda: os.link(path, other, follow_symlinks=False))
    do(f'stat {path}', lambda: os.lstat(path))
    do(f'unlink {other}', lambda: os.unlink(other))
    do(f'rename {path}', lambda: os.rename(path, other))
    do(f'rename {other}', lambda: os.rename(other, path))


def make(at):
    for name in ('new', 'new.key', '.env', 'dir'):
        path = os.path.join(at, name)
        do(f'create {path}', lambda: use(path, os.O_CREAT | os.O_EXCL | os.O_RDWR,
                                         lambda fd: os.write(fd, b'KEY=text\n')))
        look(path)
        do(f'unlink {path}', lambda: os.unlink(path))
        do(f'mkdir {path}', lambda: os.mkdir(path))
        do(f'stat {path}', lambda: os.lstat(path))
        do(f'rmdir {path}', lambda: os.rmdir(path))
        do(f'symlink {path}', lambda: os.symlink('target', path))
        do(f'readlink {path}', lambda: os.readlink(path))
        do(f'unlink {path}', lambda: os.unlink(path))
        do(f'mknod {path}', lambda: os.mkfifo(path))
        do(f'stat {path}', lambda: os.lstat(path))
        do(f'unlink {path}', lambda: os.unlink(path))
    do(f'tmpfile in {at}', lambda: use(at, os.O_TMPFILE | os.O_RDWR,
                                       lambda fd: (os.write(fd, b'x'), show(os.fstat(fd)))))


def main():
    os.chdir(sys.argv[1])
    os.umask(0o022)
    for at in ('.', 'dir', 'gone'):
        do(f'list {at}', lambda: sorted((e.name, e.is_dir(follow_symlinks=False))
                                        for e in os.scandir(at)))
    for path in ('plain', 'x.key', '.env', 'link', 'fifo', 'dir/f', 'dir/o.key', 'twice', 'gone/f',
                 'dir'):
        look(path)
        if path not in ('fifo', 'dir'):
            change(path)
        move(path)
        look(path)
    for at in ('.', 'dir'):
        make(at)
    for path in ('dir/o.key', 'twice', 'dir', 'link'):
        do(f'unlink {path}', lambda: os.unlink(path))


main()
