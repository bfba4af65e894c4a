"""Dosing advice in a terminal: dense tables that read the same in 80 columns, in 120, and in a pipe.

No colour is needed to understand any of it.
"""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.decide.dosing import Advice
from caretwin.decide.personal import Personal
from caretwin.decide.ranking import Chances, Judged
from caretwin.decide.sensitivity import Consequence
from caretwin.review import dosing_words as words

REGIMENS_SHOWN = 8
NOTES_SHOWN = 12


def show(
    console: Console,
    advice: Advice,
    parameters: dict[str, tuple[Personal, ...]],
    slips: Sequence[Consequence],
    when: str,
) -> None:
    """Print everything that belongs to the answer, the answer first.

    parameters  individual parameters by the label of a model
    slips       effect of a wrong dose or sample time
    when        how the time of the question was decided
    """
    _header(console, advice, when)
    _findings(console, advice)
    _answer(console, advice)
    _regimens(console, advice)
    _models(console, advice)
    _parameters(console, advice, parameters)
    _samples(console, advice)
    _slips(console, advice, slips)
    _notes(console, advice)
    console.print(Text(f"\n{words.ADVISES_ONLY}", style="italic"))


def _header(console: Console, advice: Advice, when: str) -> None:
    question, record = advice.question, advice.record
    console.print(Text.assemble((question.drug, "bold"), f" for patient {record.subject}"))
    _fact(console, "now", f"{words.moment(question.now, record)}: {when}")
    doses = sum(1 for d in record.doses if d.time_h < question.now)
    known = len(record.known_by(question.now).levels)
    later = len(record.doses) - doses
    text = f"{words.count(doses, 'dose')} and {words.count(known, 'level')} before now"
    _fact(console, "given", text + (f"; {words.count(later, 'later dose')} would be replaced" if later else ""))
    if advice.target is not None:
        _fact(console, "target", words.aim(advice.target))
    if advice.mic is not None:
        values = zip(advice.mic.values, advice.mic.probabilities, strict=True)
        shown = ", ".join(f"{v:g}" + (f" ({words.percent(p)})" if p < 1 else "") for v, p in values)
        unit = words.drug_of(advice).dose.unit
        _fact(console, "MIC", f"{shown} {unit}/L")


def _findings(console: Console, advice: Advice) -> None:
    found = advice.record.findings
    if not found:
        return
    _heading(console, "What the table brings up")
    for f in sorted(found, key=lambda f: ("error", "warning", "info").index(f.severity)):
        place = ", ".join([f"row {f.row}"] * (f.row is not None) + [f"column {f.column}"] * (f.column is not None))
        word = "note" if f.severity == "info" else f.severity
        _bullet(console, f"{word}, {place or 'whole table'}: saw {f.seen}; wanted {f.wanted}; {f.fix}")


def _answer(console: Console, advice: Advice) -> None:
    if not advice.abstained:
        _heading(console, "Advice")
        console.print(Text(words.answer(advice)))
        return
    _heading(console, "caretwin gives no advice")
    for reason in advice.abstained:
        _bullet(console, reason)
    console.print(Text("What you could do:"))
    for remedy in words.remedies(advice):
        _bullet(console, remedy)


def _regimens(console: Console, advice: Advice) -> None:
    if not advice.judged:
        return
    shown = words.shown_regimens(advice, REGIMENS_SHOWN)
    advised = "" if advice.best is not None else " (not advised: for information only)"
    _heading(console, f"Regimens, best first: {len(shown)} of {len(advice.judged)}{advised}")
    target, drug = advice.target, words.drug_of(advice)
    table = _table(console)
    table.add_column("", justify="right", no_wrap=True)
    table.add_column("regimen", ratio=1)
    two = f"{words.PERIOD[target.kind]}\nearly\nlate"
    sides = ["under"] * (target.low is not None) + ["over"] * (target.high is not None)
    for heading in ("on target\nearly\nlate", "/".join(sides) + "\nearly\nlate"):
        table.add_column(heading, justify="right", no_wrap=True)
    unit = words.exposure_unit(target)
    table.add_column(f"{two}{', ' + unit if unit else ''}", justify="right", no_wrap=True)
    table.add_column("limit\nchance\n/allowed", justify="right", no_wrap=True)
    table.add_column("\n\nutility", justify="right", no_wrap=True)
    for rank, judged in enumerate(shown, 1):
        table.add_row(*_row(str(rank), judged, advice, drug))
    if advice.current is not None:
        table.add_row(*_row("now", advice.current, advice, drug))
    console.print(table)
    console.print(Text("now: the regimen of the last two doses, continued") if advice.current is not None else Text(""))
    for risk in shown[0].risks:
        _bullet(console, f"limit: {risk.label}, allowed chance {words.percent(risk.allowed)}; ! = broken")
    _bullet(console, "exposure: mean and 90 % interval. " + words.rank_note(advice))


def _row(rank: str, judged: Judged, advice: Advice, drug: Any) -> list[str]:
    target = advice.target
    early, late = judged.early, judged.late
    cells = [rank, words.in_words(judged.regimen, drug), _pair(early.target, late.target)]
    cells.append(f"{_sides(early, target)}\n{_sides(late, target)}")
    cells.append(f"{words.exposure(early, target)}\n{words.exposure(late, target)}")
    risks = [f"{words.percent(r.probability)}/{100 * r.allowed:.0f} %{' !' if r.broken else ''}" for r in judged.risks]
    return [*cells, "\n".join(risks) or "-", f"{judged.utility:.2f}"]


def _sides(chances: Chances, target: Any) -> str:
    sides = [chances.under] * (target.low is not None) + [chances.over] * (target.high is not None)
    return "/".join(words.percent(p).removesuffix(" %") for p in sides) + " %"


def _pair(first: float, second: float) -> str:
    return f"{words.percent(first)}\n{words.percent(second)}"


def _models(console: Console, advice: Advice) -> None:
    if not advice.members and not advice.excluded:
        return
    _heading(console, "Models")
    if advice.members:
        table = _table(console)
        table.add_column("model", ratio=1)
        headings = ("weight", "made for such\npatients", "levels\nfit, p", "patient\nfits, p", "Pareto\nk")
        for heading in headings:
            table.add_column(heading, justify="right", no_wrap=True)
        for m in sorted(advice.members, key=lambda m: -m.weight):
            made = "yes" if m.domain_factor == 1 else f"no: x {m.domain_factor:g}"
            k = float(m.fit.pareto_k)
            reliability = f"{k:.2f}" if k == k and len(m.twin.samples) else "-"
            weight = words.percent(m.weight) if m.fits else "does not fit"
            table.add_row(m.label, weight, made, f"{m.levels_tail:.2g}", f"{m.patient_tail:.2g}", reliability)
        console.print(table)
        for m in advice.members:
            if m.trouble:
                _bullet(console, f"{m.label} does not fit: {m.trouble}")
        _bullet(console, words.origin_of_weights(advice))
    for e in advice.excluded:
        _bullet(console, f"not asked: {e.model}: {e.reason}")


def _parameters(console: Console, advice: Advice, parameters: dict[str, tuple[Personal, ...]]) -> None:
    if not parameters:
        return
    learnt = "after the levels" if advice.record.levels else "no level yet: the population"
    _heading(console, f"This patient's parameters ({learnt}; median and 90 % interval)")
    table = _table(console)
    table.add_column("model", ratio=1)
    for heading in ("parameter", "this patient", "people like this", "unit"):
        table.add_column(heading, justify="left" if heading in ("parameter", "unit") else "right", no_wrap=True)
    for label, rows in parameters.items():
        for i, p in enumerate(row for row in rows if row.varies):
            mine = f"{words.number(p.median)} ({words.number(p.low)}-{words.number(p.high)})"
            theirs = "{} ({}-{})".format(*map(words.number, p.population))
            table.add_row(label if i == 0 else "", p.name, mine, theirs, p.unit)
    console.print(table)


def _samples(console: Console, advice: Advice) -> None:
    if not advice.samples or advice.best is None:
        return
    _heading(console, "Next best blood sample, if the advice is followed")
    console.print(Text(words.sample_in_words(advice.samples[0], advice)))
    soon = min(advice.samples, key=lambda s: s.hours)
    if soon is not advice.samples[0]:
        console.print(Text(f"The first chance: {words.sample_in_words(soon, advice)}"))


def _slips(console: Console, advice: Advice, slips: Sequence[Consequence]) -> None:
    if not slips or advice.best is None:
        return
    _heading(console, "If the chart is wrong: what the advised regimen would then do (late)")
    table = _table(console)
    table.add_column("if ...", ratio=1)
    unit = words.exposure_unit(advice.target)
    for heading in ("P(target)", words.PERIOD[advice.target.kind] + (f", {unit}" if unit else "")):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("the advice would be", ratio=1)
    late = advice.best.late
    table.add_row("as recorded", words.percent(late.target), words.exposure(late, advice.target), "the same")
    drug = words.drug_of(advice)
    for slip in slips:
        if slip.late is None or slip.best is None:
            table.add_row(slip.label, "-", "-", f"none: {slip.trouble}")
            continue
        instead = words.in_words(slip.best, drug) if slip.changes(advice.best.regimen) else "the same"
        table.add_row(slip.label, words.percent(slip.late.target), words.exposure(slip.late, advice.target), instead)
    console.print(table)
    _bullet(console, "a level drawn from the infusing line is not modelled: it shows as a model that does not fit")


def _notes(console: Console, advice: Advice) -> None:
    notes = words.grouped_notes(advice)
    if not notes:
        return
    _heading(console, "Assumptions and warnings")
    for note in notes[:NOTES_SHOWN]:
        _bullet(console, note)
    if len(notes) > NOTES_SHOWN:
        _bullet(console, f"and {len(notes) - NOTES_SHOWN} more, in the report and in the JSON file")


def _table(console: Console) -> Table:
    width = min(console.width, 104)  # wider rows are hard to follow across
    return Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1), width=width, collapse_padding=True)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text.upper() if console.color_system is None else text, style="bold"))


def _bullet(console: Console, text: str) -> None:
    _hanging(console, "-", text, 1)


def _fact(console: Console, name: str, text: str) -> None:
    _hanging(console, name, text, 6)


def _hanging(console: Console, name: str, text: str, width: int) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=width)
    table.add_column()
    table.add_row(name, Text(text))
    console.print(table)
