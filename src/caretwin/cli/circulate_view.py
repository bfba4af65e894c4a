"""The haemodynamic advice in a terminal: the answer first, then what it stands on; no colour is needed to understand
it."""

import re

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.base.counted import counted
from caretwin.cli.ventilate_view import bullet, changes, columns, fact, findings, heading
from caretwin.decide.haemodynamics import Advice
from caretwin.review import haemodynamics_words as words
from caretwin.review.bedside_words import READINGS, band, cell, percent
from caretwin.review.haemodynamics_report import SHOWN, compared


def show(console: Console, advice: Advice, when: str) -> None:
    """Print everything that belongs to the answer.

    when   how the time of the question was decided
    """
    target = advice.question.target
    console.print(Text.assemble(("circulation", "bold"), f" of patient {advice.bedside.record.person.subject}"))
    fact(console, "now", f"{words.asked_at(advice)}: {when}; {counted(advice.bedside.data, 'row')} of data taken in")
    fact(console, "runs", words.running(advice))
    fact(console, "target", f"MAP {target.low:g}-{target.high:g} mmHg, as its mean over minutes 15-60")
    fact(console, "preload", words.responsiveness(advice))
    _answer(console, advice)
    _tried(console, advice)
    _grid(console, advice)
    _readings(console, advice)
    changes(console, advice.bedside.drifts)
    findings(console, advice.bedside.record.findings)
    heading(console, "Assumptions, and what would make this wrong")
    for note in advice.notes:
        bullet(console, note)
    console.print(Text(f"\n{words.ADVISES_ONLY}", style="italic"))


def _answer(console: Console, advice: Advice) -> None:
    if advice.chosen is not None:
        heading(console, "Advice")
        console.print(Text(words.answer(advice)))
        for reason in advice.reasons:
            bullet(console, reason)
        return
    heading(console, "caretwin gives no advice")
    for reason in advice.abstained:
        bullet(console, reason)
    console.print(Text("What you could do:"))
    for remedy in words.remedies(advice):
        bullet(console, remedy)


def _tried(console: Console, advice: Advice) -> None:
    target = advice.question.target
    info = "" if advice.chosen is not None else " (not advised: for information only)"
    heading(console, f"What each would do; changes after 30 min against no change{info}")
    table = columns("", "")
    table.columns[1].min_width = 14
    for title in (
        f"under\n{target.low:g}",
        "in\ntarget",
        f"over\n{target.high:g}",
        "CO\n%",
        "CVP\nmmHg",
        "HR\n/min",
        "worth",
    ):
        table.add_column(title, justify="right", no_wrap=True)
    for j in advice.judged:
        kind = "advised" if j is advice.chosen else "" if j.candidate.kind == "step" else j.candidate.kind
        chances = (percent(j.below), percent(j.inside), percent(j.above))
        changes = (_over_its_band(*j.output), _over_its_band(*j.venous, digits=1), _over_its_band(*j.rate))
        gain = f"{j.worth - advice.judged[0].worth:+.2f}"
        table.add_row(kind, _without_now(words.change_of(j, advice)), *chances, *changes, gain)
    console.print(table)
    for j in advice.judged:
        if j.candidate.refused:
            bullet(console, f"{words.change_of(j, advice)}: not judged: {j.candidate.refused}")


def _without_now(change: str) -> str:
    """A change in words without what runs now.

    >>> _without_now("norepinephrine 0.2 ug/kg/min (now 0.1), 500 mL crystalloid in 15 min")
    'norepinephrine 0.2 ug/kg/min, 500 mL crystalloid in 15 min'
    """
    return re.sub(r" \(now [^)]*\)", "", change)


def _over_its_band(low: float, middle: float, high: float, digits: int = 0) -> str:
    """A change above its band, so that a row fits a narrow terminal."""
    return f"{middle:+.{digits}f}\n{low:+.{digits}f} to {high:+.{digits}f}"


def _grid(console: Console, advice: Advice) -> None:
    grid, target = advice.grid, advice.question.target
    heading(console, f"Chance (%) of a mean MAP of {target.low:g} or more: crystalloid mL by norepinephrine ug/kg/min")
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    table.add_column("mL")
    for rate in grid.rates:
        table.add_column(f"{rate:.3g}", justify="right")
    for litres, cells in zip(grid.fluids, grid.below, strict=True):
        table.add_row(f"{1000 * litres:.0f}", *(cell(1.0 - float(c)) for c in cells))
    console.print(table)


def _readings(console: Console, advice: Advice) -> None:
    heading(console, "Readings after 5 and 60 min: median and 90 % band")
    table = columns("")
    for j in compared(advice):
        title = (
            _without_now(words.change_of(j, advice)).replace("norepinephrine", "norepi").replace("crystalloid", "fluid")
        )
        for minute in (5, 60):
            table.add_column(f"{title}\n{minute} min", justify="right", max_width=20, overflow="fold")
    places = [advice.minutes.index(m) for m in (5.0, 60.0)]
    for name in SHOWN:
        r = advice.names.index(name)
        label, unit, _ = READINGS[name]
        table.add_row(f"{label} {unit}".strip(), *(band(j.bands[i, r], name) for j in compared(advice) for i in places))
    console.print(table)
