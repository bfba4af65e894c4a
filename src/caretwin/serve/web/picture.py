"""The picture of the ward that browsers see: made once for all of them, with what changed since any earlier one.

Whoever was away says which picture they have, and gets what is another since. A picture is numbered within the life of
this process; a number of another process means nothing, and its owner gets everything.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from caretwin.serve.board import BoardRow
from caretwin.serve.web.board_rows import differing, person_of
from caretwin.serve.web.views.board import BoardPerson

MOST_GONE = 1000
"""Subjects that went away of whom it is remembered; whoever has an older picture gets everything."""


class News(NamedTuple):
    """What is another since a picture.

    whole  whether it is everything, for whoever has nothing that it could be added to
    """

    number: int
    rows: tuple[str, ...]
    gone: tuple[str, ...]
    whole: bool


class Picture:
    """The rows of a ward, and since when each is as it is.

    number_of    by which a house knows a subject; waiting  recommendations of a subject that wait for a review
    """

    def __init__(self, number_of: Callable[[str], str | None], waiting: Callable[[str], int]) -> None:
        self._number_of, self._waiting = number_of, waiting
        self.life = secrets.token_hex(4)
        self.number = 0
        self.rows: Mapping[str, BoardPerson] = {}
        self.json: dict[str, bytes] = {}
        self._since: dict[str, int] = {}
        self._gone: dict[str, int] = {}
        self._forgotten = 0
        self._drawn_of: tuple[BoardRow, ...] | None = None

    def draw(self, board: tuple[BoardRow, ...], now: int) -> bool:
        """Take in what the ward's own thread has; whether anything is another than before.

        now  clock (us)
        """
        if board is self._drawn_of:
            return False
        self._drawn_of = board
        rows = {
            row.subject: person_of(row, now, self._number_of(row.subject), self._waiting(row.subject)) for row in board
        }
        changed, gone = differing(self.rows, rows)
        self.rows = rows
        if not changed and not gone:
            return False
        self.number += 1
        for row in changed:
            self._since[row.subject] = self.number
            self._gone.pop(row.subject, None)
            self.json[row.subject] = row.model_dump_json().encode()
        for subject in gone:
            del self._since[subject], self.json[subject]
            self._gone[subject] = self.number
        while len(self._gone) > MOST_GONE:
            self._forgotten = max(self._forgotten, self._gone.pop(next(iter(self._gone))))
        return True

    def draw_again(self) -> None:
        """Let the next :meth:`draw` look at every row, though the ward has nothing new."""
        self._drawn_of = None

    def _person(self, row: BoardRow, now: int) -> BoardPerson:
        return person_of(row, now, self._number_of(row.subject), self._waiting(row.subject))

    def since(self, number: int | None, visible: Collection[str]) -> News:
        """What is another since a picture, of those who may be seen; None: everything."""
        whole = number is None or number < self._forgotten or number > self.number
        after = 0 if whole or number is None else number
        rows = tuple(key for key, at in self._since.items() if at > after and key in visible)
        gone = () if whole else tuple(key for key, at in self._gone.items() if at > after)
        return News(self.number, rows, gone, whole)

    def name(self) -> str:
        """The number of this picture, with the life that it is of: an id of server-sent events."""
        return f"{self.life}-{self.number}"

    def number_in(self, name: str) -> int | None:
        """The number of a picture by its name; None for one of another life, or for no name."""
        life, _, number = name.partition("-")
        return int(number) if life == self.life and number.isdecimal() and len(number) < 16 else None
