"""What every command about a record begins and ends with: opening it as the person at the keyboard, and showing times
and tables.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from caretwin.base.counted import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table
    from rich.text import Text

    from caretwin.record.reading import Reading
    from caretwin.record.record import Record

WHERE = click.argument("where", metavar="RECORD")


def open_as_operator(where: str) -> tuple[Record, Any]:
    """A record (a file, or a URL) and who opens it. Raises DataError where there is no such file."""
    from caretwin.base.errors import DataError
    from caretwin.record.access import operator
    from caretwin.record.record import open_record
    from caretwin.serve.clock import wall

    if "://" not in where and not Path(where).is_file():
        raise DataError(f"record {where}", seen="no such file", wanted="a record", fix="caretwin live makes one")
    return open_record(where, wall), operator()


SHORTEST_PREFIX = 6
"""Characters of a key that may stand for all of it, where no other key begins with them."""


def find_subject(reading: Reading, text: str, name: str = "SUBJECT") -> str:
    """The key of whom somebody means: a key, the beginning of one, or SYSTEM|NUMBER.

    name  of the argument, for errors
    Raises BadParameter where nobody is found, or several are; a number is not repeated.
    """
    merged = [key for others in reading.merges().values() for key in others]
    keys = [*(one.key for one in reading.subjects()), *merged]
    if text in keys:
        return text
    if "|" in text:
        return _by_number(reading, text, name)
    found = [key for key in keys if len(text) >= SHORTEST_PREFIX and key.startswith(text)]
    if len(found) > 1:
        raise click.BadParameter(f"{len(found)} subjects begin with {text!r}: write more of the key", param_hint=name)
    if not found:
        wanted = f"a key, its first {SHORTEST_PREFIX} characters or more, or SYSTEM|NUMBER"
        more = f"caretwin record subjects lists them; wanted {wanted}"
        raise click.BadParameter(f"no subject {text!r}: {more}", param_hint=name)
    return found[0]


def _by_number(reading: Reading, text: str, name: str) -> str:
    from caretwin.record.identifiers import identifier

    system, _, number = text.partition("|")
    found = reading.subject_of(identifier(system, number))
    if found is None:
        more = "is SYSTEM written as your doors write it?"
        raise click.BadParameter(f"nobody has this number from {system!r}: {more}", param_hint=name)
    return found


def extent_text(reading: Reading, key: str) -> str:
    """How much is known of a person, and since when."""
    found = reading.extent(key)
    events = f" and {counted(found.events, 'event')}" if found.events else ""
    since = f" since {time_text(found.first, 'minute')}" if found.first is not None else ""
    return f"{counted(found.values, 'value')}{events}{since}"


def time_text(us: int | None, to: Literal["second", "minute"] = "second") -> str:
    """A time (us) in UTC; "-" for none."""
    from caretwin.base.time import from_microseconds

    if us is None:
        return "-"
    return from_microseconds(us).strftime("%Y-%m-%d %H:%M:%SZ" if to == "second" else "%Y-%m-%d %H:%MZ")


def delay_text(us: int) -> str:
    """How long after something else, in one unit.

    >>> [delay_text(seconds * 1_000_000) for seconds in (0, 89, 1200, 7200, -1)]
    ['0 s', '89 s', '20 min', '2 h', 'before']
    """
    seconds = us / 1e6
    if seconds < 0:
        return "before"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"


def plain(text: str) -> Text:
    r"""A text of the record or of a sender, as it is: its brackets are no markup, and no character steers a terminal.

    >>> plain("mm[Hg]").plain, plain("ABC[/b]\x1b[2J").plain
    ('mm[Hg]', 'ABC[/b]�[2J')
    """
    from unicodedata import category

    from rich.text import Text

    return Text("".join("\ufffd" if category(one).startswith("C") and one not in "\n\t" else one for one in text))


def new_table(*titles: str) -> Table:
    """A table without lines; its titles are what they say. Rows are added by :func:`add_row`."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 1))
    for title in titles:
        table.add_column(plain(title))
    return table


def add_row(table: Table, *cells: str) -> None:
    """Add a row whose cells show what they say, whatever a sender wrote into them."""
    table.add_row(*map(plain, cells))


def too_narrow(rows: Sequence[Sequence[str]]) -> bool:
    """Whether somebody looks at a terminal that is narrower than a table of these rows."""
    from rich.cells import cell_len
    from rich.console import Console

    console = Console()
    wanted = sum(2 + max(map(cell_len, column)) for column in zip(*rows, strict=True))
    return console.is_terminal and wanted > console.width


def print_table(table: Any) -> None:
    """Print a table; rows are broken only for somebody who looks, not for a file or a pipe."""
    from rich.console import Console

    console = Console(highlight=False)
    console.print(table, soft_wrap=not console.is_terminal)
