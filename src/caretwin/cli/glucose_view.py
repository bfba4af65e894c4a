"""Glucose advice in a terminal: the answer first, then what it stands on; no colour is needed to understand it."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.decide.glucose import Advice
from caretwin.review import glucose_words as words
from caretwin.review.glucose_report import treatments

SHOWN = 8
FINDINGS_SHOWN = 6


def show(console: Console, advice: Advice, when: str) -> None:
    """Print everything that belongs to the answer.

    when   how the time of the question was decided
    """
    _header(console, advice, when)
    _answer(console, advice)
    _intervals(console, advice)
    _treatments(console, advice)
    _findings(console, advice)
    if advice.notes:
        _heading(console, "Assumptions and warnings")
        for note in advice.notes:
            _bullet(console, note)
    console.print(Text(f"\n{words.ADVISES_ONLY}", style="italic"))


def _header(console: Console, advice: Advice, when: str) -> None:
    limits = advice.question.limits
    console.print(Text.assemble(("glucose", "bold"), f" of patient {advice.record.person.subject}"))
    _fact(console, "now", f"{words.moment(advice.question.now, advice.record)}: {when}")
    _fact(
        console, "wanted", f"{limits.low:g}-{limits.high:g} mmol/L; chance of less at most {100 * limits.allowed:g} %"
    )
    _fact(console, "glucose", f"{words.estimate(advice)}, with its 90 % interval")
    _fact(console, "last", f"measured: {words.measured(advice)}")
    _fact(console, "SI", words.sensitivity(advice))
    if advice.current is not None:
        feed = f"; feed {words.feed_of(advice.current, advice)}" if advice.current.feed > 0 else ""
        _fact(console, "runs", words.rate(advice.current.insulin) + feed)


def _answer(console: Console, advice: Advice) -> None:
    if advice.chosen is not None:
        _heading(console, "Advice")
        console.print(Text(words.answer(advice)))
        for reason in advice.reasons:
            _bullet(console, reason)
        return
    _heading(console, "caretwin gives no advice")
    for reason in advice.abstained:
        _bullet(console, reason)
    console.print(Text("What you could do:"))
    for remedy in words.remedies(advice):
        _bullet(console, remedy)


def _intervals(console: Console, advice: Advice) -> None:
    limits = advice.question.limits
    _heading(console, "Until the next measurement: the best treatment for each interval")
    table = _table(console, "interval", "insulin", "feed")
    for heading in (f"below\n{limits.low:g}", "in\nband", f"ends\nabove {limits.high:g}", "glucose then\nmmol/L"):
        table.add_column(heading, justify="right", no_wrap=True)
    for c in advice.choices:
        at, best = c.hours - 1, c.best
        low = words.percent(float(best.low[at])) + ("" if c.safe else " !")
        cells = (words.percent(float(best.inside[at])), words.percent(float(best.above[at])), words.ends(best, c.hours))
        table.add_row(f"{c.hours} h", words.rate(best.insulin), words.feed_of(best, advice), low, *cells)
    console.print(table)


def _treatments(console: Console, advice: Advice) -> None:
    limits = advice.question.limits
    hours = advice.chosen.hours if advice.chosen is not None else limits.intervals[0]
    advised = "" if advice.chosen is not None else " (not advised: for information only)"
    rows = treatments(advice, SHOWN)
    _heading(console, f"Treatments over {hours} h, best first: {len(rows) - 1} of {len(advice.judged)}{advised}")
    table = _table(console, "", "insulin", "feed")
    for heading in (f"below\n{limits.low:g}", f"below\n{limits.severe:g}", "in\nband", "glucose then\nmmol/L"):
        table.add_column(heading, justify="right", no_wrap=True)
    for rank, j in rows:
        low = words.percent(float(j.low[hours - 1])) + ("" if j.allowed(hours, limits) else " !")
        cells = (words.percent(float(j.severe[hours - 1])), words.percent(float(j.inside[hours - 1])))
        table.add_row(rank, words.rate(j.insulin), words.feed_of(j, advice), low, *cells, words.ends(j, hours))
    console.print(table)
    _bullet(console, "! = not allowed; glucose: median and 90 % interval at the end of the interval")


def _findings(console: Console, advice: Advice) -> None:
    found = [f for f in advice.record.findings if f.column is None or "glucose" in f.column or "insulin" in f.column]
    if not found:
        return
    _heading(console, "What the record brings up")
    for f in sorted(found, key=lambda f: ("error", "warning", "info").index(f.severity))[:FINDINGS_SHOWN]:
        _bullet(console, f"saw {f.seen}; wanted {f.wanted}; {f.fix}")


def _table(console: Console, *left: str) -> Table:
    width = min(console.width, 104)  # wider rows are hard to follow across
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1), width=width, collapse_padding=True)
    for name in left:
        table.add_column(name, ratio=1 if name == "feed" else None)
    return table


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text.upper() if console.color_system is None else text, style="bold"))


def _bullet(console: Console, text: str) -> None:
    _hanging(console, "-", text, 1)


def _fact(console: Console, name: str, text: str) -> None:
    _hanging(console, name, text, 7)


def _hanging(console: Console, name: str, text: str, width: int) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=width)
    table.add_column()
    table.add_row(name, Text(text))
    console.print(table)
