# SPDX-License-Identifier: LGPL-2.1-or-later
"""
Draws a table as a chart: a row for each figure, a mark for each target, on a logarithmic scale of
ratios to the lower directory. The targets of one chart differ in shape as well as in colour. All
colours have a middle brightness, so a reader can tell them apart on light and dark backgrounds.
"""
import math
from html import escape

import report

LEFT, RIGHT, ROW, TOP, WIDTH = 190, 24, 22, 92, 980

COLUMN = 134    # width of a column of the legend, which has room for MOST series and the goal
MOST = 6        # the largest number of series in one chart

# colour, shape. The peers have no shape in common; neither have the variants of Penstock.
MARKS = {
    "bind": ("#8a8a8a", "bar"), "overlayfs": ("#8a8a8a", "diamond"),
    "penstock": ("#e8590c", "disc"),
    "bindfs": ("#1c7ed6", "triangle"), "mergerfs": ("#2b9d4f", "square"),
    "fuse-overlayfs": ("#9257d0", "cross"),
    "penstock-auto": ("#1c7ed6", "triangle"), "penstock-uring": ("#2b9d4f", "square"),
    "penstock-lean": ("#9257d0", "diamond"), "penstock-off": ("#8a8a8a", "cross"),
    "penstock-filter": ("#c2255c", "ring"),
}

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #333 }
  .title { font-size: 15px; font-weight: 600 } .axis { font-size: 11px; fill: #777 }
  .grid { stroke: #999; stroke-opacity: .3 } .one { stroke: #777 }
  .span { stroke-width: 4; stroke-opacity: .35 }
  .goal { stroke: #d33; stroke-width: 2 } .ground { fill: #fff }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .axis { fill: #aaa } .one { stroke: #bbb } .ground { fill: #16181c }
  }
"""


def mark(x, y, colour, shape):
    if shape == "disc":
        return f'<circle cx="{x:.1f}" cy="{y}" r="5" fill="{colour}"/>'
    if shape == "ring":
        return (f'<circle cx="{x:.1f}" cy="{y}" r="4" fill="none" stroke="{colour}" '
                f'stroke-width="2"/>')
    paths = {
        "bar": ("M0-6V6", 1), "diamond": ("M0-5L5 0 0 5-5 0Z", 0), "square": ("M-4-4H4V4H-4Z", 0),
        "triangle": ("M0-5L5 4H-5Z", 0), "cross": ("M-4-4L4 4M-4 4L4-4", 1),
    }
    path, stroked = paths[shape]
    paint = f'fill="none" stroke="{colour}" stroke-width="2"' if stroked else f'fill="{colour}"'
    return f'<path transform="translate({x:.1f} {y})" d="{path}" {paint}/>'


class Scale:
    def __init__(self, ratios):
        self.lowest = min(ratios + [0.7]) * 0.9
        self.highest = max(ratios + [10]) * 1.15

    def x(self, ratio):
        part = math.log(ratio / self.lowest) / math.log(self.highest / self.lowest)
        return LEFT + part * (WIDTH - LEFT - RIGHT)

    def ticks(self):
        marks = [factor * 10.0 ** power for power in range(-3, 6) for factor in (1, 2, 5)]
        return [tick for tick in marks if self.lowest <= tick <= self.highest]


def legend(names):
    parts = []
    for i, name in enumerate(names):
        x = 16 + COLUMN * i
        parts.append(mark(x + 5, 48, *MARKS[name]))
        parts.append(f'<text x="{x + 15}" y="52">{escape(name)}</text>')
    x = 16 + COLUMN * len(names)
    parts.append(f'<path class="goal" d="M{x + 5} 40v16"/><text x="{x + 15}" y="52">goal</text>')
    return parts


def grid(scale, bottom):
    parts = []
    for tick in scale.ticks():
        x = scale.x(tick)
        kind = "one" if tick == 1 else "grid"
        parts.append(f'<path class="{kind}" d="M{x:.1f} {TOP - 10}V{bottom}"/>')
        parts.append(f'<text class="axis" text-anchor="middle" x="{x:.1f}" y="{TOP - 16}">'
                     f'{tick:g}</text>')
    return parts


def row(figure, y, names, scale):
    title = figure["what"]
    parts = [f'<g><title>{escape(title)}</title>',
             f'<text text-anchor="end" x="{LEFT - 30}" y="{y + 4}">{escape(figure["name"])}</text>']
    goal = report.MUST.get(figure["name"], report.AIM.get(figure["name"]))
    if goal:
        parts.append(f'<path class="goal" d="M{scale.x(goal):.1f} {y - 8}v16"/>')
    ours = figure["targets"].get(report.OURS, {}).get("ratio")
    if ours:
        parts.append(f'<path class="span" stroke="{MARKS[report.OURS][0]}" '
                     f'd="M{scale.x(1):.1f} {y}H{scale.x(ours):.1f}"/>')
    # Penstock last, on top of the others.
    for name in sorted(names, key=lambda each: each == report.OURS):
        ratio = figure["targets"].get(name, {}).get("ratio")
        if ratio:
            parts.append(f'<g>{mark(scale.x(ratio), y, *MARKS[name])}'
                         f'<title>{escape(name)}: {report.short(ratio)}</title></g>')
    return parts + ["</g>"]


def as_svg(result, names):
    """Returns a chart of the first MOST targets in names that were measured."""
    measured = [target["name"] for target in report.measured(result)]
    names = [name for name in names[:MOST] if name in measured]
    ratios = [entry["ratio"] for figure in result["figures"]
              for name, entry in figure["targets"].items() if name in names and "ratio" in entry]
    scale = Scale(ratios)
    bottom = TOP + ROW * len(result["figures"])
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom + 30}" '
             f'width="{WIDTH}" height="{bottom + 30}" role="img">',
             f"<style>{STYLE}</style>",
             f'<rect class="ground" width="{WIDTH}" height="{bottom + 30}"/>',
             f'<text class="title" x="16" y="24">Time of one operation, as a ratio to the lower '
             f'directory (further left is faster)</text>']
    parts += legend(names) + grid(scale, bottom)
    for i, figure in enumerate(result["figures"]):
        parts += row(figure, TOP + ROW * i + ROW // 2, names, scale)
    parts.append(f'<text class="axis" x="16" y="{bottom + 20}">Linux '
                 f'{escape(result["machine"]["kernel"])}, {result["machine"]["cpus"]} CPUs, '
                 f'{escape(result["settings"]["disk"])}, {escape(result["date"])}</text>')
    return "\n".join(parts + ["</svg>", ""])
