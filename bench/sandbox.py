# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Runs the bench in namespaces of its own, so that no mount and no process outlives it.

There are three processes. The process that the user started waits outside. Its child is process 1
of a PID namespace and only reaps processes. The child of that is the bench, in a private mount
namespace. When process 1 ends for any reason, the kernel kills every daemon in the namespace, then
removes the mount namespace with every mount and the loop device, which the kernel frees with its
last user. So nothing is left even after kill -9 of one of the three. The bench unmounts everything
itself nevertheless, because an unmount that fails shows a bug.
"""
import ctypes
import os
import signal
import shutil
import subprocess
import sys
import tempfile

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG = 1
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

URING = "/sys/module/fuse/parameters/enable_uring"

IMAGE_BYTES = 3 << 30
IMAGE_INODES = 400000

libc = ctypes.CDLL(None, use_errno=True)


class Trouble(Exception):
    """An error that the user can correct. It is printed without a stack trace."""


class Stopped(BaseException):
    """The bench got a signal to end."""


def unshare(flags):
    if libc.unshare(flags) < 0:
        raise Trouble("cannot make namespaces for the bench: " + os.strerror(ctypes.get_errno()))


def status_of(wait_status):
    code = os.waitstatus_to_exitcode(wait_status)
    return 128 - code if code < 0 else code


def run_inside(main):
    """Calls main(directory) in the sandbox and returns its exit status. Only as root."""
    if os.geteuid() != 0:
        raise Trouble("the bench mounts file systems: run it as root")
    parent = "/dev/shm" if os.path.isdir("/dev/shm") else None
    work = tempfile.mkdtemp(prefix="penstock-bench.", dir=parent)
    try:
        unshare(CLONE_NEWPID)
        init = os.fork()
        if init == 0:
            os._exit(be_init(main, work))
        return wait_outside(init)
    finally:
        remove_directory(work)


def remove_directory(path):
    try:
        os.rmdir(path)
    except OSError:
        pass            # gone, or still a mount point of processes that are being killed


def hand_on(pid):
    """Passes signals to end on to the bench, which then cleans up and ends."""
    for each in ENDINGS:
        signal.signal(each, lambda number, frame: os.kill(pid, number))


def wait_outside(init):
    hand_on(init)
    return status_of(os.waitpid(init, 0)[1])


def be_init(main, work):
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    bench = os.fork()
    if bench == 0:
        os._exit(be_bench(main, work))
    hand_on(bench)
    while True:
        pid, wait_status = os.wait()
        if pid == bench:
            return status_of(wait_status)


def stop(number, frame):
    # Ignored from now on: a second ^C must not interrupt the clean-up.
    for each in ENDINGS:
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(number)


def be_bench(main, work):
    try:
        for each in ENDINGS:
            signal.signal(each, stop)
        unshare(CLONE_NEWNS)
        shell("mount", "--make-rprivate", "/")
        shell("mount", "-t", "proc", "proc", "/proc")
        # /run is private, so control sockets and mount tables of the targets end with the bench.
        shell("mount", "-t", "tmpfs", "tmpfs", "/run")
        shell("mount", "-t", "tmpfs", "-o", "size=80%,mode=755", "tmpfs", work)
        try:
            return main(work)
        finally:
            os.chdir("/")
            subprocess.run(["umount", "-l", work], check=False)
            remove_directory(work)
    except Stopped as stopped:
        print("\nstopped; all mounts are gone", file=sys.stderr)
        return 128 + stopped.args[0]
    except Trouble as trouble:
        print(f"bench: {trouble}", file=sys.stderr)
        return 1
    except Exception:
        sys.excepthook(*sys.exc_info())
        return 4
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def shell(*command, timeout=60, **more):
    """Runs a command and returns its output. If it fails, raises Trouble with its last message."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL, check=False, **more)
    except FileNotFoundError:
        raise Trouble(f"{command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Trouble(f"{' '.join(command)}: no end within {timeout} s") from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or f"status {done.returncode}")
        raise Trouble(f"{' '.join(command)}: {said.splitlines()[-1]}")
    return done.stdout


class Uring:
    """Enables FUSE over io_uring during a run. The setting applies to the whole system."""

    def __init__(self, wanted):
        self.wanted = wanted
        self.was = ""

    @staticmethod
    def write(value):
        try:
            with open(URING, "w", encoding="ascii") as file:
                file.write(value)
        except OSError:
            pass        # the mount will fail with a message

    def __enter__(self):
        if self.wanted and os.path.exists(URING):
            with open(URING, encoding="ascii") as file:
                self.was = file.read().strip()
            self.write("Y")
        return self

    def __exit__(self, *exc):
        if self.was == "N":
            self.write("N")


class Disk:
    """The file system that all targets share: an ext4 image in memory, or one of the user's."""

    def __init__(self, work, directory=None):
        self.work = work
        self.directory = directory
        self.path = None

    def __enter__(self):
        if self.directory:
            self.path = tempfile.mkdtemp(prefix="penstock-bench.", dir=self.directory)
            os.chmod(self.path, 0o755)
            return self
        image = os.path.join(self.work, "image")
        self.path = os.path.join(self.work, "disk")
        os.mkdir(self.path)
        with open(image, "wb") as file:
            file.truncate(IMAGE_BYTES)
        # The file is new, so all zeroes: neither mkfs nor a kernel thread need write zeroes.
        shell("mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(IMAGE_INODES),
              "-E", "lazy_itable_init=1,lazy_journal_init=1", image)
        shell("mount", "-o", "loop,noinit_itable", image, self.path)
        os.unlink(image)
        return self

    def __exit__(self, *exc):
        if self.directory:
            shutil.rmtree(self.path, ignore_errors=True)
        else:
            subprocess.run(["umount", "-l", self.path], check=False)

    def describe(self):
        if not self.directory:
            return "a fresh ext4 image on a loop device in memory"
        kind = shell("stat", "-f", "-c", "%T", self.directory).strip()
        return f"{kind} at {self.directory}"
