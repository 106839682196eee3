# SPDX-License-Identifier: LGPL-2.1-or-later
"""The goals for the kernel engine, and the comparison of a result with them."""

# For the kernel engine without filters: figure, ratio to the lower directory, instructions added
# on Linux 6.12 and on 7.2.
PLAIN = [
    ("create", 1.10, 6270, 5280), ("stat", 1.15, 363, 440), ("stat-absent", 1.12, 528, 462),
    ("open-read-close", 1.30, 3190, 2970), ("write-fstat", 1.20, 693, 693),
    ("chmod", 1.18, 880, 1034), ("rename", 1.12, 4950, 4950), ("link-unlink", 1.33, 13200, 14300),
    ("unlink", 1.15, 3740, 3740), ("mkdir-rmdir", 1.08, 5500, 5500),
    ("symlink-readlink-unlink", None, 12100, 12100), ("setxattr", 1.25, 2200, 2200),
    ("getxattr", 1.25, 880, 880), ("readdir", 1.03, None, None),
    ("readdir-stat", 1.12, None, None), ("first-look", 2.8, 7700, 7700),
    ("read-4k", 1.10, 418, 418), ("write-4k", 1.10, 539, 539), ("append-100", 1.22, 550, 550),
    ("read-128k", 1.02, None, None), ("write-128k", 1.02, None, None),
    ("mmap-read", 1.02, None, None), ("mmap-write", 1.02, None, None),
    ("unpack", 1.20, None, None), ("tar", 1.20, None, None), ("grep", 1.20, None, None),
    ("find", 1.20, None, None), ("delete", 1.20, None, None),
]
DATA = ("read-4k", "write-4k", "append-100", "read-128k", "write-128k", "mmap-read", "mmap-write")

# With filters: target, figure, ratio to the lower directory.
FILTERED = [("kernel-four", "stat", 1.45), ("kernel-caller", "stat", 1.35),
            ("kernel-caller", "stat-again", 1.35)]
# Figure, instructions that one filter with one pattern may add. The first look at a name runs a
# program once where the name is absent, and else twice.
RUNS = [("first-absent", 600), ("first-look", 1200), ("readdir", 900)]


def line(figure, what, value, limit, text):
    """Returns (line, missed)."""
    missed = value > limit
    verdict = f"MISSED by {text(value - limit)}" if missed else "met"
    return (f"  {figure:<24} {what:<28} {text(value):>8} at most {text(limit):>8}  {verdict}",
            missed)


def number(value):
    return f"{value:,.0f}"


def ratio(value):
    return f"{value:.3f}"


def lines_of(figures, index):
    for figure, limit, *added in PLAIN:
        ns = figures.get(figure, {})
        if "lower" not in ns or "kernel" not in ns:
            continue
        if limit:
            yield line(figure, "ratio", ns["kernel"] / ns["lower"], limit, ratio)
        if added[index]:
            yield line(figure, "added", ns["kernel"] - ns["lower"], added[index], number)
        if "overlayfs" in ns:
            slack = 1.01 if figure in DATA else 1.0
            yield line(figure, "ratio to overlayfs", ns["kernel"] / ns["overlayfs"], slack, ratio)
    for target, figure, limit in FILTERED:
        ns = figures.get(figure, {})
        if target in ns:
            yield line(figure, f"ratio of {target}", ns[target] / ns["lower"], limit, ratio)
    for figure, limit in RUNS:
        ns = figures.get(figure, {})
        if "kernel-one" in ns and "kernel" in ns:
            yield line(figure, "added by one pattern", ns["kernel-one"] - ns["kernel"], limit,
                       number)


def check(kernel, index):
    """Returns a line for each goal whose figure was measured on a kernel, and the number of missed
    goals. index is 0 for Linux 6.12, and 1 for 7.2."""
    found = list(lines_of(kernel["figures"], index))
    return [text for text, _ in found], sum(missed for _, missed in found)
