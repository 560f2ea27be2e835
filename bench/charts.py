"""Draw the ratios: a panel for each work, in it a mark for each interpreter and door."""

from __future__ import annotations

import matplotlib
from matplotlib import pyplot
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator
from summary import DOORS, HEADS, quartiles, ratios
from works import IMPORT, PATCH

# Of Okabe and Ito's palette, for the colour-blind; on paper one is dark and the other light.
LOOKS = {
    IMPORT: {"marker": "o", "color": "#0072b2", "markeredgecolor": "#003a5c"},
    PATCH: {"marker": "s", "color": "#e69f00", "markeredgecolor": "#5c3f00"},
}
STANDARD_LINE = {"color": "#555555", "linewidth": 0.8, "linestyle": (0, (4, 3))}
GOAL = {"color": "black", "linewidth": 1.2}
# All axes show as much, so that panels can be compared; some need more.
RANGE = (0.3, 1.2)
TICKS = [0.001, 0.01, 0.1, 0.2, 0.5, 1, 2, 5, 10]
WIDTH, PANEL, REST = 5.6, 1.25, 0.8  # inches
SETTINGS = {
    "font.size": 10,
    "svg.fonttype": "none",  # Text stays text.
    "svg.hashsalt": "poolcompat",  # The same results give the same file.
}


def draw(path, section, panels):
    """Write the chart of a section to *path*."""
    names = list(dict.fromkeys(name for works in panels.values() for name in works))
    height = PANEL * len(panels) + REST
    with matplotlib.rc_context(SETTINGS):
        figure, axes = pyplot.subplots(
            len(panels), sharex=True, squeeze=False, figsize=(WIDTH, height), layout="constrained"
        )
        for axis, (title, works) in zip(axes[:, 0], panels.items()):
            draw_panel(axis, DOORS[section], names, works)
            axis.set_title(title, loc="left", fontsize=10)
        axes[-1, 0].set_xticks(range(len(names)), [name.replace(" ", "\n") for name in names])
        figure.supylabel("ratio, logarithmic; less is better", fontsize=10)
        add_legend(figure, section)
        path.parent.mkdir(exist_ok=True)
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)


def draw_panel(axis, doors, names, works):
    axis.set_yscale("log")
    axis.axhline(1, **STANDARD_LINE)
    measured = [(x, works[name]) for x, name in enumerate(names) if name in works]
    starts, goals = [x - 0.42 for x, _ in measured], [work["goal"] for _, work in measured]
    axis.hlines(goals, starts, [start + 0.84 for start in starts], **GOAL)
    shown = [*RANGE, *goals]
    for index, door in enumerate(doors):
        offset = 0.26 * (index - (len(doors) - 1) / 2)
        places = [x + offset for x, _ in measured]
        lows, medians, highs = zip(*(quartiles(ratios(work, door)) for _, work in measured))
        axis.vlines(places, lows, highs, color=LOOKS[door]["markeredgecolor"], linewidth=1)
        axis.plot(places, medians, linestyle="", markersize=5.5, markeredgewidth=0.8, **LOOKS[door])
        shown += [*lows, *highs]
    show_range(axis, 0.8 * min(shown), 1.25 * max(shown))
    axis.set_xlim(-0.6, len(names) - 0.4)
    axis.tick_params(axis="x", length=0)
    axis.spines[["top", "right"]].set_visible(False)


def show_range(axis, low, high):
    axis.set_ylim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.yaxis.set_minor_locator(NullLocator())
    axis.grid(axis="y", color="#dddddd", linewidth=0.6)
    axis.set_axisbelow(True)


def add_legend(figure, section):
    _, other, *ours, _ = HEADS[section]
    looks = zip(ours, DOORS[section])
    marks = [Line2D([], [], linestyle="", label=label, **LOOKS[door]) for label, door in looks]
    marks += [
        Line2D([], [], marker="|", linestyle="", color="black", label="half of the rounds"),
        Line2D([], [], label="goal", **GOAL),
        Line2D([], [], label=other, **STANDARD_LINE),
    ]
    figure.legend(
        handles=marks,
        loc="outside upper center",
        ncols=len(marks),
        frameon=False,
        fontsize=9,
        handlelength=1.2,
        columnspacing=1,
    )
