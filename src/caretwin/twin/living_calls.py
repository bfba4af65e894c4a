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
from caretwin.twin.live import BedsideTwin
from caretwin.twin.living_step import JOBS, TOGETHER, Jobs, State, advanced, born, subject_number
from caretwin.twin.living_twin import Alive, LivingTwin, minute_of_row

FEWEST_REPLAY_CALLS, REPLAY_CALLS = 2, 8
"""Calls of a turn that go to replays: two, some 0.1 s, and up to eight as long as nobody has new data."""


class Stepper:
    """Steps twins of one model; groups of them share the cores."""

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
            steps += self._call([one for one in twins if len(one.waiting) > 1][:TOGETHER], leave=1)
        last = [one for one in twins if one.waiting]
        groups = [last[start : start + TOGETHER] for start in range(0, len(last), TOGETHER)]
        return steps + sum(self._pool.map(lambda group: self._call(group, leave=0), groups))

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
        return self._call([one], leave=1 if len(one.waiting) > 1 else 0)

    def _begin(self, twins: Iterable[LivingTwin]) -> None:
        """The prior of those who have none yet."""
        for one in twins:
            if one.alive is None:
                row = one.waiting[0]
                one.alive = Alive(minute_of_row(row) - 1, self._born(one, row), row.settings, None)

    def _born(self, one: LivingTwin, row: Row) -> State:
        model, settings, key = self.twin.model, self.twin.settings, self.twin.key
        number = subject_number(one.course.subject)
        state = born(model, settings, key, one.body, row.settings, float(row.time), number)
        return jax.tree.map(np.asarray, state)  # type: ignore[no-any-return]

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
        after, info = jax.tree.map(np.asarray, advanced(model, settings, key, group, _jobs(work), len(work)))
        for slot, one in enumerate(twins):
            done = [number for number, (where, _) in enumerate(work) if where == slot]
            if done:
                one.took([work[number][1] for number in done], _taken(after, slot), _taken(info, done[-1]))
        return len(work)


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
