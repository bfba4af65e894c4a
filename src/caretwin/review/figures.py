"""The drawings of a dosing report as SVG text: calm, the same colours for the same things, no pyplot and no state.

Colours are from Okabe & Ito, Color Universal Design 2008, told apart by people who confuse red and green; every line
also has its own dash or mark.
"""

import io
import re
from functools import singledispatch
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from caretwin.review.drawings import ChancesDrawing, CourseDrawing, ExposureDrawing, Fan, SamplesDrawing

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8a949e", "#1f2a33"
PALE = {"under": "#E6B450", "target": "#3A8F6E", "over": "#C4573A"}
WIDE = 9.2  # inches at 100 px; the page scales it
LOOKS: dict[str, Any] = {"advised": (BLUE, "-"), "as now": (ORANGE, (0, (4, 2))), "without": (GREY, (0, (1, 1)))}
PARTS = {"under": ("under the target", "////"), "target": ("on target", ""), "over": ("over the target", "xxxx")}
ABOVE: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "frameon": False, "fontsize": 9,
                         "borderaxespad": 0.2}  # fmt: skip
STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "caretwin",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": "#b9c2ca",
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.linewidth": 0.5,
}


def svg(figure: Figure, title: str, description: str, name: str) -> str:
    """The figure as inline SVG with a title and a description for those who do not see it.

    name   prefix of every id, so that several drawings can stand in one page
    """
    out = io.StringIO()
    FigureCanvasSVG(figure)
    with matplotlib.rc_context(STYLE):
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r' (width|height)="[\d.]+pt"', "", text, count=2)
    text = re.sub(r"font: [^;\"]*?(\d+(?:\.\d+)?)px [^;\"]*", r"font: \1px Helvetica, Arial, sans-serif", text)
    label = f'<title id="{name}-title">{_escape(title)}</title><desc id="{name}-desc">{_escape(description)}</desc>'
    return re.sub(
        r"<svg ([^>]*)>", rf'<svg role="img" aria-labelledby="{name}-title {name}-desc" \1>{label}', text, count=1
    )


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\\", "\\\\")


def _figure(height: float) -> tuple[Figure, Any]:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, height), layout="constrained")
        axes = figure.add_subplot()
    return figure, axes


@singledispatch
def draw(drawing: Any) -> str:
    """The drawing as SVG text.

    Raises TypeError for what is none of the drawings.
    """
    raise TypeError(f"no way to draw a {type(drawing).__name__}")


@draw.register
def _course(drawing: CourseDrawing) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(3.6)
        past = drawing.past
        _fill(axes, past, GREY, 0.28)
        axes.plot(past.hours, past.median, color=INK, lw=1.2)
        for fan in drawing.ahead:
            colour, dash = LOOKS[fan.role]
            _fill(axes, fan, colour, 0.16)
            axes.plot(fan.hours, fan.median, color=colour, ls=dash, lw=1.6, label=fan.label)
        _marks(axes, drawing.measured, marker="x", ms=7, mew=1.8, label="measured")
        _marks(axes, drawing.beyond, marker="v", ms=7, label="outside the limit of quantification")
        axes.axvline(0, color=INK, lw=0.8)
        axes.annotate("now", (0, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
                      va="top", fontsize=9)  # fmt: skip
        axes.set_xlabel("hours from now")
        axes.set_ylabel(drawing.axis)
        axes.set_ylim(bottom=0)
        hours = np.concatenate([past.hours, *(fan.hours for fan in drawing.ahead)])
        axes.set_xlim(hours.min(), hours.max())
        axes.grid(axis="y", color="#e6eaed", lw=0.7)
        axes.set_axisbelow(True)
        axes.legend(ncols=1, **ABOVE)
        text = "Median and 90 % band of the averaged models, before and after now; crosses are measured values."
        return svg(figure, f"{drawing.drug} over time", text, "course")


def _fill(axes: Any, fan: Fan, colour: str, alpha: float) -> None:
    axes.fill_between(fan.hours, fan.low, fan.high, color=colour, alpha=alpha, lw=0)


def _marks(axes: Any, points: Any, **look: Any) -> None:
    if points:
        axes.plot(*zip(*points, strict=True), ls="none", color=INK, **look)


@draw.register
def _chances(drawing: ChancesDrawing) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(1.1 + 0.3 * len(drawing.names))
        y = _named_rows(axes, drawing.names)
        left = np.zeros(len(y))
        for part, shares in drawing.shares.items():
            label, hatch = PARTS[part]
            axes.barh(y, shares, left=left, height=0.68, color=PALE[part], label=label, hatch=hatch,
                      edgecolor="white", lw=0)  # fmt: skip
            for place, (share, start) in enumerate(zip(shares, left, strict=True)):
                if share >= 0.07:
                    axes.text(start + share / 2, y[place], f"{100 * share:.0f}", ha="center", va="center", fontsize=9,
                              color="white" if part != "under" else INK, fontweight="bold",
                              bbox={"facecolor": PALE[part], "edgecolor": "none", "pad": 1})  # fmt: skip
            left = left + np.asarray(shares)
        axes.set_xlim(0, 1)
        axes.set_xticks(np.linspace(0, 1, 6), [f"{v:.0f} %" for v in np.linspace(0, 100, 6)])
        axes.legend(ncols=3, **ABOVE)
        text = "Share of the patient's possible courses under, on and over the target; the numbers are in the table."
        return svg(figure, "Chances of each regimen", text, "chances")


def _named_rows(axes: Any, names: tuple[str, ...]) -> np.ndarray:
    y = np.arange(len(names))[::-1]
    axes.set_yticks(y, names, fontsize=9)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return y


@draw.register
def _exposures(drawing: ExposureDrawing) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(1.1 + 0.28 * len(drawing.names))
        y = _named_rows(axes, drawing.names)
        axes.axvspan(*drawing.target, color=PALE["target"], alpha=0.18, lw=0, label="target")
        for moment, rows, shift, face in (("early", drawing.early, 0.14, "white"), ("late", drawing.late, -0.14, INK)):
            low, mean, high = zip(*rows, strict=True)
            axes.hlines(y + shift, low, high, color=GREY, lw=2)
            axes.plot(mean, y + shift, ls="none", marker="o", ms=5, mfc=face, mec=INK,
                      label=f"{moment}: mean and 90 %")  # fmt: skip
        axes.set_xlabel(drawing.axis)
        axes.set_xlim(left=0)
        axes.legend(ncols=3, **ABOVE)
        text = "Exposure of each regimen against the target range; the numbers are in the table."
        return svg(figure, "Exposure of each regimen", text, "exposure")


@draw.register
def _samples(drawing: SamplesDrawing) -> str:
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(2.5)
        axes.plot(drawing.hours, [100 * share for share in drawing.variance_removed], color=BLUE, marker="o", ms=4,
                  lw=1.4, label="variance of the exposure removed, %")  # fmt: skip
        axes.plot(drawing.hours, [1000 * gain for gain in drawing.gain], color=ORANGE, marker="s", ms=4, lw=1.4,
                  ls=(0, (4, 2)), label="gain in utility, thousandths")  # fmt: skip
        axes.axvline(drawing.best, color=GREY, lw=1)
        axes.annotate("best", (drawing.best, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                      textcoords="offset points", va="top", fontsize=9)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlabel("hours from now, under the advised regimen")
        axes.grid(axis="y", color="#e6eaed", lw=0.7)
        axes.legend(ncols=2, **ABOVE)
        text = f"Best at {drawing.best:g} hours from now."
        return svg(figure, "Worth of the next blood sample by its time", text, "samples")
