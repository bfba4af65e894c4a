"""One twin that lives: its course, its state after the last row, and the checkpoints that it can go back to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import numpy as np

from caretwin.core.filter import Info
from caretwin.twin.bedside import Row, context, ventilation_was_chosen
from caretwin.twin.bedside_twin import REMEMBERED, BedsideTwin, Living, Scatter
from caretwin.twin.living.checkpoints import CLOSEST_MIN, Checkpoint, before, kept
from caretwin.twin.living.course import Course
from caretwin.twin.living.failure import Failure
from caretwin.twin.living.step import State, sound


class Alive(NamedTuple):
    """A twin as of its last row: the minute, its state, the settings that hold, and what the last datum said."""

    minute: int
    state: State
    settings: Any
    info: Info | None


@dataclass
class LivingTwin:
    """What a ward keeps of one subject.

    previous     before the last row: the minute that is still open is done again from here
    changed      first minute that is not in the state as it should be, None where all is
    waiting      rows that are to be stepped through; replaying  whether they are many
    back         whether it went back for them, further than to the minute that was still open
    body         what the model needs of the person; born_of  sex, age, height and weight that it was made of
    parts        keys of the subjects that had become this one when the course was read: with more, it begins again
    problem      what has just gone wrong with it; failure  the same, with when it is tried again; None for nothing
    restarted    minute at which its numbers were not finite and it went back to ones that were
    """

    course: Course
    alive: Alive | None = None
    previous: Checkpoint | None = None
    checkpoints: list[Checkpoint] = field(default_factory=list)
    chosen: bool = False
    changed: int | None = None
    waiting: list[Row] = field(default_factory=list)
    replaying: bool = False
    back: bool = False
    body: Any = None
    born_of: tuple[Any, ...] = ()
    parts: tuple[str, ...] = ()
    problem: Exception | None = None
    failure: Failure | None = None
    restarted: int | None = None

    def note_change(self, minute: int | None) -> None:
        """What is known of a minute is another than the state has; None: nothing changed."""
        if minute is not None:
            self.changed = minute if self.changed is None else min(self.changed, minute)

    def embody(self) -> None:
        """The body of the person as it is known; when that changed, the twin is another, from its beginning."""
        person = self.course.body_known()
        known = (person.sex, person.age_y, person.height_cm, person.weight_kg)
        if self.body is None or known != self.born_of:
            if self.body is not None:
                self.alive, self.previous, self.checkpoints, self.chosen = None, None, [], False
                self.changed = self.course.first_minute()
                self.waiting = []
            self.course.person = person
            self.body, self.born_of = context(person)[0], known

    def go_back(self, minute: int) -> None:
        """Be the twin that nothing of ``minute`` or later went into."""
        found = self.previous if self.previous is not None and self.previous.minute < minute else None
        self.back = found is None
        found = found or before(self.checkpoints, minute)
        self.checkpoints = [c for c in self.checkpoints if c.minute < minute]
        self.previous = None
        self.alive = None if found is None else Alive(found.minute, found.state, None, None)
        self.chosen = found is not None and found.chosen

    def fail(self, problem: Exception) -> None:
        """Something is wrong with this twin: its rows have to be listed again."""
        if self.waiting:
            self.note_change(minute_of_row(self.waiting[0]))
        self.problem, self.waiting, self.replaying, self.back = problem, [], False, False

    def mend(self) -> None:
        """Go back to what is finite, where the state is not: to the last checkpoint that is, else to the beginning."""
        if self.alive is None or sound(self.alive.state):
            return
        lost = self.alive.minute
        self.checkpoints = [one for one in self.checkpoints if sound(one.state)]
        if self.previous is not None and not sound(self.previous.state):
            self.previous = None
        self.go_back(lost)
        self.restarted = lost
        self.note_change(self.course.first_minute() if self.alive is None else self.alive.minute + 1)

    def remember_before(self) -> None:
        """Keep the state as that before the last row, which may be done again."""
        if self.alive is not None:
            self.previous = self._checkpoint(self.alive)

    def took(self, rows: Sequence[Row], state: State, info: Info) -> None:
        """The first waiting rows are done, and this is the state after them."""
        self.waiting = self.waiting[len(rows) :]
        self.chosen = self.chosen or any(ventilation_was_chosen(row.settings) for row in rows)
        self.alive = Alive(minute_of_row(rows[-1]), state, rows[-1].settings, info)
        self.replaying, self.back = self.replaying and bool(self.waiting), self.back and bool(self.waiting)
        last = self.checkpoints[-1].minute if self.checkpoints else None
        if last is None or self.alive.minute - last >= CLOSEST_MIN:
            self.checkpoints = kept([*self.checkpoints, self._checkpoint(self.alive)], self.alive.minute)

    def _checkpoint(self, alive: Alive) -> Checkpoint:
        return Checkpoint(alive.minute, alive.state, self.chosen, self.born_of)

    def up_to_date(self) -> bool:
        """Whether all that the course has, but for what is ahead of the clock, is in the state."""
        if self.alive is None or self.waiting or self.failure is not None or self.problem is not None:
            return False
        return self.changed is None or self.changed > self.alive.minute

    def finished(self) -> bool:
        """Whether it may end: nothing is left to do for it."""
        if self.failure is not None or self.problem is not None or self.waiting:
            return False
        return self.up_to_date() if self.alive is not None else self.course.first_minute() is None

    def older(self, count: int) -> list[Checkpoint]:
        """The last checkpoints before that of the last row, at most so many, each as good as new."""
        last = self.previous.minute if self.previous is not None else 0
        return [found for found in self.checkpoints if found.minute < last][-count:] if count else []

    def fork(self, twin: BedsideTwin) -> Living | None:
        """A copy for a what-if: nothing that is done with it touches the living one; None where it is not alive."""
        if self.alive is None:
            return None
        state = jax.tree.map(np.array, self.alive.state)
        settings = self.alive.settings
        if settings is None:
            rows = self.course.rows(self.alive.minute - 1, self.alive.minute, chosen=True)
            settings = rows[-1].settings if rows else None
        N, C = twin.settings.particles, len(twin.model.channel_names)
        expected = np.zeros((N, REMEMBERED, C), state.ensemble.theta.dtype)
        return Living(
            state.ensemble, expected, np.full(REMEMBERED, -np.inf), settings, state.body, state.subject, 0.0,
            Scatter(*state.scatter),
        )  # fmt: skip


def minute_of_row(row: Row) -> int:
    """The minute of a row."""
    return round(row.time * 60.0)
