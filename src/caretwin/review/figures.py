"""The drawings of a dosing report as SVG text: calm, the same colours for the same things, no pyplot and no state.

Colours are from Okabe & Ito, Color Universal Design 2008, told apart by people who confuse red and green; every line
also has its own dash or mark.
"""

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from caretwin.decide.bands import Band
from caretwin.decide.dosing import Advice
from caretwin.review import dosing_words as words

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8a949e", "#1f2a33"
PALE = {"under": "#E6B450", "target": "#3A8F6E", "over": "#C4573A"}
WIDE = 9.2  # inches at 100 px; the page scales it
BARS = 10  # regimens in the comparison
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


def course(advice: Advice, bands: Sequence[Band]) -> str:
    """What was measured against what the models believe, and what comes next under each regimen."""
    now, drug = advice.question.now, words.drug_of(advice)
    unit = bands[0].unit
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(3.6)
        hours = bands[0].times - now
        past = hours <= 0
        axes.fill_between(hours[past], bands[0].low[past], bands[0].high[past], color=GREY, alpha=0.28, lw=0)
        axes.plot(hours[past], bands[0].median[past], color=INK, lw=1.2)
        looks = {"advised": (BLUE, "-"), "as now": (ORANGE, (0, (4, 2))), "without": (GREY, (0, (1, 1)))}
        for band in bands:
            role = _role(band, advice)
            colour, dash = looks[role]
            ahead = hours >= 0
            name = "nothing more given" if band.regimen is None else words.in_words(band.regimen, drug)
            axes.fill_between(hours[ahead], band.low[ahead], band.high[ahead], color=colour, alpha=0.16, lw=0)
            axes.plot(hours[ahead], band.median[ahead], color=colour, ls=dash, lw=1.6, label=f"{role}: {name}")
        _measurements(axes, advice, bands[0].channel, unit, now)
        axes.axvline(0, color=INK, lw=0.8)
        axes.annotate("now", (0, 1), xycoords=("data", "axes fraction"), xytext=(3, -3), textcoords="offset points",
                      va="top", fontsize=9)  # fmt: skip
        axes.set_xlabel("hours from now")
        axes.set_ylabel(_axis(drug, bands[0].channel, unit))
        axes.set_ylim(bottom=0)
        axes.set_xlim(hours[0], hours[-1])
        axes.grid(axis="y", color="#e6eaed", lw=0.7)
        axes.set_axisbelow(True)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, ncols=1, borderaxespad=0.2)
        text = "Median and 90 % band of the averaged models, before and after now; crosses are measured values."
        return svg(figure, f"{drug.drug} over time", text, "course")


def _role(band: Band, advice: Advice) -> str:
    if advice.best is not None and band.regimen == advice.best.regimen:
        return "advised"
    return "as now" if band.regimen is not None else "without"


def _axis(drug: Any, channel: str, unit: str) -> str:
    if channel == "level":
        return f"{drug.drug}, {unit}"
    return str(drug.channels[channel].description) + ("" if unit == "1" else f", {unit}")


def _measurements(axes: Any, advice: Advice, channel: str, unit: str, now: float) -> None:
    found = [v for v in advice.record.levels if v.channel == channel]
    inside = [v for v in found if v.censoring == "measured"]
    drug = words.drug_of(advice)
    values = [words.in_unit(v.value, v.unit, unit, drug.drug) for v in inside]
    if values:
        axes.plot([v.time_h - now for v in inside], values, ls="none", marker="x", ms=7, mew=1.8, color=INK,
                  label="measured")  # fmt: skip
    beyond = [v for v in found if v.censoring != "measured"]
    if beyond:
        limits = [words.in_unit(v.limit or v.value, v.unit, unit, drug.drug) for v in beyond]
        axes.plot([v.time_h - now for v in beyond], limits, ls="none", marker="v", ms=7, color=INK,
                  label="outside the limit of quantification")  # fmt: skip


def comparison(advice: Advice) -> str:
    """Chances of the best regimens and of the present one: under, on target and over, at the end of the horizon."""
    drug, target = words.drug_of(advice), advice.target
    rows = words.shown_regimens(advice, BARS)
    names = [words.in_words(j.regimen, drug) for j in rows]
    if advice.current is not None:
        rows, names = [*rows, advice.current], [*names, f"as now: {words.in_words(advice.current.regimen, drug)}"]
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(1.1 + 0.3 * len(rows))
        y = np.arange(len(rows))[::-1]
        left = np.zeros(len(rows))
        parts = [("under", "under the target")] * (target.low is not None)
        parts += [("target", "on target")]
        parts += [("over", "over the target")] * (target.high is not None)
        hatches = {"under": "////", "target": "", "over": "xxxx"}
        for part, label in parts:
            width = np.array([getattr(j.late, part) for j in rows])
            axes.barh(y, width, left=left, height=0.68, color=PALE[part], label=label, hatch=hatches[part],
                      edgecolor="white", lw=0)  # fmt: skip
            for place, (w, start) in enumerate(zip(width, left, strict=True)):
                if w >= 0.07:
                    axes.text(start + w / 2, y[place], f"{100 * w:.0f}", ha="center", va="center", fontsize=9,
                              color="white" if part != "under" else INK, fontweight="bold",
                              bbox={"facecolor": PALE[part], "edgecolor": "none", "pad": 1})  # fmt: skip
            left = left + width
        axes.set_yticks(y, names, fontsize=9)
        axes.tick_params(axis="y", length=0)
        axes.set_xlim(0, 1)
        axes.set_xticks(np.linspace(0, 1, 6), [f"{v:.0f} %" for v in np.linspace(0, 100, 6)])
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, ncols=3, borderaxespad=0.2)
        text = "Share of the patient's possible courses under, on and over the target; the numbers are in the table."
        return svg(figure, "Chances of each regimen", text, "chances")


def exposures(advice: Advice) -> str:
    """Mean exposure and 90 % interval of the best regimens against the target range."""
    drug, target = words.drug_of(advice), advice.target
    rows = words.shown_regimens(advice, BARS)
    names = [words.in_words(j.regimen, drug) for j in rows]
    if advice.current is not None:
        rows, names = [*rows, advice.current], [*names, f"as now: {words.in_words(advice.current.regimen, drug)}"]
    scale = 100.0 if words.is_share(target) else 1.0
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(1.1 + 0.28 * len(rows))
        y = np.arange(len(rows))[::-1]
        low = 0.0 if target.low is None else target.low
        high = max(j.late.high for j in rows) * 1.05 if target.high is None else target.high
        axes.axvspan(scale * low, scale * high, color=PALE["target"], alpha=0.18, lw=0, label="target")
        for moment, shift, face in (("early", 0.14, "white"), ("late", -0.14, INK)):
            chances = [getattr(j, moment) for j in rows]
            ends = [scale * c.low for c in chances], [scale * c.high for c in chances]
            axes.hlines(y + shift, *ends, color=GREY, lw=2)
            axes.plot([scale * c.mean for c in chances], y + shift, ls="none", marker="o", ms=5, mfc=face, mec=INK,
                      label=f"{moment}: mean and 90 %")  # fmt: skip
        axes.set_yticks(y, names, fontsize=9)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        unit = words.exposure_unit(target)
        axes.set_xlabel(words.PERIOD[target.kind] + (f", {unit}" if unit else ""))
        axes.set_xlim(left=0)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, ncols=3, borderaxespad=0.2)
        text = "Exposure of each regimen against the target range; the numbers are in the table."
        return svg(figure, "Exposure of each regimen", text, "exposure")


def samples(advice: Advice) -> str:
    """What a blood sample at each time would be worth."""
    found = sorted(advice.samples, key=lambda s: s.hours)
    hours = [s.hours for s in found]
    with matplotlib.rc_context(STYLE):
        figure, axes = _figure(2.5)
        axes.plot(hours, [100 * s.variance_removed for s in found], color=BLUE, marker="o", ms=4, lw=1.4,
                  label="variance of the exposure removed, %")  # fmt: skip
        axes.plot(hours, [1000 * s.gain for s in found], color=ORANGE, marker="s", ms=4, lw=1.4, ls=(0, (4, 2)),
                  label="gain in utility, thousandths")  # fmt: skip
        best = advice.samples[0]
        axes.axvline(best.hours, color=GREY, lw=1)
        axes.annotate("best", (best.hours, 1), xycoords=("data", "axes fraction"), xytext=(3, -2),
                      textcoords="offset points", va="top", fontsize=9)  # fmt: skip
        axes.set_ylim(bottom=0)
        axes.set_xlabel("hours from now, under the advised regimen")
        axes.grid(axis="y", color="#e6eaed", lw=0.7)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), frameon=False, fontsize=9, ncols=2, borderaxespad=0.2)
        text = f"Best at {words.number(best.hours)} hours from now."
        return svg(figure, "Worth of the next blood sample by its time", text, "samples")
