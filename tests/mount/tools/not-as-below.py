# SPDX-License-Identifier: LGPL-2.1-or-later
"""not-as-below.py STEP VIEW LOWER: checks operations that the kernel does not pass on to FUSE.

Ends with an error where the view does not do what docs/security.md and penstock(1) say of it.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import socket
import struct
import sys

LIBC = ctypes.CDLL(None, use_errno=True)
FICLONE, FICLONERANGE, FIDEDUPERANGE = 0x40049409, 0x4020940D, 0xC0189436
FIEMAP, FITRIM = 0xC020660B, 0xC0185879
FS_IOC_GETFSUUID, FS_IOC_GETFSSYSFSPATH = 0x80111500, 0x80811501
FIEMAP_EXTENT_SHARED = 0x2000
FAN_REPORT_FID, FAN_MARK_ADD, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM = 0x200, 1, 0x10, 0x100
FAN_MODIFY = 2
FS_IOC_GETFLAGS, FS_IMMUTABLE_FL, STATX_ATTR_IMMUTABLE = 0x80086601, 0x10, 0x10
SIZE = 65536


def said(call):
    try:
        return call() or 0
    except OSError as e:
        return errno.errorcode[e.errno]


def equal(have, want, what):
    print(what, have)
    if have != want:
        sys.exit("%s: %s, should be %s" % (what, have, want))


def extents(fd):
    """Flags of the first extents."""
    buf = bytearray(struct.pack("QQIIII", 0, SIZE, 1, 0, 9, 0) + bytes(9 * 56))
    fcntl.ioctl(fd, FIEMAP, buf)
    return [struct.unpack_from("I", buf, 32 + i * 56 + 40)[0] for i in range(buf[20])]


def clones(view, lower):
    for name in "a", "b":
        with open(lower + "/" + name, "wb") as f:
            f.write(b"x" * SIZE)
    a, b = os.open(view + "/a", os.O_RDWR), os.open(view + "/b", os.O_RDWR)
    clone = struct.pack("qQQQ", a, 0, 4096, 0)
    dedupe = bytearray(struct.pack("QQHHI", 0, 4096, 1, 0, 0) + struct.pack("qQQiI", b, 0, 0, 0, 0))
    refused = "ENOTSUP"
    equal(said(lambda: fcntl.ioctl(b, FICLONE, a)), refused, "FICLONE")
    equal(said(lambda: fcntl.ioctl(b, FICLONERANGE, clone) and 0), refused, "FICLONERANGE")
    equal(said(lambda: fcntl.ioctl(a, FIDEDUPERANGE, dedupe)), refused, "FIDEDUPERANGE")
    equal(said(lambda: extents(a)), refused, "FIEMAP")
    # copy_file_range(), which cp(1) uses then, still shares the blocks.
    c = os.open(view + "/c", os.O_RDWR | os.O_CREAT)
    equal(os.copy_file_range(a, c, SIZE), SIZE, "copy_file_range")
    below = os.open(lower + "/c", os.O_RDONLY)
    os.fsync(below)
    flags = extents(below)
    shared = [bool(f & FIEMAP_EXTENT_SHARED) for f in flags]
    equal(bool(shared) and all(shared), True, "blocks are shared")


def mark(flags, how, path):
    group = LIBC.fanotify_init(flags, os.O_RDONLY)
    if group < 0:
        raise OSError(ctypes.get_errno(), "fanotify_init")
    r = LIBC.fanotify_mark(group, FAN_MARK_ADD | how, ctypes.c_uint64(FAN_MODIFY), -100,
                           path.encode())
    if r < 0:
        e = ctypes.get_errno()
        os.close(group)
        raise OSError(e, "fanotify_mark")
    return group


def identity(view, lower):
    fd = os.open(view, os.O_RDONLY)
    equal(said(lambda: fcntl.ioctl(fd, FS_IOC_GETFSUUID, bytearray(17))), "ENOTTY", "GETFSUUID")
    equal(said(lambda: fcntl.ioctl(fd, FS_IOC_GETFSSYSFSPATH, bytearray(129))), "ENOTTY",
          "GETFSSYSFSPATH")
    equal(os.statvfs(view).f_fsid, 0, "f_fsid")
    with open(lower + "/f", "w") as f:
        f.write("text")
    for how, name in (FAN_MARK_MOUNT, "mount"), (FAN_MARK_FILESYSTEM, "file system"):
        equal(said(lambda: mark(FAN_REPORT_FID, how, view)), "ENODEV",
              "fanotify with handles on a " + name)
    # With handles on a file, with descriptors on all of the view.
    for flags, how, path in (FAN_REPORT_FID, 0, view + "/f"), (0, FAN_MARK_FILESYSTEM, view):
        group = mark(flags, how, path)
        with open(view + "/f", "a") as f:
            f.write("more")
        equal(len(os.read(group, 4096)) > 0, True, "an event for flags %#x" % flags)
        os.close(group)


def across(view, lower):
    """A socket or pipe connects only through the same inode, and a view has inodes of its own."""
    refused = "ECONNREFUSED"
    for bound, used, want in (view, lower, refused), (lower, view, refused), (view, view, 0):
        server, client = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
        server.bind(bound + "/s")
        server.listen(1)
        equal(said(lambda: client.connect(used + "/s")), want, "a socket of the other side")
        server.close()
        client.close()
        os.unlink(lower + "/s")
    os.mkfifo(lower + "/p")
    for read, write, want in (view, lower, "ENXIO"), (lower, view, "ENXIO"), (view, view, True):
        end = os.open(read + "/p", os.O_RDONLY | os.O_NONBLOCK)
        equal(said(lambda: os.open(write + "/p", os.O_WRONLY | os.O_NONBLOCK) > 0), want,
              "a pipe of the other side")
        os.close(end)


def trim(view, lower):
    for path in lower, view:
        fd = os.open(path, os.O_RDONLY)
        done = bytearray(struct.pack("QQQ", 0, 2**64 - 1, 0))
        want = 0 if os.getuid() == 0 else "EPERM"
        equal(said(lambda: fcntl.ioctl(fd, FITRIM, done)), want, "FITRIM")
        if want == 0:
            equal(struct.unpack("QQQ", done)[1] < 2**64 - 1, True, "it says how much was trimmed")


def attributes_of(path):
    """stx_attributes; the call is younger than Python's os module."""
    buffer = ctypes.create_string_buffer(256)
    if LIBC.statx(-100, path.encode(), 0, 0xfff, buffer) < 0:
        raise OSError(ctypes.get_errno(), "statx")
    return struct.unpack_from("Q", buffer, 8)[0]


def attributes(view, lower):
    """The inode flags that a file has: by ioctl(2) as below, by statx(2) none."""
    got = {}
    for path in lower, view:
        flags = bytearray(8)
        fd = os.open(path + "/immutable", os.O_RDONLY)
        fcntl.ioctl(fd, FS_IOC_GETFLAGS, flags)
        os.close(fd)
        got[path] = bool(struct.unpack_from("I", flags)[0] & FS_IMMUTABLE_FL), \
            attributes_of(path + "/immutable") & STATX_ATTR_IMMUTABLE
    equal(got[lower], (True, STATX_ATTR_IMMUTABLE), "flags below")
    equal(got[view], (True, 0), "flags in the view")


def memory(view, lower):
    """A write of two parts of memory: the second cannot be read, the first is not there yet."""
    none = mmap.mmap(-1, 4096, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, prot=0)
    for path, want in (lower, 10), (view, "EFAULT"):
        fd = os.open(path + "/f", os.O_RDWR | os.O_CREAT)
        # The kernel may give memory nearby its pages together with others.
        absent = mmap.mmap(-1, 8 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        parts = [memoryview(absent)[4 << 20:][:10], memoryview(none)[:10]]
        equal(said(lambda: os.pwritev(fd, parts, 0)), want, "memory that is not there yet")
        absent[4 << 20] = 1
        equal(said(lambda: os.pwritev(fd, parts, 0)), 10, "memory that is there")
        os.close(fd)


STEPS = {function.__name__: function
         for function in (clones, attributes, identity, across, trim, memory)}
STEPS[sys.argv[1]](*sys.argv[2:])
