# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Makes the source tree for the jobs. It is random, but the same in every run, and has the sizes of a
real one: 3,000 files in 240 directories, most of them of a few kilobytes, some large.
"""
import io
import math
import os
import random
import tarfile

from sandbox import shell

FILES = 3000
DIRECTORIES = 240
SYMLINKS = 20
MEDIAN_BYTES = 3500
SPREAD = 1.2            # of the logarithm: mean 7 KiB, one file in a hundred above 55 KiB
LARGEST_BYTES = 400000
EPOCH = 1700000000      # long past, so that no time stamp is "now"

WORDS = ("node handle buffer reply return static struct int if for while lower view mount open "
         "close read write sync lock list table size offset flags error const char void").split()


def directories(rng):
    paths = ["tree"]
    while len(paths) < DIRECTORIES:
        parent = rng.choice(paths)
        if parent.count("/") < 5:
            paths.append(f"{parent}/{rng.choice(WORDS)}{len(paths)}")
    return paths


def text(rng, size, pool):
    start = rng.randrange(len(pool) - LARGEST_BYTES)
    return pool[start:start + size]


def add(tar, name, rng, **fields):
    info = tarfile.TarInfo(name)
    info.mtime = EPOCH + rng.randrange(10000000)
    data = fields.pop("data", None)
    for key, value in fields.items():
        setattr(info, key, value)
    if data is not None:
        info.size = len(data)
    tar.addfile(info, io.BytesIO(data) if data is not None else None)


def make_tar(path, files=FILES):
    rng = random.Random(20)
    pool = "".join(rng.choice(WORDS) + rng.choice(" \n(;") for _ in range(200000)).encode()
    paths = directories(rng)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for name in sorted(paths):
            add(tar, name, rng, type=tarfile.DIRTYPE, mode=0o755)
        for i in range(files):
            size = min(int(rng.lognormvariate(math.log(MEDIAN_BYTES), SPREAD)), LARGEST_BYTES)
            end = rng.choice((".c", ".c", ".c", ".h", ".h", ".txt", ".py", ".sh"))
            add(tar, f"{rng.choice(paths)}/{rng.choice(WORDS)}-{i}{end}", rng,
                mode=0o755 if end == ".sh" else 0o644, data=text(rng, size, pool))
        for i in range(SYMLINKS):
            add(tar, f"{rng.choice(paths)}/link-{i}", rng, type=tarfile.SYMTYPE,
                linkname=f"../{rng.choice(WORDS)}-{i}.c", mode=0o777)


def git_environment(home):
    """Returns an environment in which git reads no settings of the user."""
    who = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER")
           for key, value in (("NAME", "bench"), ("EMAIL", "bench@localhost"),
                              ("DATE", f"{EPOCH} +0000"))}
    return {"PATH": os.environ["PATH"], "HOME": home, "GIT_CONFIG_NOSYSTEM": "1", "LC_ALL": "C",
            "TZ": "UTC", **who}


def make_repository_tar(plain, path, work):
    """Makes the same tree with a repository in it, which has one pack, as after a clone."""
    home = os.path.join(work, "template")
    os.mkdir(home)
    env = git_environment(home)
    shell("tar", "-xf", plain, "-C", home)
    for words in (["init", "-q"], ["config", "core.compression", "0"], ["add", "-A"],
                  ["commit", "-qm", "tree"], ["repack", "-adq", "--window=0"]):
        shell("git", "-C", os.path.join(home, "tree"), *words, env=env)
    shell("tar", "-cf", path, "-C", home, "tree")
    shell("rm", "-r", home)
