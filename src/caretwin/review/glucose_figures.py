"""The drawings of a glucose report as SVG text: what was, what each treatment would do, and what it would risk."""

from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure

from caretwin.decide.glucose import Advice, Judged
from caretwin.decide.glucose_futures import EVERY
from caretwin.review import glucose_words as words
from caretwin.review.figures import ABOVE, BLUE, GREY, INK, ORANGE, PALE, STYLE, WIDE, svg
from caretwin.twin.glucose import measured

BACK = 24.0  # h before now that are drawn


def drawings(advice: Advice) -> dict[str, str]:
    """SVG texts by name: the course, and the choice of an insulin rate."""
    if advice.followed is None or advice.series is None:
        return {}
    return {"course": _course(advice), "rates": _rates(advice)}


def _course(advice: Advice) -> str:
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 6.4), layout="constrained")
        ratios = {"height_ratios": [3.2, 1.0, 1.3]}
        glucose, insulin, sensitivity = figure.subplots(3, 1, sharex=True, gridspec_kw=ratios)
        _glucose(glucose, advice)
        _insulin(insulin, advice)
        _sensitivity(sensitivity, advice)
        for axes in (glucose, insulin, sensitivity):
            axes.axvline(0, color=INK, lw=0.8)
            axes.grid(axis="y", color="#e6eaed", lw=0.7)
            axes.set_axisbelow(True)
        glucose.annotate("now", (0, 1), xycoords=("data", "axes fraction"), xytext=(3, -3),
                         textcoords="offset points", va="top", fontsize=9)  # fmt: skip
        sensitivity.set_xlabel("hours from now")
        sensitivity.set_xlim(_past_hours(advice)[0], max(advice.question.limits.intervals) + 0.05)
        text = (
            "Glucose behind and ahead with its 90 % band, insulin that runs, and insulin sensitivity as the twin has "
            "it. Crosses are laboratory values, circles a meter's."
        )
        return svg(figure, "Glucose over time", text, "course")


def _past_hours(advice: Advice) -> np.ndarray:
    assert advice.series is not None
    hours = np.asarray(advice.series.history.time) - advice.question.now
    return hours[hours >= -BACK]


def _past(advice: Advice, values: Any) -> np.ndarray:
    return np.asarray(values)[-len(_past_hours(advice)) :]


def _glucose(axes: Any, advice: Advice) -> None:
    limits, hours = advice.question.limits, _past_hours(advice)
    axes.axhspan(limits.low, limits.high, color=PALE["target"], alpha=0.15, lw=0, label="wanted")
    assert advice.followed is not None
    low, median, high = _past(advice, advice.followed.glucose).T
    axes.fill_between(hours, low, high, color=GREY, alpha=0.28, lw=0)
    axes.plot(hours, median, color=INK, lw=1.2)
    if advice.current is not None and not _same(advice):
        _fan(axes, advice, advice.current, ORANGE, (0, (4, 2)), f"as now: {words.rate(advice.current.insulin)}")
    if advice.chosen is not None:
        _fan(axes, advice, advice.chosen.best, BLUE, "-", f"advised: {words.rate(advice.chosen.best.insulin)}")
        axes.axvline(advice.chosen.hours, color=BLUE, lw=0.8, ls=(0, (1, 2)))
    times, values, channels = measured(advice.record.as_of(advice.question.now))
    back = times - advice.question.now
    for channel, mark, label in ((0, "x", "laboratory"), (1, "o", "meter")):
        chosen = (channels == channel) & (back >= hours[0]) & (back <= 0)
        if chosen.any():
            face = {"mfc": "white"} if mark == "o" else {}
            axes.plot(
                back[chosen], values[chosen], ls="none", marker=mark, color=INK, ms=6, mew=1.6, label=label, **face
            )
    axes.set_ylabel("glucose, mmol/L")
    axes.set_ylim(bottom=0)
    axes.legend(ncols=3, **ABOVE)


def _same(advice: Advice) -> bool:
    return advice.chosen is not None and advice.chosen.best is advice.current


def _fan(axes: Any, advice: Advice, judged: Judged, colour: str, dash: Any, label: str) -> None:
    assert advice.followed is not None
    start = np.asarray(advice.followed.glucose)[-1]
    hours = np.concatenate([[0.0], EVERY / 60 * np.arange(1, len(judged.bands) + 1)])
    low, median, high = (np.concatenate([[s], judged.bands[:, c]]) for s, c in zip(start, (0, 2, 4), strict=True))
    axes.fill_between(hours, low, high, color=colour, alpha=0.16, lw=0)
    axes.plot(hours, median, color=colour, ls=dash, lw=1.6, label=label)


def _insulin(axes: Any, advice: Advice) -> None:
    assert advice.series is not None
    hours = _past_hours(advice)
    u = advice.series.history.u
    axes.stairs(_past(advice, u["insulin"])[1:], hours, color=INK, lw=1.2, baseline=None)
    injected = sum(_past(advice, u[name]) for name in u if name.startswith("insulin_"))
    for hour, units in zip(hours, injected, strict=True):
        if units > 0:
            axes.annotate(f"{units:g} U", (hour, 0), ha="center", va="bottom", fontsize=8, color=ORANGE)
    end = max(advice.question.limits.intervals)
    if advice.chosen is not None:
        rate = advice.chosen.best.insulin
        axes.plot([0, advice.chosen.hours], [rate, rate], color=BLUE, lw=1.6)
    elif advice.current is not None:
        axes.plot([0, end], [advice.current.insulin] * 2, color=ORANGE, lw=1.4, ls=(0, (4, 2)))
    axes.set_ylabel("insulin, U/h")
    axes.set_ylim(bottom=0)


def _sensitivity(axes: Any, advice: Advice) -> None:
    assert advice.followed is not None
    hours = _past_hours(advice)
    low, median, high = 1e4 * _past(advice, advice.followed.sensitivity).T
    axes.fill_between(hours, low, high, color=GREY, alpha=0.28, lw=0)
    axes.plot(hours, median, color=INK, lw=1.2)
    axes.set_yscale("log")
    ticks = [t for t in (0.1, 0.3, 1, 3, 10, 30, 100) if low.min() <= t <= high.max()]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    axes.set_ylabel("SI, 1e-4\nL/mU/min")


def _rates(advice: Advice) -> str:
    """For every insulin rate, with the best feed for it: time in the band, and the chance of a low glucose."""
    limits = advice.question.limits
    hours = advice.chosen.hours if advice.chosen is not None else limits.intervals[0]
    best: dict[float, Judged] = {}
    for judged in advice.judged:  # best first
        best.setdefault(judged.insulin, judged)
    rows = [best[rate] for rate in sorted(best)]
    insulin = [j.insulin for j in rows]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(WIDE, 2.9), layout="constrained")
        axes = figure.add_subplot()
        axes.plot(insulin, [100 * j.inside[hours - 1] for j in rows], color=PALE["target"], marker="o", ms=4,
                  label=f"time in {limits.low:g}-{limits.high:g} mmol/L")  # fmt: skip
        axes.plot(insulin, [100 * j.low[hours - 1] for j in rows], color=PALE["over"], marker="s", ms=4, ls=(0, (4, 2)),
                  label=f"chance of a glucose below {limits.low:g}")  # fmt: skip
        axes.axhline(100 * limits.allowed, color=PALE["over"], lw=0.8)
        axes.annotate(f"allowed: {100 * limits.allowed:g} %", (insulin[-1], 100 * limits.allowed), ha="right",
                      va="top", fontsize=8.5, color=PALE["over"])  # fmt: skip
        if advice.chosen is not None:
            axes.axvline(advice.chosen.best.insulin, color=BLUE, lw=1.2)
            axes.annotate("advised", (advice.chosen.best.insulin, 1), xycoords=("data", "axes fraction"),
                          xytext=(3, -3), textcoords="offset points", va="top", fontsize=9, color=BLUE)  # fmt: skip
        axes.set_xlabel("insulin, U/h")
        axes.set_ylabel(f"within {hours} h, %")
        axes.set_ylim(0, 100)
        axes.grid(axis="y", color="#e6eaed", lw=0.7)
        axes.set_axisbelow(True)
        axes.legend(ncols=2, **ABOVE)
        text = "What each insulin rate would keep in the band, and what it would risk; the numbers are in the table."
        return svg(figure, "Choice of the insulin rate", text, "rates")
