"""What-if drawings as SVG text: bands over minutes for several courses, and maps of a probability over two settings."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import matplotlib
import numpy as np
from jaxtyping import Float
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from caretwin.review.bedside_words import READINGS, cell
from caretwin.review.figures import ABOVE, BLUE, GREY, INK, ORANGE, PALE, STYLE, WIDE, svg

LOOKS: Sequence[tuple[str, Any]] = ((GREY, (0, (1, 1))), (ORANGE, (0, (4, 2))), (BLUE, "-"))
SAFETY = ListedColormap(["#C4573A", "#D98E5F", "#E6C888", "#BFD3A6", "#3A8F6E"])
EDGES = (0.5, 0.8, 0.9, 0.95)
"""Where the colours of a map change; the darkest green is what the chance constraints ask for at least."""


class Course(NamedTuple):
    """One line of a fan: what it is, its place in :data:`LOOKS`, and bands [T, R, 3]."""

    label: str
    look: int
    bands: Float[np.ndarray, "T R 3"]


def fans(
    courses: Sequence[Course],
    minutes: Sequence[float],
    names: Sequence[str],
    drawn: Sequence[str],
    bounds: Mapping[str, tuple[float, ...]],
    title: str,
) -> str:
    """Median and 90 % band of each drawn reading over minutes, one small panel each.

    names    of the readings in the bands; drawn: those that are shown
    bounds   limits to draw as lines, by reading
    """
    columns = 3
    rows = -(-len(drawn) // columns)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 0.5 + 1.75 * rows), layout="constrained")
        panels = figure.subplots(rows, columns, sharex=True, squeeze=False).ravel()
        for axes, name in zip(panels, drawn, strict=False):
            r = list(names).index(name)
            for course in courses:
                colour, dash = LOOKS[course.look]
                low, middle, high = course.bands[:, r].T
                axes.fill_between(minutes, low, high, color=colour, alpha=0.15, lw=0)
                axes.plot(minutes, middle, color=colour, ls=dash, lw=1.6, label=course.label)
            for bound in bounds.get(name, ()):
                low, high = axes.get_ylim()
                if low - 0.5 * (high - low) < bound < high + 0.5 * (high - low):
                    axes.axhline(bound, color=PALE["over"], lw=0.8)
            label, unit, _ = READINGS[name]
            axes.set_title(f"{label}, {unit}" if unit else label, fontsize=9.5, loc="left")
            axes.grid(axis="y", color="#e6eaed", lw=0.7)
            axes.set_axisbelow(True)
            axes.margins(x=0)
        for axes in panels[len(drawn) :]:
            axes.set_visible(False)
        for axes in panels[max(len(drawn) - columns, 0) : len(drawn)]:
            axes.set_xlabel("min from the change")
            axes.tick_params(labelbottom=True)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper left", ncols=len(labels), frameon=False, fontsize=9)
        text = (
            "Median and 90 % band over the minutes after a change; red lines are limits. The numbers are in the table."
        )
        return svg(figure, title, text, "fans")


def safe_map(
    safe: Float[np.ndarray, "r c"],
    rows: tuple[str, Sequence[float]],
    columns: tuple[str, Sequence[float]],
    present: tuple[float, float],
    name: str,
    title: str,
    wanted: bool = True,
) -> str:
    """A probability over two settings, its number in every cell; the ring is where the settings are now.

    rows, columns   label and values; present: the settings now, in the same units; name: prefix of ids
    wanted          whether a low probability is a warning (red) or only low (pale)
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE / 2, 3.9), layout="constrained")
        axes = figure.add_subplot()
        for i, line in enumerate(safe):
            for j, p in enumerate(line):
                known = bool(np.isfinite(p))
                colour = _colour(float(p), wanted)
                axes.add_patch(_cell(j, i, colour))
                dark = known and (p >= EDGES[-1] or (p < EDGES[0] and wanted) or (p >= 0.7 and not wanted))
                axes.text(j, i, cell(float(p)), ha="center", va="center", fontsize=7.5, color="white" if dark else INK)
        axes.set_xlim(-0.5, len(columns[1]) - 0.5)
        axes.set_ylim(-0.5, len(rows[1]) - 0.5)
        axes.set_xticks(range(len(columns[1])), [f"{v:g}" for v in columns[1]], fontsize=8)
        axes.set_yticks(range(len(rows[1])), [f"{v:g}" for v in rows[1]], fontsize=8)
        axes.tick_params(length=0)
        axes.set_xlabel(columns[0])
        axes.set_ylabel(rows[0])
        place = [
            float(np.interp(v, values, range(len(values))))
            for v, values in zip(present, (rows[1], columns[1]), strict=True)
        ]
        axes.plot(place[1], place[0], marker="o", ms=17, mfc="none", mec=INK, mew=1.6, clip_on=False)
        axes.set_title(title, fontsize=9.5, loc="left")
        text = "Chance in % that every hard limit holds; the ring marks the present setting; dots are not judged."
        return svg(figure, title, text, name)


def _colour(p: float, wanted: bool) -> Any:
    if not np.isfinite(p):
        return "#eef0f2"
    if wanted:
        return SAFETY(int(np.searchsorted(EDGES, p, side="right")))
    return matplotlib.colormaps["Blues"](0.05 + 0.75 * p)


def _cell(x: float, y: float, colour: Any) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.48), 0.96, 0.96, facecolor=colour, edgecolor="none")


__all__ = ["ABOVE", "Course", "fans", "safe_map"]
