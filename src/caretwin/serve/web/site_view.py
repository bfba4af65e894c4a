"""A running site as callers may see it: whoever asks gets what is theirs, and every look at a person is audited."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import orjson

from caretwin.record.reading import Reading
from caretwin.review.recommendations import Recommendation, all_of, waiting
from caretwin.serve.access.rules import Rules
from caretwin.serve.running import Running
from caretwin.serve.web.caller import Caller
from caretwin.serve.web.picture import Picture
from caretwin.serve.web.views.board import Board, BoardPerson, DoorPulse, Pulse, Unit
from caretwin.twin.living.record import TWIN

MOST_NUMBERS = 5000


class SiteView:
    """What callers may see of a site. May be asked by any thread but for :meth:`draw`.

    reading  the record as a caller may read it
    """

    def __init__(self, running: Running, rules: Rules, reading: Callable[[Caller], Reading]) -> None:
        self.running, self.rules, self.reading = running, rules, reading
        self.picture = Picture(self._number_of, self._waiting_of)
        self._numbers: dict[str, str | None] = {}
        self._recommended: dict[str, list[Recommendation]] = {}
        self._epoch = -1

    def known(self, subject: str) -> bool:
        """Whether the record has somebody of this key."""
        return subject in self.picture.rows or bool(self.running.record.reading(TWIN).identifiers(subject))

    def names(self) -> dict[str, str]:
        """Names of accounts, by what the record calls them."""
        return {f"account:{one.key}": one.name for one in self.rules.accounts.all()}

    def changed(self, subject: str) -> None:
        """Recommendations of somebody are others than before."""
        self._recommended.pop(subject, None)
        self.picture.draw_again()

    def draw(self) -> bool:
        """Take in what the ward has; whether anything is another than before. For one thread."""
        loop = self.running.loop
        return loop is not None and self.picture.draw(loop.board, self.running.clock())

    def visible(self, caller: Caller) -> set[str]:
        """Subjects of the picture whom a caller may see."""
        return set(self.rules.visible(caller, list(self.picture.rows)))

    def board(self, caller: Caller) -> Board:
        """Everybody whom a caller may see; the look is audited for each of them."""
        visible = self.visible(caller)
        self.look(caller, visible)
        rows = [row for key, row in self.picture.rows.items() if key in visible]
        return Board(now=self.running.clock(), seq=self.picture.number, rows=rows, units=units_of(rows))

    def look(self, caller: Caller, subjects: Collection[str]) -> None:
        """Audit that a caller looks at these people, before they are shown. Raises AccessDeniedError."""
        if subjects:  # nobody at all is no question about all of the record
            self.reading(caller).of(sorted(subjects))

    def row(self, subject: str) -> BoardPerson | None:
        """A person's row, None for who is not on the board."""
        return self.picture.rows.get(subject)

    def pulse(self) -> Pulse:
        """How the doors and the ward are doing; nothing in it is about a person."""
        now = self.running.clock()
        doors = [
            DoorPulse(
                name=name,
                listening=intake.state.listening,
                trouble=intake.state.trouble,
                age_s=None if intake.state.last_received is None else (now - intake.state.last_received) / 1e6,
            )
            for name, intake in self.running.intakes.items()
        ]
        loop = self.running.loop
        return Pulse(now=now, seq=self.picture.number, doors=doors, trouble="" if loop is None else loop.pulse.trouble)

    def news_json(self, rows: Sequence[str], gone: Sequence[str], *, whole: bool) -> str:
        """What changed on the board, as JSON: rows are encoded once for all who see them.

        whole  whether rows are everything, so that a browser drops what it has
        """
        head = orjson.dumps({"now": self.running.clock(), "seq": self.picture.number, "gone": gone, "whole": whole})
        parts = b",".join(self.picture.json[key] for key in rows if key in self.picture.json)
        return (head[:-1] + b',"rows":[' + parts + b"]}").decode()

    def _waiting_of(self, subject: str) -> int:
        """Recommendations of somebody that wait for a review."""
        now = self.running.clock()
        if subject not in self._recommended:
            self._recommended[subject] = all_of(self.running.record.reading(TWIN), subject, now)
        return waiting(self._recommended[subject], now)

    def _number_of(self, subject: str) -> str | None:
        """By which number a house knows somebody; asked once until somebody is merged, parted or erased."""
        reading = self.running.record.reading(TWIN)
        epoch = reading.epoch()
        if epoch != self._epoch or len(self._numbers) > MOST_NUMBERS:
            self._numbers, self._recommended, self._epoch = {}, {}, epoch
        if subject not in self._numbers:
            known = [one.value for one in reading.identifiers(subject) if not one.system.startswith("local:")]
            self._numbers[subject] = known[0] if known else None
        return self._numbers[subject]


def units_of(rows: list[BoardPerson]) -> list[Unit]:
    """Units with the beds in which somebody lies, in order of their names."""
    beds: dict[str, set[str]] = {}
    for row in rows:
        if row.unit is not None:
            beds.setdefault(row.unit, set()).update([row.place] if row.place is not None else [])
    return [Unit(name=name, beds=sorted(of)) for name, of in sorted(beds.items())]
