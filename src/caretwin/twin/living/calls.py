"""Compiled calls that step the twins of a ward through their rows: those of one minute together, replays in pieces.

What is new comes first; replays take turns with it, so that nobody waits for somebody else's past.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from caretwin.twin.bedside import Row
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living.step import JOBS, TOGETHER, Jobs, State, advanced, born, sound, subject_number
from caretwin.twin.living.twin import Alive, LivingTwin, minute_of_row

FEWEST_REPLAY_CALLS, REPLAY_CALLS = 2, 8
"""Calls of a turn that go to replays: two, some 0.1 s, and up to eight as long as nobody has new data."""

MOST_LEFT_OUT = 5
"""Rows in a row after which a twin that could take none of them in is begun anew: by then it is not the data
(assumed).
"""


class Stepper:
    """Steps twins of one model; groups of them share the cores.

    What goes wrong with a twin ends its steps of this turn and nobody else's (see :meth:`LivingTwin.fail`).
    """

    def __init__(self, twin: BedsideTwin) -> None:
        self.twin = twin
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers)

    def advance(self, twins: Sequence[LivingTwin]) -> int:
        """Step every twin through its rows; the last row of each in a call of its own, so that it can be done again.

        Returns how many rows were done.
        """
        self._begin(twins)
        steps = 0
        while any(len(one.waiting) > 1 for one in twins):
            steps += self._safely([one for one in twins if len(one.waiting) > 1][:TOGETHER], leave=1)
        last = [one for one in twins if one.waiting]
        groups = [last[start : start + TOGETHER] for start in range(0, len(last), TOGETHER)]
        return steps + sum(self._pool.map(lambda group: self._safely(group, leave=0), groups))

    def replay(self, twins: Sequence[LivingTwin], others_wait: Callable[[], bool]) -> int:
        """Some calls of replays, the shortest first; fewer when ``others_wait`` says that somebody has new data.

        Returns how many rows were done.
        """
        steps = 0
        for call in range(REPLAY_CALLS):
            if call >= FEWEST_REPLAY_CALLS and others_wait():
                break
            waiting = sorted((one for one in twins if one.waiting), key=lambda one: len(one.waiting))[: self._workers]
            if not waiting:
                break
            steps += sum(self._pool.map(self._replay_some, waiting))
        return steps

    def _replay_some(self, one: LivingTwin) -> int:
        """One call of one twin's replay; its last row in a call of its own, as in :meth:`advance`."""
        self._begin([one])
        return self._safely([one], leave=1 if len(one.waiting) > 1 else 0) if one.waiting else 0

    def _begin(self, twins: Iterable[LivingTwin]) -> None:
        """The prior of those who have none yet."""
        for one in twins:
            if one.alive is None and one.waiting:
                row = one.waiting[0]
                try:
                    one.alive = Alive(minute_of_row(row) - 1, self._born(one, row), row.settings, None)
                except Exception as problem:  # of this person's body or settings: told, and the others go on
                    one.fail(problem)

    def _safely(self, twins: Sequence[LivingTwin], leave: int) -> int:
        """A call of twins; where it fails, each by itself, so that only who cannot be stepped is not."""
        try:
            return self._call(twins, leave)
        except Exception as problem:
            if len(twins) == 1:
                twins[0].fail(problem)
                return 0
        return sum(self._safely([one], leave) for one in twins if len(one.waiting) > leave)  # others may be done

    def _born(self, one: LivingTwin, row: Row) -> State:
        """The twin before a row of which nothing else is known. Raises FloatingPointError where it is not finite."""
        model, settings, key = self.twin.model, self.twin.settings, self.twin.key
        number = subject_number(one.course.subject)
        made = born(model, settings, key, one.body, row.settings, float(row.time), number)
        state: State = jax.tree.map(np.asarray, made)
        if not sound(state):
            raise FloatingPointError("the model has no finite numbers for this body under these settings")
        return state

    def _call(self, twins: Sequence[LivingTwin], leave: int) -> int:
        """One compiled call: rows of up to TOGETHER twins, all but the last ``leave`` of each, as many as fit."""
        work: list[tuple[int, Row]] = []
        for slot, one in enumerate(twins):
            room = max((JOBS - len(work)) // (len(twins) - slot), 0)
            if leave == 0:
                one.remember_before()
            work += [(slot, row) for row in one.waiting[: min(len(one.waiting) - leave, room)]]
        states = [one.alive.state for one in twins if one.alive is not None]
        group = _stacked(states + states[:1] * (TOGETHER - len(states)))
        model, settings, key = self.twin.model, self.twin.settings, self.twin.key
        done = advanced(model, settings, key, group, _jobs(work), len(work))
        after, info, left_out = jax.tree.map(np.asarray, done)
        for slot, one in enumerate(twins):
            mine = [number for number, (where, _) in enumerate(work) if where == slot]
            lost = next((place for place, number in enumerate(mine) if left_out[number] >= MOST_LEFT_OUT), None)
            state = _taken(after, slot)
            if lost is not None:
                mine = mine[: lost + 1]  # the rows after it are the new twin's
                state = self._begun_anew(one, work[mine[-1]][1])
            if mine:
                one.took([work[number][1] for number in mine], state, _taken(info, mine[-1]))
        return len(work)

    def _begun_anew(self, one: LivingTwin, row: Row) -> State:
        """The twin of somebody of whom nothing is known at a row; it says that it was begun anew, and when."""
        state = self._born(one, row)
        return state._replace(begun=np.asarray(minute_of_row(row), state.begun.dtype))


def _stacked(states: Sequence[State]) -> State:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *states)  # type: ignore[no-any-return]


def _taken(tree: Any, place: int) -> Any:
    return jax.tree.map(lambda leaf: np.array(leaf[place]), tree)


def _jobs(work: Sequence[tuple[int, Row]]) -> Jobs:
    """The work as arrays of a fixed length; what fills them up is not done."""
    filled = [*work, *[work[-1]] * (JOBS - len(work))]
    rows = [row for _, row in filled]
    return Jobs(
        np.array([slot for slot, _ in filled]),
        jax.tree.map(lambda *leaves: np.stack(leaves), *[row.settings for row in rows]),
        np.stack([row.value for row in rows]),
        np.stack([row.kind for row in rows]),
        np.array([row.time for row in rows]),
    )
