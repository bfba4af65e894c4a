"""The ventilator advice in a terminal: the answer first, then what it stands on; no colour is needed to understand
it."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from caretwin.base.counted import counted
from caretwin.decide.ventilation import Advice, Judged, SafeMap
from caretwin.decide.ventilation_limits import HARD, SOFT
from caretwin.review import ventilation_words as words
from caretwin.review.bedside_words import READINGS, band, cell, drifted, minutes, percent
from caretwin.twin.drift import Drift

SHOWN_STEPS, FINDINGS_SHOWN = 8, 5
SHOWN_READINGS = tuple(READINGS)[:15]
SHOWN_LIMITS = tuple(name for name in (*HARD, *SOFT) if name != "power_per_kg")


def show(console: Console, advice: Advice, when: str) -> None:
    """Print everything that belongs to the answer.

    when   how the time of the question was decided
    """
    console.print(Text.assemble(("ventilation", "bold"), f" of patient {advice.bedside.record.person.subject}"))
    fact(console, "now", f"{words.asked_at(advice)}: {when}; {counted(advice.bedside.data, 'row')} of data taken in")
    fact(console, "set", words.current(advice))
    _answer(console, advice)
    if float(advice.bedside.settings.mode) > 0:
        _chances(console, advice)
        _readings(console, advice)
        _rules(console, advice)
    for safe_map in advice.maps:
        _map(console, safe_map)
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
        for reason in advice.choice.reasons:
            bullet(console, reason)
        return
    heading(console, "caretwin gives no advice")
    for reason in advice.abstained:
        bullet(console, reason)
    console.print(Text("What you could do:"))
    for remedy in words.remedies(advice):
        bullet(console, remedy)


def shown(advice: Advice) -> list[tuple[str, Judged]]:
    """The rows of the tables: no change, what was asked, the best small steps."""
    rows, rank = [], 0
    for j in advice.judged:
        kind = j.candidate.kind
        if kind == "step":
            rank += 1
            if rank > SHOWN_STEPS and j is not advice.chosen:
                continue
        mark = "advised" if j is advice.chosen else {"as now": "as now", "asked": "asked"}.get(kind, str(rank))
        rows.append((mark, j))
    return rows


def _chances(console: Console, advice: Advice) -> None:
    names = words.limit_names(advice)
    info = "" if advice.chosen is not None else " (not advised: for information only)"
    heading(console, f"Chance of breaking each limit within {advice.question.limits.horizon:.0f} min{info}")
    table = columns("", "setting")
    for name in SHOWN_LIMITS:
        title = names[name].replace("driving pressure", "driving").replace("intrinsic PEEP", "PEEPi")
        title = title.replace(" > ", "\n> ").replace(" < ", "\n< ").replace(" J/min", "").replace(" in ", "\nin ")
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("worth", justify="right", no_wrap=True)
    for mark, j in shown(advice):
        cells = (_chance(j, name, advice.question.limits.allowed) for name in SHOWN_LIMITS)
        table.add_row(mark, words.plain(j, advice), *cells, f"{j.worth - advice.judged[0].worth:+.2f}")
    console.print(table)
    bullet(console, f"! = a hard limit over {percent(advice.question.limits.allowed)}; worth against no change")
    for mark, j in shown(advice):
        if j.candidate.refused:
            bullet(console, f"{mark}: {words.plain(j, advice)}: not judged: {j.candidate.refused}")


def _chance(j: Judged, name: str, allowed: float) -> str:
    text = percent(j.chances[name]).replace(" %", "%")
    return text + ("!" if name in HARD and j.chances[name] > allowed else "")


def _readings(console: Console, advice: Advice) -> None:
    compared = [advice.judged[0], *(j for j in advice.judged if j.candidate.kind == "asked")]
    if advice.chosen is not None and advice.chosen not in compared:
        compared.append(advice.chosen)
    times = {m: i for i, m in enumerate(advice.minutes)}
    heading(console, "Readings: median and 90 % band")
    table = columns("")
    chosen: list[tuple[Judged, int]] = []
    for number, j in enumerate(compared):
        for minute in (5.0, 60.0) if number else (60.0,):
            chosen.append((j, times[minute]))
            table.add_column(f"{words.plain(j, advice)}\n{minute:.0f} min", justify="right", max_width=19)
    if len(compared) > 1:
        table.add_column("90 % of\nit after", justify="right", no_wrap=True)
    for name in SHOWN_READINGS:
        r = advice.outlook_names.index(name)
        label, unit, _ = READINGS[name]
        last = [minutes(compared[-1].settled[name], advice.minutes[-1])] if len(compared) > 1 else []
        table.add_row(f"{label} {unit}".strip(), *(band(j.bands[i, r], name) for j, i in chosen), *last)
    r = advice.outlook_names.index("tidal_volume_mL")
    volumes = (words.per_kg(float(j.bands[i, r, 1]), advice).removesuffix(" mL/kg") for j, i in chosen)
    table.add_row("VT mL/kg", *volumes, *([""] if len(compared) > 1 else []))
    console.print(table)


def _rules(console: Console, advice: Advice) -> None:
    heading(console, "What the ARDS Network's rules would do")
    table = columns("rule", "says", "setting")
    table.add_column("hard limits\nhold", justify="right")
    for rule, j in advice.rules:
        text = words.plain(j, advice)
        table.add_row(rule.name, rule.says, text, percent(j.safe) + (" ?" if j.candidate.refused else ""))
    console.print(table)
    if any(j.candidate.refused for _, j in advice.rules):
        bullet(console, "? = beyond what this patient has been seen under")


def _map(console: Console, safe_map: SafeMap) -> None:
    (row_name, rows), (column_name, columns) = safe_map.rows, safe_map.columns
    labels = {"peep": "PEEP", "fio2": "FiO2", "volume_per_kg": "VT mL/kg", "rate": "rate", "pressure": "pressure"}
    heading(console, f"Chance (%) that every hard limit holds for 30 min: {labels[row_name]} by {labels[column_name]}")
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1))
    table.add_column(labels[row_name])
    for value in columns:
        table.add_column(f"{value:g}", justify="right")
    for value, cells in zip(rows, safe_map.safe, strict=True):
        table.add_row(f"{value:g}", *(cell(float(c)) for c in cells))
    console.print(table)
    if safe_map.why:
        bullet(console, f"· = {'; '.join(safe_map.why)}")


def changes(console: Console, drifts: tuple[Drift, ...]) -> None:
    """Parameters that moved further than they usually do."""
    if drifts:
        heading(console, "What has changed in this patient")
        for drift in drifts:
            bullet(console, drifted(drift))


def findings(console: Console, found: object) -> None:
    """What the reader of the record brought up: errors and warnings first."""
    rows = sorted(found, key=lambda f: ("error", "warning", "info").index(f.severity))  # type: ignore[call-overload]
    rows = [f for f in rows if f.severity != "info"][:FINDINGS_SHOWN]
    if rows:
        heading(console, "What the record brings up")
        for f in rows:
            bullet(console, f"saw {f.seen}; wanted {f.wanted}; {f.fix}")


def columns(*left: str) -> Table:
    """An open table whose first columns are texts."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1), collapse_padding=True)
    for name in left:
        table.add_column(name, overflow="fold")
    return table


def heading(console: Console, text: str) -> None:
    """A title, in capitals where there is no bold."""
    console.print()
    console.print(Text(text.upper() if console.color_system is None else text, style="bold"))


def bullet(console: Console, text: str) -> None:
    """One point of a list."""
    _hanging(console, "-", text, 1)


def fact(console: Console, name: str, text: str) -> None:
    """A name and what belongs to it."""
    _hanging(console, name, text, 7)


def _hanging(console: Console, name: str, text: str, width: int) -> None:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=width)
    table.add_column()
    table.add_row(name, Text(text))
    console.print(table)
