"""The ward in a terminal: every person in a row, every door in a row, drawn anew as data come."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from caretwin.base.time import from_microseconds
from caretwin.ingest.intake import Intake
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.board import BoardRow, Vital
from caretwin.serve.replay import Played
from caretwin.serve.running import Running
from caretwin.serve.ward_loop import WardLoop
from caretwin.twin.course import MINUTE

STALE_MIN = 90
"""min after which a vital sign is marked as old: charts of intensive care are hourly (assumed)."""
NAMES = {"heart_rate": "HR", "mean_arterial_pressure": "MAP", "oxygen_saturation": "SpO2", "respiratory_rate": "RR"}
LEGEND = "HR and breaths (RR) /min, MAP mmHg, SpO2 %"
DOUBTS, WIDER = 3, 1.1
"""People of whose data is spoken below the picture; from how much wider a forecast that is said."""
SHOWN_SUBJECTS = 20
"""Rows of a site without twins: a terminal has no more."""
WIDE = 100
"""Columns from which forecasts stand beside values, and a door's address beside its name."""


def picture(found: Running, width: int, messages: int = 1) -> Group:
    """Everything that is shown at once; messages  how many of the last of each door."""
    now = found.clock()
    loop = found.loop
    parts: list[Any] = [Text(f"{found.site.name}   {from_microseconds(now):%Y-%m-%d %H:%M:%S} UTC", style="bold")]
    if loop is not None:
        ahead = "; 12 \u2192 10-14: 90 % interval of what comes in an hour" if width >= WIDE else ""
        parts += [ward_table(loop.board, now, width, waking=loop.ward is None), Text(LEGEND + ahead, style="dim")]
        parts += [*doubt_lines(loop.board, width), Text(pulse_line(loop), style="dim"), Text("")]
    else:
        parts += [latest_table(found, now), Text("")]
    parts.append(door_table(list(found.intakes.values()), width))
    parts += message_lines(found.intakes, width, messages)
    notes = [(name, intake.state.listening.partition(" (")[2].rstrip(")")) for name, intake in found.intakes.items()]
    parts += [Text(f"{name}: {note}", style="dim") for name, note in notes if note]
    troubles = [f"{name}: {intake.state.trouble}" for name, intake in found.intakes.items() if intake.state.trouble]
    parts += [Text(trouble.splitlines()[0][: width - 1], style="yellow") for trouble in troubles]
    return Group(*parts)


def ward_table(board: Sequence[BoardRow], now: int, width: int, *, waking: bool = False) -> Table:
    """One row for each subject: last value, and the 90 % interval of what the twin expects in an hour."""
    table = Table(box=None, padding=(0, 1), title_justify="left")
    table.add_column("patient", no_wrap=True)
    for title in NAMES.values():
        table.add_column(title, justify="left" if width >= WIDE else "right", no_wrap=True)
    table.add_column("support", no_wrap=True)
    table.add_column("twin", no_wrap=True)
    table.add_column("data", justify="right", no_wrap=True)
    for row in board:
        cells = [vital(row.vitals.get(name), now, width >= WIDE) for name in NAMES]
        table.add_row(row.subject[:7], *cells, support(row), twin_words(row, now), data_words(row))
    if not board:
        table.add_row("nobody", *["" for _ in NAMES], "", "twins wake" if waking else "waiting for data", "")
    return table


def latest_table(found: Running, now: int) -> Table:
    """One row for each subject of a site without twins: what was heard last, the newest first."""
    table = Table(box=None, padding=(0, 1))
    for title in ("subject", "kind", "heard"):
        table.add_column(title, no_wrap=True)
    table.add_column("last values", overflow="fold")
    for one in found.reading.subjects()[:SHOWN_SUBJECTS]:
        latest = sorted(found.reading.latest(one.key), key=lambda value: -value.effective)
        known = [value for value in latest if value.value is not None and value.code in vocabulary()]
        words = [f"{value.code.replace('_', ' ')} {value.value:g}" for value in known[:5]]
        heard = f"{max(now - latest[0].received, 0) // MINUTE} min ago" if latest else "-"
        table.add_row(one.key[:7], one.kind, heard, ", ".join(words) or "-")
    return table


def vital(found: Vital | None, now: int, wide: bool) -> Text:
    """A value with its forecast; a dash where nothing is known, its age where it is old."""
    if found is None:
        return Text("-", style="dim")
    age = now // MINUTE - found.minute
    text = Text(f"{found.value:.0f}", style="dim" if age > STALE_MIN else "bold")
    if age > STALE_MIN:
        text.append(f" {age // 60}h" if age >= 120 else f" {age}min", style="yellow")
    elif found.ahead is not None and wide:
        low, _, high = found.ahead
        text.append(f" \u2192 {low:.0f}-{high:.0f}", style="cyan")
    return text


def support(row: BoardRow) -> str:
    """Breathing support and norepinephrine, as far as charted."""
    parts = []
    if row.mode is not None:
        parts.append("ventilator" if row.mode > 0 else "breathes alone")
    if row.fio2 is not None:
        parts.append(f"FiO2 {row.fio2:.2f}")
    if row.norepinephrine:
        parts.append(f"norepi {row.norepinephrine:.2f}")
    return " ".join(parts) or "-"


def twin_words(row: BoardRow, now: int) -> Text:
    """How the twin is."""
    if row.twin is None:
        return Text("no data to live on", style="dim")
    if row.replaying:
        return Text("late data: replaying", style="yellow")
    if row.surprises:
        return Text("! " + ", ".join(name.replace("_", " ") for name in row.surprises[:2]), style="red")
    return Text(f"{max(now // MINUTE - row.twin, 0)} min ago", style="green")


def data_words(row: BoardRow) -> str:
    """The quality of the data, as of the last forecast."""
    return "-" if row.doubt is None else f"{row.doubt.score:.0%}"


def doubt_lines(board: Sequence[BoardRow], width: int) -> list[Text]:
    """The worst data of the ward in words, and what would help."""
    worst = sorted((row for row in board if row.doubt is not None), key=lambda row: row.doubt.score if row.doubt else 1)
    lines = []
    for row in worst[:DOUBTS]:
        found = row.doubt
        if found is None or not (found.reason or found.wider > WIDER):
            continue
        words = [found.reason] if found.reason else []
        if found.wider > WIDER:
            words.append(f"pressure is foretold {found.wider:.1f} x as wide as with up-to-date data")
        if found.helps:
            words.append(f"{found.helps.replace('_', ' ')} now would narrow it by {found.narrower:.0%}")
        lines.append(Text(f" {row.subject[:7]}: {'; '.join(words)}"[:width], style="dim"))
    return lines


def pulse_line(loop: WardLoop) -> str:
    """How the loop is doing, in one line."""
    pulse, forecasts = loop.pulse, loop.forecasts
    parts = [f"{pulse.rows} rows taken in, {pulse.replayed} of them in replays"]
    if pulse.delays_s:
        ordered = sorted(pulse.delays_s)
        parts.append(f"receipt to twin: median {ordered[len(ordered) // 2]:.2f} s")
    parts.append(f"{forecasts.count} forecasts kept, {len(forecasts.scores)} scored")
    if forecasts.scores:
        inside = sum(bool(score["inside"]) for score in forecasts.scores) / len(forecasts.scores)
        parts.append(f"{inside:.0%} inside their 90 %")
    return "; ".join(parts)


def door_table(intakes: Sequence[Intake], width: int) -> Table:
    """One row for each door: where it listens (where there is room) and what came through it."""
    table = Table(box=None, padding=(0, 1))
    for title in ("door", "kind", "at") if width >= WIDE else ("door", "kind"):
        table.add_column(title, no_wrap=True)
    for title in ("messages", "values", "repeats", "refused", "unmapped"):
        table.add_column(title, justify="right", no_wrap=True)
    for intake in intakes:
        count = intake.state.counters
        numbers = (count[name] for name in ("messages", "entries", "duplicates", "refused", "unmapped"))
        where = (intake.state.listening.split(" (")[0] or "opening",) if width >= WIDE else ()
        table.add_row(intake.door.name, intake.door.kind, *where, *(str(number) for number in numbers))
    return table


def message_lines(intakes: Mapping[str, Intake], width: int, count: int) -> list[Text]:
    """The last messages of each door as they were decoded, without identifiers."""
    lines = []
    for name, intake in intakes.items():
        for at, words in list(intake.state.last)[-count:] if count else ():
            text = f" {name} {from_microseconds(at):%H:%M:%S}  {words.splitlines()[0]}"
            lines.append(Text(text[:width], style="dim"))
    return lines


def summary(found: Running, console: Console) -> None:
    """What remains to be said when a run is over."""
    if found.loop is not None:
        console.print(pulse_line(found.loop))
        if found.loop.pulse.trouble:
            console.print(f"trouble: {found.loop.pulse.trouble}", style="yellow")


def goodbye(found: Running, played: Played, console: Console, kept: Path | None) -> None:
    """What a demonstration says when it is over."""
    ways = ", ".join(f"{count} by {way}" for way, count in sorted(played.sent.items()))
    console.print(
        f"\n{sum(played.sent.values())} messages ({ways}) with {played.values} values went through the doors."
    )
    if found.loop is not None:
        console.print(pulse_line(found.loop))
    if played.trouble:
        console.print(f"last trouble of the sender: {played.trouble}", style="yellow")
    if kept is not None:
        console.print(f"the record is {kept}: caretwin record subjects {kept}")
    console.print(
        "caretwin live opens the doors of your own systems: docs/live.md. caretwin tour shows doses and ventilators."
    )
