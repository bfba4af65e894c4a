"""What ``caretwin ingest preview`` shows: what each column is taken for and why, what is asked, the first values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from rich.console import Console

    from caretwin.ingest.doors.tables.decode import Found
    from caretwin.ingest.doors.tables.proposal import Proposal
    from caretwin.ingest.unusable import Unusable

REFUSALS = 5
"""Refused cells that are shown one by one."""
OPEN_NAMED = 5
"""Names of one kind of open thing that are shown."""
CODES = 25
"""Codes of a long table that are shown."""


def show_proposal(found: Proposal, file: Path, rows: int, target: Path | None) -> None:
    """Print a proposal."""
    from rich.console import Console

    console = Console(highlight=False)
    _head(console, found)
    _choices(console, found)
    _codes(console, found)
    _unused(console, found)
    decoded = _decoded(found, file)
    if decoded is not None:
        _values(console, found, decoded, rows)
        _refused(console, decoded)
    _questions(console, found)
    _next(console, found, file, target)


def _head(console: Console, found: Proposal) -> None:
    from caretwin.base.counted import counted
    from caretwin.ingest.doors.tables.text import DELIMITERS

    grid, layout = found.grid, found.grid.layout
    how = []
    if layout.delimiter:
        how += [f"{DELIMITERS.get(layout.delimiter, 'cells')}s between cells" if layout.delimiter in DELIMITERS else ""]
        how += [
            layout.encoding.upper().removesuffix("-SIG"),
            f"decimal {'comma' if layout.decimal == ',' else 'point'}",
        ]
    how += [f"sheet {layout.sheet}"] if layout.sheet else []
    form = "a row for each value" if found.mapping.long else "a column for each channel"
    size = f"{counted(len(grid.rows), 'row')}, {counted(len(grid.columns), 'column')}"
    said = "; ".join(filter(None, [size, ", ".join(filter(None, how)), form]))
    console.print(f"[bold]{_safe(str(grid.file))}[/bold]  {_safe(said)}")
    for remark in filter(None, [*grid.remarks, grid.told_short()]):
        console.print(f"  {_safe(remark)}", style="yellow")
    console.print()


def _table(*columns: str) -> Any:
    from rich.table import Table

    return Table(*columns, box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))


def _choices(console: Console, found: Proposal) -> None:
    table = _table("column", "is taken for", "because")
    table.columns[0].overflow = table.columns[1].overflow = "fold"
    for choice in found.choices:
        doubts = "".join(f"\n[yellow]? {_safe(doubt)}[/yellow]" for doubt in choice.doubts)
        table.add_row(_safe(choice.column), f"[green]{_safe(choice.role)}[/green]", _safe(choice.why) + doubts)
    console.print(table)
    console.print()


def _safe(text: str) -> str:
    """A text of a file, so that its brackets are no markup."""
    from rich.markup import escape

    return escape(text)


def _codes(console: Console, found: Proposal) -> None:
    if not found.codes:
        return
    table = _table("code", "rows", "is taken for", "because")
    for one in found.codes[:CODES]:
        role = f"[green]{one.rule.channel}[/green]" if one.rule else "[yellow]?[/yellow]"
        doubts = "".join(f"\n[yellow]? {_safe(doubt)}[/yellow]" for doubt in one.doubts)
        table.add_row(_safe(one.code), str(one.rows), role, _safe(one.why) + doubts)
    console.print(table)
    if len(found.codes) > CODES:
        console.print(f"and {len(found.codes) - CODES} more codes")
    console.print()


def _unused(console: Console, found: Proposal) -> None:
    if found.unused:
        table = _table("not used", "because")
        for name, why in found.unused.items():
            table.add_row(_safe(name), _safe(why))
        console.print(table)
        console.print()


class _Seen(NamedTuple):
    """What the table says by the proposal; clocked  whether its times are right, and not only assumed."""

    found: Found
    clocked: bool


def _decoded(found: Proposal, file: Path) -> _Seen | None:
    """The table by the proposed mapping; where times are a question, with an assumption that is not shown."""
    from caretwin.ingest.decoded import RefusedError
    from caretwin.ingest.doors.tables.decode import read_rows
    from caretwin.ingest.doors.tables.propose import SAMPLE

    grid = replace(found.grid, rows=found.grid.rows[:SAMPLE])
    mapping, time = found.mapping, found.mapping.time
    if (
        not time.columns
        or not (mapping.columns or mapping.long)
        or not (mapping.subject.column or mapping.subject.value)
    ):
        return None
    assumed = replace(time, format=time.format or "dmy", zone=time.zone or "UTC")
    origin = 0 if time.format == "hours" and time.origin is None else time.origin
    issued = replace(mapping.issued, format=mapping.issued.format or "dmy", zone=mapping.issued.zone or "UTC")
    mapping = replace(mapping, time=replace(assumed, origin=origin), issued=issued)
    try:
        return _Seen(
            read_rows(grid, mapping, "preview", file.stat().st_mtime_ns // 1000),
            not any(one.clock for one in found.questions),
        )
    except (RefusedError, OSError):
        return None


def _values(console: Console, found: Proposal, seen: _Seen, rows: int) -> None:
    from caretwin.base.counted import counted
    from caretwin.base.time import from_microseconds
    from caretwin.ingest.doors.tables.propose import SAMPLE
    from caretwin.ingest.unusable import is_unusable, unusable

    table = _table("row", "who", "true at", "channel", "value", "as written")
    for column in table.columns[:4]:
        column.no_wrap = True
    table.columns[-1].overflow = "fold"
    parts = list(_translated(seen.found))
    if not parts:
        return
    for who, said, entry in parts[:rows]:
        at = f"{from_microseconds(entry.effective):%Y-%m-%d %H:%M}Z" if seen.clocked else "?"
        bound = (entry.note or {}).get("comparator", "")
        value = "-" if entry.value is None else f"{bound}{entry.value:.4g} {_unit(entry)}"
        table.add_row(_row(said), who, at, _safe(entry.code), _safe(value), _safe(_written(said, entry)))
    of = f" of the first {SAMPLE} rows" if len(found.grid.rows) > SAMPLE else ""
    console.print(f"[bold]The first of {counted(len(parts), 'value')}[/bold]{of}, in caretwin's channels and units")
    console.print(table)
    console.print()
    _never_used(console, [unusable(0, said, entry) for _, said, entry in parts if is_unusable(entry)])


def _never_used(console: Console, found: list[Unusable]) -> None:
    """Values that would be kept for nothing, those with one cause together."""
    from caretwin.cli.ingest_unusable import unusable_lines
    from caretwin.ingest.unusable import Tally

    tally = Tally()
    tally.add(found)
    for line in unusable_lines(tally, len(found)):
        console.print(line)
    if found:
        console.print()


def _translated(found: Found) -> Iterator[tuple[str, Any, Any]]:
    """Who (by a number of this list, not by the person's own), what was said, and what is kept of it."""
    from caretwin.ingest.decoded import CodedValue
    from caretwin.ingest.mapping import CodeMapping
    from caretwin.ingest.translate import Translator

    translator, people = Translator("preview", CodeMapping([])), dict[Any, int]()
    for part in found.decoded.parts:
        if isinstance(part, CodedValue):
            number = people.setdefault(part.subject, len(people) + 1)
            yield f"{part.subject.kind} {number}", part, translator.translate(part, 0)[0]


def _unit(entry: Any) -> str:
    from caretwin.record.vocabulary import vocabulary

    known = vocabulary().get(entry.code)
    return entry.unit or (known.unit if known else "")


def _row(said: Any) -> str:
    """The number of the row, as a spreadsheet counts."""
    return str(said.place.split(", row ")[-1].split(",")[0])


def _written(said: Any, entry: Any) -> str:
    """The value as it stands in the file, and what is wrong with it."""
    note = entry.note or {}
    number = str(note.get("text") or note.get("absent") or "-") if said.value is None else f"{said.value:g}"
    status = f" ({said.status.name.lower()})" if said.status.name != "FINAL" else ""
    trouble = f": {note['trouble']}" if "trouble" in note else ""
    return f"{note.get('comparator', '')}{number} {said.unit}".rstrip() + status + trouble


def _refused(console: Console, seen: _Seen) -> None:
    """Cells that are refused, those with one cause together."""
    from caretwin.base.counted import counted

    refused = seen.found.decoded.refused
    if not refused:
        return
    causes: dict[tuple[str, str, str], list[Any]] = {}
    for one in refused:
        causes.setdefault((one.place.partition(", column ")[2], one.wanted, one.fix), []).append(one)
    console.print(f"[bold]{counted(len(refused), 'cell')} will be refused[/bold]")
    lines = []
    for (_, wanted, fix), several in list(causes.items())[:REFUSALS]:
        place = several[0].place.partition(", ")[2] or several[0].place
        more = f" and {counted(len(several) - 1, 'cell')} more" if len(several) > 1 else ""
        said = f"saw {several[0].seen}; wanted {wanted}; fix: {fix}"
        lines.append(f"[red]{_safe(place)}[/red]{more}: {_safe(said)}")
    lines += [f"and {counted(len(causes) - REFUSALS, 'other cause')}"] if len(causes) > REFUSALS else []
    _listed(console, "-", lines)


def _listed(console: Console, mark: str, lines: list[str]) -> None:
    """Lines with a mark before each; what does not fit the width goes on under its own begin."""
    from rich.table import Table

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=3, justify="right")
    for line in lines:
        table.add_row(mark, line)
    console.print(table)
    console.print()


def _questions(console: Console, found: Proposal) -> None:
    if found.questions:
        console.print("[bold red]Only you can say[/bold red]")
        _listed(console, "[red]![/red]", [f"{_safe(one.text)}\n[dim]{_safe(one.fix)}[/dim]" for one in found.questions])


def _next(console: Console, found: Proposal, file: Path, target: Path | None) -> None:
    """What to do now; commands are not wrapped, so that they can be copied."""
    if open_ := _open(found):
        console.print("[bold]Open is still[/bold]")
        _listed(console, "?", open_)
    if target is not None:
        console.print(f"{target} holds this mapping{': answer its questions first.' if found.questions else '.'}")
        console.print(f"  caretwin ingest load {file} --mapping {target} --record RECORD", soft_wrap=True)
    elif found.ready:
        ready = "It can be taken in as it is" if open_ else "Nothing is open. Take it in"
        console.print(f"{ready}, or write the mapping and edit it first:")
        console.print(f"  caretwin ingest load {file} --record RECORD{_said(found)}", soft_wrap=True)
        console.print(f"  caretwin ingest preview {file}{_said(found)} --write mapping.toml", soft_wrap=True)
    else:
        console.print("Answer by options, or write the mapping and answer there:")
        console.print(f"  caretwin ingest preview {file}{_said(found)} --write mapping.toml", soft_wrap=True)


def _open(found: Proposal) -> list[str]:
    """What nobody has to answer, and what is lost or may be wrong without an answer: a line for each kind."""
    from caretwin.ingest.doors.tables.proposal import NOT_KNOWN

    lines = []
    if unknown := [one.code for one in found.codes if one.rule is None and not one.question]:
        lines.append(
            f"what {_named(unknown)} {_means(unknown)}: kept as it came, and used by no twin, until a \\[\\[code]]"
            " entry of the mapping says it"
        )
    if strange := [name for name, why in found.unused.items() if why == NOT_KNOWN]:
        lines.append(f"what {_named(strange)} {_means(strange)}: not read, until a \\[\\[column]] entry says it")
    doubtful = [one.column for one in found.choices if one.doubts] + [one.code for one in found.codes if one.doubts]
    if doubtful:
        lines.append(f"whether all is right where a ? stands above: {_named(doubtful)}")
    return lines


def _named(names: Sequence[str]) -> str:
    """Some names, and how many more there are."""
    shown, rest = names[:OPEN_NAMED], len(names) - OPEN_NAMED
    said = ", ".join(_safe(name[:40]) for name in shown)
    return f"{said} and {rest} more" if rest > 0 else said


def _means(names: Sequence[str]) -> str:
    return "means" if len(names) == 1 else "mean"


def _said(found: Proposal) -> str:
    """The options that a person gave, but for whom a file is about."""
    hints = found.hints
    given = (("--zone", hints.zone), ("--dates", hints.dates), ("--system", hints.system))
    subject = " --subject ..." if hints.subject else ""
    return "".join(f" {name} {value}" for name, value in given if value) + subject
