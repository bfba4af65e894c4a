"""The ward in a terminal: every person in a row, every door in a row, drawn anew as data come.

What matters is wrapped and never cut: troubles, doubts, where a token is. What is only a preview is cut at the edge.
Where a screen has fewer lines than there are people, those who need a look come first and the others are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from caretwin.base.counted import counted
from caretwin.base.time import from_microseconds
from caretwin.cli.live_tables import address, door_table, never_used, remark, ward_table
from caretwin.ingest.intake import Intake
from caretwin.record.reading import SubjectInfo
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.board import BoardRow
from caretwin.serve.replay import Played
from caretwin.serve.running import Running
from caretwin.serve.ward_loop import WardLoop
from caretwin.twin.living.course import MINUTE

LEGEND = "HR and breaths (RR) /min, MAP mmHg, SpO2 %, norepinephrine (NE) ug/kg/min; data: their quality"
AHEAD = "; 12 \u2192 10-14: 90 % interval of what comes in an hour"
DOUBTS, WIDER = 3, 1.1
"""People of whose data is spoken below the picture; from how much wider a forecast that is said."""
TROUBLES = 5
"""Troubles of twins that are told in words; more are counted."""
HEADINGS = 4
"""Lines of a ward besides its rows: titles, what they mean (two where it is narrow), and one that stays free."""
FEWEST_ROWS = 4
"""People who are shown however low the screen is."""
SHOWN_SUBJECTS = 20
"""Rows of a site without twins: a terminal has no more."""


def picture(found: Running, width: int, messages: int = 1, height: int | None = None) -> Group:
    """Everything that is shown at once.

    messages  how many of the last of each door; height  lines that there are, None for as many as are needed
    """
    now = found.clock()
    title = Text(f"{found.site.name}   {from_microseconds(now):%Y-%m-%d %H:%M:%S} UTC", style="bold")
    below = [*door_parts(found.intakes, width), *message_lines(found.intakes, width, messages)]
    if found.loop is None:
        room = None if height is None else height - _lines(Group(title, *below), width) - 2
        return Group(title, *latest_parts(found, now, width, room), Text(""), *below)
    words = [*trouble_lines(found.loop.board), *doubt_lines(found.loop.board), *loop_lines(found.loop), Text("")]
    room = None if height is None else height - _lines(Group(title, *words, *below), width) - HEADINGS
    if room is not None and room < len(found.loop.board):  # people before doubts and previews
        words = [*trouble_lines(found.loop.board), *loop_lines(found.loop)]
        below = door_parts(found.intakes, width)
        room = (height or 0) - _lines(Group(title, *words, *below), width) - HEADINGS
    return Group(title, *ward_parts(found.loop, now, width, room), *words, *below)


def _lines(part: Any, width: int) -> int:
    """How many lines something takes."""
    console = Console(width=width, height=1000)
    return len(console.render_lines(part, console.options, pad=False))


def ward_parts(loop: WardLoop, now: int, width: int, room: int | None) -> list[Any]:
    """The table of the ward with what its figures mean; room  rows that there are."""
    rows = loop.board
    shown = rows if room is None or len(rows) <= room else urgent_first(rows)[: max(room - 1, FEWEST_ROWS)]
    table, ahead = ward_table(shown, now, width, waking=loop.ward is None)
    rest = len(rows) - len(shown)
    more = [Text(f" and {rest} more, for whom there is no room", style="dim")] if rest else []
    return [table, *more, Text(LEGEND + (AHEAD if ahead else ""), style="dim")]


def urgent_first(rows: Sequence[BoardRow]) -> list[BoardRow]:
    """Those with troubles, then those with surprises, the others in their order, those who left last."""

    def rank(row: BoardRow) -> int:
        return 3 if row.left is not None else 0 if row.trouble else 1 if row.surprises else 2

    return sorted(rows, key=rank)


def latest_parts(found: Running, now: int, width: int, room: int | None) -> list[Any]:
    """The subjects of a site without twins; people before places, and as many as there are lines for."""
    everybody = sorted(found.reading.subjects(), key=lambda one: one.kind == "place")
    count = min(len(everybody), SHOWN_SUBJECTS)
    table = latest_table(found, everybody[:count], now)
    while room is not None and count > FEWEST_ROWS and _lines(table, width) > room:
        count -= 1
        table = latest_table(found, everybody[:count], now)
    rest = len(everybody) - count
    return [table, *([Text(f" and {rest} more, for whom there is no room", style="dim")] if rest else [])]


def latest_table(found: Running, subjects: Sequence[SubjectInfo], now: int) -> Table:
    """One row for each of these subjects: what was heard last, the newest first."""
    table = Table(box=None, padding=(0, 1))
    for title in ("subject", "kind", "heard"):
        table.add_column(title, no_wrap=True)
    table.add_column("last values", overflow="fold")
    for one in subjects:
        latest = sorted(found.reading.latest(one.key), key=lambda value: -value.effective)
        known = [value for value in latest if value.value is not None and value.code in vocabulary()]
        words = [f"{value.code.replace('_', ' ')} {_short(value.value)}" for value in known[:5]]
        heard = f"{max(now - latest[0].received, 0) // MINUTE} min ago" if latest else "-"
        table.add_row(one.key[:7], one.kind, heard, ", ".join(words) or "-")
    return table


def _short(value: float | None) -> str:
    """Three figures, and all of those before the point."""
    return "-" if value is None else f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def trouble_lines(board: Sequence[BoardRow]) -> list[Text]:
    """What is wrong with twins, in words."""
    wrong = [row for row in board if row.trouble]
    lines = [Text(f" {row.subject[:7]}: {row.trouble}", style="red") for row in wrong[:TROUBLES]]
    rest = len(wrong) - len(lines)
    return [*lines, Text(f" and {rest} more with troubles", style="red")] if rest else lines


def doubt_lines(board: Sequence[BoardRow]) -> list[Text]:
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
        lines.append(Text(f" {row.subject[:7]}: {'; '.join(words)}", style="dim"))
    return lines


def loop_lines(loop: WardLoop) -> list[Text]:
    """How the loop is doing, and what went wrong with it last."""
    trouble = [Text(f"last trouble of the ward: {loop.pulse.trouble}", style="yellow")] if loop.pulse.trouble else []
    return [Text(pulse_line(loop), style="dim"), *trouble]


def pulse_line(loop: WardLoop) -> str:
    """How the loop is doing, in one line."""
    pulse, forecasts = loop.pulse, loop.forecasts
    parts = [f"{counted(pulse.rows, 'row')} taken in, {pulse.replayed:,} of them in replays"]
    if pulse.delays_s:
        ordered = sorted(pulse.delays_s)
        parts.append(f"receipt to twin: median {ordered[len(ordered) // 2]:.2f} s")
    parts.append(f"{counted(forecasts.count, 'forecast')} kept, {len(forecasts.scores)} scored")
    if forecasts.scores:
        inside = sum(bool(score["inside"]) for score in forecasts.scores) / len(forecasts.scores)
        parts.append(f"{inside:.0%} inside their 90 %")
    return "; ".join(parts)


def door_parts(intakes: Mapping[str, Intake], width: int) -> list[Any]:
    """The doors in a table, and in words what has no room there: addresses, tokens, troubles."""
    table, at = door_table(list(intakes.values()), width)
    parts: list[Any] = [table]
    for name, intake in intakes.items():
        said = [*([] if at else [address(intake)]), *([remark(intake)] if remark(intake) else [])]
        parts += [Text(f" {name}: {', '.join(said)}", style="dim", overflow="fold")] if said else []
    for name, intake in intakes.items():
        if unusable := never_used(intake):
            parts.append(Text(f" {name}: {unusable}", style="yellow", overflow="fold"))
        if intake.state.trouble:
            parts.append(Text(f" {name}: {intake.state.trouble.splitlines()[0]}", style="yellow", overflow="fold"))
    return parts


def message_lines(intakes: Mapping[str, Intake], width: int, count: int) -> list[Text]:
    """The last messages of each door as they were decoded, without identifiers."""
    lines = []
    for name, intake in intakes.items():
        for at, words in list(intake.state.last)[-count:] if count else ():
            text = f" {name} {from_microseconds(at):%H:%M:%S}  {words.splitlines()[0]}"
            lines.append(Text(text if len(text) <= width else f"{text[: width - 3]}...", style="dim"))
    return lines


def summary(found: Running) -> tuple[str, ...]:
    """How the ward is doing, in lines: the loop, and its last trouble."""
    if found.loop is None:
        return ()
    trouble = (f"trouble: {found.loop.pulse.trouble}",) if found.loop.pulse.trouble else ()
    return (pulse_line(found.loop), *trouble)


def goodbye(found: Running, played: Played, console: Console, kept: Path | None) -> None:
    """What a demonstration says when it is over."""
    ways = ", ".join(f"{count} by {way}" for way, count in sorted(played.sent.items()))
    messages, values = counted(sum(played.sent.values()), "message"), counted(played.values, "value")
    console.print(f"\n{messages} ({ways}) with {values} went through the doors.")
    if found.loop is not None:
        console.print(pulse_line(found.loop))
    if played.trouble:
        console.print(f"last trouble of the sender: {played.trouble}", style="yellow")
    if kept is not None:
        console.print(f"the record is {kept}: caretwin record subjects {kept}")
    console.print(
        "caretwin live opens the doors of your own systems: docs/live.md. caretwin tour shows doses and ventilators."
    )
