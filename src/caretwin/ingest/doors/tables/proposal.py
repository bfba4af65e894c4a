"""A proposed mapping of a table: its choices, each with a reason, and the questions that only a person can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from caretwin.ingest.doors.tables.channels import Coded
from caretwin.ingest.doors.tables.grid import Grid
from caretwin.ingest.doors.tables.mapping import TableMapping

NOT_KNOWN = "its name is none that caretwin knows"
"""Why a column is not used, where a person may know better."""


@dataclass(frozen=True)
class Hints:
    """What a person has said already; "" for nothing.

    zone     IANA, of clock times without an offset; dates  ``"dmy"`` or ``"mdy"``
    subject  whom the whole file is about; system  who gives subjects their numbers
    """

    zone: str = ""
    dates: str = ""
    subject: str = ""
    system: str = ""


class Choice(NamedTuple):
    """What a column is taken for, and why, in a sentence; doubts  what a person should look at."""

    column: str
    role: str
    why: str
    doubts: tuple[str, ...] = ()


class Question(NamedTuple):
    """What only a person can say, and how: an entry of the mapping, or an option of the command.

    clock  whether it is about when rows were true: no time can be told before it is answered
    """

    text: str
    fix: str
    clock: bool = False


@dataclass
class Proposal:
    """A proposed mapping.

    mapping   complete unless there are questions
    choices   every column that is used; unused  every one that is not, with the reason
    codes     of a table with a row for each value: what each code means (those without a channel: nobody knows)
    hints     what a person had said
    """

    grid: Grid
    mapping: TableMapping
    choices: list[Choice] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unused: dict[str, str] = field(default_factory=dict)
    codes: Sequence[Coded] = ()
    hints: Hints = field(default_factory=lambda: Hints())

    @property
    def ready(self) -> bool:
        """Whether the table can be read by the mapping as it is."""
        return not self.questions and bool(self.mapping.columns or self.mapping.long)

    def set(self, **more: object) -> None:
        """Fill in parts of the mapping."""
        self.mapping = replace(self.mapping, **more)  # type: ignore[arg-type]
