# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Computes ratios from samples, and makes tables and checks of them. A result is a dict, which --json
writes and --from reads:

    version, date, machine{}, settings{}, targets[], figures[]
    targets: name, kind, program, what, version, command, missing, lost
    figures: name, unit, what, cold, targets{}
    targets of a figure: samples_ns[], median_ns, ratio, low, high, error; docs/performance.json
    has no samples, and unsteady instead of low and high

A ratio is the median over the rounds of (time of the target / time of the lower directory in the
same round). A load that slows the whole machine down for a while slows both, so it cancels out. low
and high are the smallest and the greatest ratio of a round.
"""
import statistics
import textwrap

# The greatest ratios to the lower directory that the target `penstock` must have, and should have.
MUST = {
    "seq-read-128k": 1.25, "seq-read-4k": 1.25, "rand-read-128k": 1.25, "rand-read-4k": 1.25,
    "seq-write-128k": 1.25, "seq-write-4k": 1.25, "rand-write-128k": 1.25, "rand-write-4k": 1.25,
    "append-100": 1.25, "mmap-read": 1.25, "mmap-write": 1.25, "stat": 1.3,
}
AIM = {
    "stat": 1.2, "stat-absent": 1.2, "open-read-close": 5, "create": 1.8, "write-fstat": 8,
    "readdir": 1.5, "readdir-stat-first": 6, "readdir-stat": 1.5, "chmod": 5, "rename": 2.5,
    "unlink": 3, "link-unlink": 3.5, "mkdir-rmdir": 2, "setxattr": 4, "getxattr": 6,
    "unpack": 1.8, "delete": 2.5, "find": 1.5,
}
OURS = "penstock"

# The columns of the two tables of docs/performance.md, and the series of its two charts.
PEERS = ("bind", "overlayfs", "penstock", "bindfs", "mergerfs", "fuse-overlayfs")
VARIANTS = ("penstock", "penstock-auto", "penstock-uring", "penstock-lean", "penstock-off",
            "penstock-filter")

# A ratio is unsteady if the ratio of the slowest round is more than this times that of the fastest.
STEADY = 1.5


def summarize(samples, lower):
    """Returns median and ratios of samples. samples and lower: a time or None for each round."""
    pairs = [(ns, base) for ns, base in zip(samples, lower) if ns and base]
    if not pairs:
        return {"samples_ns": samples}
    ratios = [ns / base for ns, base in pairs]
    return {"samples_ns": samples,
            "median_ns": statistics.median(ns for ns, _ in pairs),
            "ratio": statistics.median(ratios), "low": min(ratios), "high": max(ratios)}


def measured(result):
    return [target for target in result["targets"] if not target["missing"]]


def short(ratio):
    if ratio < 9.95:
        return f"{ratio:.2f}"
    return f"{ratio:.1f}" if ratio < 99.5 else f"{ratio:.0f}"


def cell(entry):
    """Returns a ratio as text, with ~ if the rounds disagree, or - if there is no ratio."""
    if not entry or "ratio" not in entry:
        return "-"
    unsteady = (entry["high"] > STEADY * entry["low"] if "high" in entry
                else entry.get("unsteady"))
    return short(entry["ratio"]) + ("~" if unsteady else "")


def rows(result, names=None):
    """Returns the table as lists of words, with a column for each target in names, or for all."""
    others = [target["name"] for target in measured(result)
              if target["name"] != "lower" and (not names or target["name"] in names)]
    table = [["figure", "per", "lower ns"] + others]
    for figure in result["figures"]:
        lower = figure["targets"].get("lower", {}).get("median_ns")
        table.append([figure["name"], figure["unit"], f"{lower:,.0f}" if lower else "-"]
                     + [cell(figure["targets"].get(name)) for name in others])
    return table


def circumstances(result):
    """Returns lines about the machine and the settings of the run."""
    machine, settings = result["machine"], result["settings"]
    return [f"{machine['cpus']} CPUs ({machine['cpu']}), {machine['memory_gib']} GiB, "
            f"Linux {machine['kernel']}"
            + (", a virtual machine" if machine["virtual"] else "") + "; " + settings["disk"],
            f"{settings['rounds']} rounds of {settings['ms']} ms, client "
            + (f"pinned to CPU {settings['pin']}" if settings["pin"] is not None else "not pinned")
            + f"; load before {machine['load_before']}, after {machine['load_after']}"]


def description(target):
    """Returns a target's name with its version, and its description or why it was left out."""
    version = f" {target['version']}" if target["version"] and target["program"] else ""
    lack = (target["missing"] and f"; not measured: {target['missing']}"
            or target["lost"] and f"; LOST: {target['lost']}")
    return target["name"] + version, target["what"] + lack


def notes(result):
    """Returns lines about the machine, the targets, their commands, and the errors."""
    lines = circumstances(result)
    for target in result["targets"]:
        lines.append(": ".join(description(target))
                     + (f" ({target['command']})" if target["command"] else ""))
    return lines + errors(result)


def errors(result, kind=""):
    """Returns a line for each target and error, with the figures that had the error."""
    found = {}
    for figure in result["figures"]:
        for name, entry in figure["targets"].items():
            if entry.get("error") and name.startswith(kind):
                found.setdefault((name, entry["error"]), []).append(figure["name"])
    return [f"{name}: {error}: in {', '.join(figures)}"
            for (name, error), figures in found.items()]


def as_text(result):
    table = rows(result)
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = []
    for row in table:
        cells = [word.ljust(width) if i < 2 else word.rjust(width)
                 for i, (word, width) in enumerate(zip(row, widths))]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * len(lines[0]))
    head = ["Times as ratios to the lower directory in the same run; 1.00 is no cost, ~ unsteady.",
            ""]
    return "\n".join(head + lines + [""] + ["  " + note for note in notes(result)])


def as_markdown(result, names=None):
    """Returns the table as Markdown, with a column for each target in names, or for all."""
    table = rows(result, names)
    ours = {i for i, name in enumerate(table[0]) if name == OURS}
    lines = ["| " + " | ".join(table[0]) + " |",
             "|" + "|".join("---" if i < 2 else "---:" for i in range(len(table[0]))) + "|"]
    for row in table[1:]:
        lines.append("| " + " | ".join(f"**{word}**" if i in ours and word != "-" else word
                                       for i, word in enumerate(row)) + " |")
    return "\n".join(lines)


def notes_as_markdown(result):
    lines = [f"Measured on {result['date']}:", ""]
    for line in circumstances(result) + errors(result):
        lines += textwrap.wrap("* " + line, 98, subsequent_indent="  ")
    lines += ["", "| target | what it is | command |", "|---|---|---|"]
    for target in result["targets"]:
        command = f"`{target['command']}`" if target["command"] else ""
        lines.append("| " + " | ".join([*description(target), command]) + " |")
    return "\n".join(lines)


def update_page(page, parts):
    """Returns page with each part of it between `<!-- bench: NAME -->` and the next `<!-- end -->`
    replaced by parts[NAME]. Raises ValueError if the page lacks one of these lines."""
    for name, text in parts.items():
        begin, end = f"<!-- bench: {name} -->\n", "<!-- end -->"
        before, found, rest = page.partition(begin)
        if not found or end not in rest:
            raise ValueError(f"the page has no lines '{begin.strip()}' and '{end}'")
        page = before + begin + "\n" + text + "\n\n" + rest[rest.index(end):]
    return page


def goal_lines(result, goals):
    """Returns the number of missed goals, and a line for each goal."""
    lines, misses = [], 0
    for figure in result["figures"]:
        limit = goals.get(figure["name"])
        entry = figure["targets"].get(OURS, {})
        if limit is None or "ratio" not in entry:
            continue
        if entry["ratio"] <= limit:
            verdict = "holds"
        else:
            misses += 1
            verdict = "MISSED, though not in every round" if entry["low"] <= limit else "MISSED"
        lines.append(f"  {figure['name']:<20} at most {limit:<5} is {short(entry['ratio']):>6} "
                     f"({short(entry['low'])} to {short(entry['high'])})  {verdict}")
    return misses, lines


def slower_than_peers(result):
    """Returns a line for each peer and figure in which Penstock is not faster, by the rounds."""
    peers = [target["name"] for target in measured(result) if target["kind"] == "peer"]
    lines = []
    for figure in result["figures"]:
        ours = figure["targets"].get(OURS, {}).get("samples_ns", [])
        for name in peers:
            theirs = figure["targets"].get(name, {}).get("samples_ns", [])
            factors = [ns / peer for ns, peer in zip(ours, theirs) if ns and peer]
            if not factors or statistics.median(factors) < 1:
                continue
            slower = sum(factor >= 1 for factor in factors)
            lines.append(f"  {figure['name']:<20} {short(statistics.median(factors)):>6} times "
                         f"{name}, slower in {slower} of {len(factors)} rounds")
    return lines


def failures(result):
    """Returns a line for each error of Penstock itself."""
    lost = [f"  {target['name']}: {target['lost'] or target['missing']}"
            for target in result["targets"]
            if target["kind"] == OURS and (target["lost"] or target["missing"])]
    return lost + ["  " + line for line in errors(result, OURS)]


def check(result):
    """Returns the number of failures and of missed goals of MUST, and a text about all goals."""
    if OURS not in [target["name"] for target in measured(result)]:
        return 1, f"nothing to check: {OURS} was not measured"
    failed = failures(result)
    misses, must = goal_lines(result, MUST)
    later, aim = goal_lines(result, AIM)
    behind = slower_than_peers(result)
    lines = [f"Failures: {len(failed)}"] + failed
    lines += ["", f"Goals that must hold: {len(must) - misses} of {len(must)}"] + must
    lines += ["", f"Goals to grow into: {len(aim) - later} of {len(aim)}"] + aim
    lines += ["", f"Not faster than a peer: {len(behind)}"] + behind
    return misses + len(failed), "\n".join(lines)
