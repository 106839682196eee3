#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""attack.py WAY FILE DEVICE INODE [ARG...]: tries one way from a view to the tree below it.

FILE is the path of a file in the view; DEVICE and INODE are those of the file below. Prints
"reached HOW" for each path or descriptor that leads to the file below, or "did HOW" for each action
that the view should prevent, and at the end "tried N". The cases run it in `penstock run`, where it
has to reach nothing, and in a mount namespace alone, where it has to reach something."""
import ctypes
import errno
import fcntl
import mmap
import os
import signal
import socket
import stat
import struct
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
way, path = sys.argv[1:3]
below = tuple(map(int, sys.argv[3:5]))
rest = sys.argv[5:]
directory = os.path.dirname(path)
tried = 0

MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2
CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000
PTRACE_ATTACH, PTRACE_DETACH, PTRACE_SEIZE, WALL = 16, 17, 0x4206, 0x40000000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
SYS = {'pidfd_send_signal': 424, 'open_tree': 428, 'move_mount': 429, 'pidfd_open': 434,
       'pidfd_getfd': 438}
MACHINE = {'x86_64': {'pivot_root': 155, 'open_by_handle_at': 304, 'process_vm_readv': 310},
           'aarch64': {'pivot_root': 41, 'open_by_handle_at': 265, 'process_vm_readv': 270}}
SYS.update(MACHINE.get(os.uname().machine, {}))


def look(how, get):
    """get() returns a path or descriptor; says so if that is the file below."""
    global tried
    tried += 1
    try:
        found = os.stat(get())
    except OSError:
        return
    if (found.st_dev, found.st_ino) == below:
        print('reached', how, flush=True)


def act(how, do):
    """do() is an action that must fail."""
    global tried
    tried += 1
    try:
        do()
    except OSError:
        return
    print('did', how, flush=True)


def call(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def mount(source, target, kind=None, flags=0, data=None):
    call(libc.mount(source.encode(), target.encode(), kind and kind.encode(), flags,
                    data and data.encode()))


def umount(target, flags=MNT_DETACH):
    call(libc.umount2(target.encode(), flags))


def in_namespace(do):
    """Does it as root of a user namespace made here, with a mount namespace."""
    ids = os.geteuid(), os.getegid()
    sys.stdout.flush()
    if os.fork() == 0:
        call(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS))
        for name, text in (('setgroups', 'deny'), ('uid_map', f'0 {ids[0]} 1'),
                           ('gid_map', f'0 {ids[1]} 1')):
            try:
                open(f'/proc/self/{name}', 'w').write(text)
            except OSError:
                pass
        do()
        print('tried in a namespace', tried, flush=True)
        os._exit(0)
    os.wait()


def processes():
    """The directories of other processes in each /proc that can be seen."""
    for proc in ['/proc'] + rest:
        for name in os.listdir(proc):
            if name.isdigit() and name != os.readlink(f'{proc}/self'):
                yield f'{proc}/{name}'


def proc():
    for process in processes():
        for name in ('root', 'cwd'):
            look(f'{name} of {process}', lambda: f'{process}/{name}{path}')
            look(f'{name} of {process}', lambda: f'{process}/{name}/{os.path.basename(path)}')
        try:
            for name in os.listdir(f'{process}/map_files'):
                look(f'mapping of {process}', lambda: f'{process}/map_files/{name}')
        except OSError:
            pass
        try:
            numbers = os.listdir(f'{process}/fd')
        except OSError:
            numbers = range(64)
        for number in numbers:
            look(f'descriptor {number} of {process}', lambda: f'{process}/fd/{number}/.env')
            look(f'descriptor {number} of {process}', lambda: f'{process}/fd/{number}')


def trace(request, number):
    call(libc.ptrace(request, number, None, None))
    if request == PTRACE_ATTACH:
        # The process would stay stopped after the end of this program.
        os.waitpid(number, WALL)
        libc.ptrace(PTRACE_DETACH, number, None, None)


def memory():
    """Processes of the view: those that the argument lists, in the /proc of the first argument."""
    outside, victims = rest[0], rest[1:]
    for victim in [f'/proc/1'] + [f'{outside}/{number}' for number in victims]:
        for name in ('mem', 'environ', 'maps', 'auxv', 'syscall', 'stack', 'ns/mnt', 'exe'):
            how = os.readlink if name in ('ns/mnt', 'exe') else lambda p: os.read(os.open(p, 0), 1)
            if name != 'mem':
                act(f'read {name} of {victim}', lambda: how(f'{victim}/{name}') or fail())
            else:
                act(f'open {name} of {victim}', lambda: os.open(f'{victim}/{name}', os.O_RDWR))
    for number in [1] + [int(victim) for victim in victims]:
        for request in (PTRACE_ATTACH, PTRACE_SEIZE):
            act(f'trace {number}', lambda: trace(request, number))
        data = ctypes.create_string_buffer(8)
        local = struct.pack('PL', ctypes.addressof(data), 8)
        act(f'read memory of {number}',
            lambda: call(libc.syscall(SYS['process_vm_readv'], number, local, 1, local, 1, 0)))
        for fd in range(16):
            act(f'take descriptor {fd} of {number}', lambda: call(libc.syscall(
                SYS['pidfd_getfd'], call(libc.syscall(SYS['pidfd_open'], number, 0)), fd, 0)))


def fail():
    raise OSError(errno.ENODATA, 'nothing there')


def uncover():
    """Unmounts and moves what lies over the file, and looks at each step."""
    spare = '/tmp/spare'
    os.makedirs(spare, exist_ok=True)
    for top in (directory, '/'):
        for flags in (0, MNT_DETACH):
            try:
                umount(top, flags)
            except OSError:
                pass
            look(f'umount2({top}, {flags})', lambda: path)
    # Only the mount at / itself, without those on it.
    try:
        mount('/', spare, flags=MS_BIND)
        look('bind of / alone', lambda: spare + path)
        umount(spare)
    except OSError:
        pass
    for top in ('/', os.path.dirname(directory), os.path.dirname(os.path.dirname(directory))):
        try:
            mount(top, spare, flags=MS_BIND)
        except OSError:
            continue
        look(f'bind of {top}', lambda: spare + path[len(top.rstrip('/')):])
        umount(spare)
    try:
        clone = call(libc.syscall(SYS['open_tree'], -100, b'/', OPEN_TREE_CLONE))
        look('clone of /', lambda: f'/proc/self/fd/{clone}{path}')
    except OSError:
        pass
    try:
        view = call(libc.syscall(SYS['open_tree'], -100, directory.encode(), 0))
        call(libc.syscall(SYS['move_mount'], view, b'', -100, spare.encode(),
                          MOVE_MOUNT_F_EMPTY_PATH))
    except OSError:
        pass
    look('move of the view', lambda: path)
    for lower in (directory, os.path.dirname(directory), '/'):
        try:
            mount('none', spare, 'overlay', 0, f'lowerdir={lower}:/dev/shm')
        except OSError:
            continue
        name = os.path.relpath(path, lower)
        try:
            text = open(f'{spare}/{name}').read()
            if 'hunter2' in text:
                print(f'reached by an overlay of {lower}')
        except OSError:
            pass
        umount(spare)
    # A mount over the view and its removal show the view again, not the tree below.
    try:
        mount('none', directory, 'tmpfs')
        umount(directory)
        umount(directory)
    except OSError:
        pass
    look('mount over the view', lambda: path)
    # A view that stays mounted would keep its process.
    try:
        while True:
            umount(spare)
    except OSError:
        pass


def unmount():
    uncover()
    in_namespace(uncover)


def rename(old, new):
    try:
        os.rename(old, new)
    except OSError:
        pass


def move_above(shown):
    """Moves the directory above the view to one that the mount at shown also shows."""
    above, to = os.path.dirname(directory), rest[0]
    tail = os.path.relpath(path, os.path.dirname(above))
    rename(above, f'{to}/{os.path.basename(above)}')
    look(f'{above} in {to}', lambda: f'{shown}/{tail}')
    rename(f'{to}/{os.path.basename(above)}', above)


def move():
    """The first argument is a directory beside the one above, and the second a mount of it."""
    move_above(rest[1])
    in_namespace(move_in_namespace)


def move_in_namespace():
    try:
        mount(rest[0], '/mnt', flags=MS_BIND)
        move_above('/mnt')
    except OSError:
        pass
    clone = libc.syscall(SYS['open_tree'], -100, rest[0].encode(), OPEN_TREE_CLONE)
    move_above(f'/proc/self/fd/{clone}')
    # A namespace without the view allows to move the directory itself.
    shown = os.open(rest[1], os.O_PATH)
    to = os.open(os.path.dirname(rest[0]), os.O_PATH)
    try:
        umount('/')
    except OSError:
        pass
    try:
        mount('none', '/mnt', 'tmpfs')
        os.mkdir('/mnt/old')
        call(libc.syscall(SYS['pivot_root'], b'/mnt', b'/mnt/old'))
        umount('/old')
    except OSError:
        pass
    inside = os.path.relpath(directory, os.path.dirname(rest[0]))
    new = f'{os.path.basename(rest[0])}/tree'
    try:
        os.rename(inside, new, src_dir_fd=to, dst_dir_fd=to)
    except OSError:
        pass
    look('the moved directory',
         lambda: os.open(f'tree/{os.path.basename(path)}', os.O_PATH, dir_fd=shown))


def snapshot():
    """Makes a snapshot of the btrfs subvolume at the first argument, which contains the tree."""
    source = os.open(rest[0], os.O_RDONLY)
    for request, words in ((0x50009401, 'q4088s'), (0x50009417, 'q48x4040s')):
        name = f'snapshot-{os.getuid()}-{request:x}'.encode()
        act(f'ioctl {request:#x}',
            lambda: fcntl.ioctl(source, request, bytearray(struct.pack(words, source, name))))


def inherited():
    for number in range(64):
        look(f'descriptor {number}', lambda: number)
        look(f'descriptor {number}', lambda: f'/proc/self/fd/{number}/{os.path.basename(path)}')
    look('working directory', lambda: os.path.basename(path))
    look('working directory', lambda: f'/proc/self/cwd/{os.path.basename(path)}')


def open_handle():
    packed = open(rest[0], 'rb').read()
    tops = {line.split()[4] for line in open('/proc/self/mountinfo')}
    for top in sorted(tops | {os.path.dirname(directory), '/tmp', directory, '.'}):
        try:
            fd = os.open(top, os.O_RDONLY)
        except OSError:
            continue
        look(f'handle on {top}',
             lambda: call(libc.syscall(SYS['open_by_handle_at'], fd, packed, 0)))


def handle():
    """Opens the handle of the file below, which the first argument has, on each mount."""
    open_handle()
    in_namespace(open_handle)


def namespaces():
    """Enters the namespaces of processes outside, and those in which its own ones lie."""
    for process in processes():
        for name, kind in (('user', CLONE_NEWUSER), ('mnt', CLONE_NEWNS)):
            act(f'enter {name} of {process}',
                lambda: call(libc.setns(os.open(f'{process}/ns/{name}', 0), kind)))
    look('the namespace of another process', lambda: path)
    for name in ('user', 'pid', 'mnt'):
        own = os.open(f'/proc/self/ns/{name}', 0)
        for request in (0xb701, 0xb702):  # NS_GET_USERNS, NS_GET_PARENT
            act(f'enter ioctl {request:#x} of {name}',
                lambda: call(libc.setns(call(libc.ioctl(own, request)), 0)))


def peer():
    """A process outside that listens at the first argument, by its pidfd from SO_PEERPIDFD."""
    client = socket.socket(socket.AF_UNIX)
    client.connect(rest[0])
    pidfd = client.getsockopt(socket.SOL_SOCKET, 77)
    act('enter its mount namespace', lambda: call(libc.setns(pidfd, CLONE_NEWNS)))
    for fd in range(16):
        look(f'its descriptor {fd}',
             lambda: call(libc.syscall(SYS['pidfd_getfd'], pidfd, fd, 0)))
    for number in (signal.SIGCONT, signal.SIGKILL):
        act(f'send signal {number}',
            lambda: call(libc.syscall(SYS['pidfd_send_signal'], pidfd, number, None, 0)))


def listen():
    """For peer(): listens at the first argument, with the file below open."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(rest[0])
    os.chmod(rest[0], 0o777)
    os.open(path, os.O_RDONLY)
    server.listen()
    signal.pause()


def events():
    """Descriptors of opened files by fanotify(7), which the view opens below."""
    for mark in (0, 0x100, 0x10):  # an inode, a file system, a mount
        def read():
            group = call(libc.fanotify_init(4 | 2, 0))  # FAN_CLASS_CONTENT, FAN_NONBLOCK
            for place in (directory, os.path.dirname(directory)):
                call(libc.fanotify_mark(group, 1 | mark, ctypes.c_uint64(0x20 | 1 << 27), -100,
                                        place.encode()))
            os.open(path, os.O_RDONLY)
            for fd in (fd for *_, fd, _ in struct.iter_unpack('IBBHQii', os.read(group, 4080))):
                look(f'event of mark {mark:#x}', lambda: fd)
        act(f'fanotify with mark {mark:#x}', read)


def calls():
    """Calls that mount, by the numbers of 32-bit programs, which all pass invalid arguments."""
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    start = ctypes.addressof(ctypes.c_char.from_buffer(page))
    for number, name in ((20, 'getpid'), (218, 'mincore'), (21, 'mount'), (52, 'umount2'),
                         (217, 'pivot_root'), (429, 'move_mount'), (430, 'fsopen')):
        # push rbx; xor ebx, ebx; xor ecx, ecx; xor edx, edx; mov eax, number; int 0x80; ...
        page.seek(0)
        page.write(b'\x53\x31\xdb\x31\xc9\x31\xd2\xb8' + struct.pack('I', number) +
                   b'\xcd\x80\x5b\xc3')
        result = ctypes.CFUNCTYPE(ctypes.c_int)(start)()
        print(name, 'refused' if result == -errno.EPERM else 'allowed', flush=True)


def signals():
    """Signals to the processes of the view, by their numbers outside and inside."""
    for number in map(int, rest):
        act(f'kill {number}', lambda: os.kill(number, signal.SIGKILL))
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
        try:
            os.kill(-1, number)
        except OSError:
            pass
    os.kill(1, signal.SIGKILL)
    # The view still answers.
    os.listdir(directory)


def devices():
    """Opens the disks: existing nodes, new nodes, and nodes on a new file system."""
    for top, _, names in os.walk('/dev'):
        for name in names:
            mode = os.lstat(f'{top}/{name}').st_mode
            if stat.S_ISBLK(mode) or name in ('mem', 'kmem', 'port', 'kmsg'):
                act(f'open {top}/{name}', lambda: os.open(f'{top}/{name}', os.O_RDONLY))
    for place in rest + ['/tmp', '/dev', directory]:
        node = f'{place}/disk'
        for number in (below[0], os.makedev(7, 0)):
            try:
                os.mknod(node, stat.S_IFBLK | 0o666, number)
            except OSError:
                pass
            act(f'open {node}', lambda: os.open(node, os.O_RDONLY))
            try:
                os.unlink(node)
            except OSError:
                pass
    for node in ('/proc/kcore', '/proc/1/mem'):
        act(f'open {node}', lambda: os.open(node, os.O_RDONLY))


def settings():
    """Settings by which the kernel starts programs outside, or ends the view."""
    names = ['/proc/sys/kernel/core_pattern', '/proc/sys/kernel/modprobe', '/proc/sysrq-trigger',
             '/sys/kernel/uevent_helper', '/sys/power/state']
    for top in ('/sys/fs/fuse/connections', '/sys/fs/cgroup', '/proc/sys/kernel'):
        for here, _, files in os.walk(top):
            names += [f'{here}/{name}' for name in files
                      if name in ('abort', 'release_agent', 'cgroup.procs', 'core_pattern')]
    for outside in rest:
        names.append(f'{outside}/sys/kernel/core_pattern')
    for name in names:
        act(f'open {name} for writing', lambda: os.open(name, os.O_WRONLY))
    # New mounts of these file systems, in new namespaces.
    spare = '/tmp/spare'
    os.makedirs(spare, exist_ok=True)
    for namespace, kind, name in (('-p', 'proc', 'sys/kernel/core_pattern'),
                                  ('-n', 'sysfs', 'kernel/uevent_helper'),
                                  ('-n', 'fusectl', '.'), ('-n', 'devtmpfs', 'null')):
        for user in ([], ['-U', '-r']):
            act(f'mount {kind}', lambda: subprocess.run(
                ['unshare', *user, '-m', namespace, '-f', 'sh', '-c',
                 f'mount -t {kind} none {spare} && test -w {spare}/{name}'],
                stderr=subprocess.DEVNULL).returncode and fail())


def terminal():
    """Puts characters into the input of the terminal."""
    for fd in (0, os.open('/dev/tty', os.O_RDWR)):
        for request in (0x5412, 0x541C, 0x1_0000_5412):  # TIOCSTI, TIOCLINUX
            act(f'ioctl {request:#x}',
                lambda: call(libc.ioctl(fd, ctypes.c_ulong(request), b'\x02')))


def paths():
    """Other paths of the directory or a part of it."""
    for other in rest:
        look(other, lambda: other)


{f.__name__: f for f in (proc, memory, unmount, inherited, handle, signals, devices, settings,
                         terminal, paths, move, snapshot, namespaces, peer, listen, events,
                         calls)}[way]()
print('tried', tried, flush=True)
