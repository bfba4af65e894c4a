"""The loop in which a ward lives: take in what came, keep checkpoints, say and score forecasts; in a thread of its
own.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from caretwin import __version__
from caretwin.record.entry import Batch, Derived
from caretwin.record.record import Record
from caretwin.serve.board import BoardRow, board
from caretwin.serve.doubt import Doubt, doubt
from caretwin.serve.warm import warm
from caretwin.twin import kept_forecasts, living_record
from caretwin.twin.course import MINUTE, minute_of
from caretwin.twin.kept_forecasts import HOUR, Said
from caretwin.twin.live import BedsideTwin
from caretwin.twin.living_checkpoints import model_name
from caretwin.twin.living_ward import AHEAD_MIN, LivingWard

REST_S = 0.2
"""s that the loop waits when nothing comes: clocks go on without data too."""
SAVE_EVERY_S = 60.0
"""s of the wall's clock between checkpoints of a ward; each time a part of it has its turn."""
SAVE_PART = 5
"""A ward is saved in so many parts."""
TROUBLE_S = 1.0
"""s that the loop waits after something went wrong."""
DRAWN_EVERY_S = 0.5
"""s between two pictures of the ward."""
SCORED_BACK = 30 * HOUR
"""us: forecasts older than this are not looked at any more; the longest horizon is over after 5 h."""


@dataclass
class Pulse:
    """How the loop is doing: seconds from receipt to twin of what was taken in last, rows, replays, what went wrong."""

    delays_s: deque[float] = field(default_factory=lambda: deque(maxlen=2000))
    rows: int = 0
    replayed: int = 0
    turns: int = 0
    waiting: int = 0
    forecasts: int = 0
    scores: deque[Mapping[str, Any]] = field(default_factory=lambda: deque(maxlen=5000))
    trouble: str = ""


class WardLoop:
    """A ward that lives in a thread. Start it, stop it; ask it from any thread.

    clock  microseconds UTC now, of the site; forecast_every_min  min between kept forecasts of each twin
    """

    def __init__(
        self, record: Record, twin: BedsideTwin, clock: Callable[[], int], forecast_every_min: float = 15.0
    ) -> None:
        self._record, self.twin, self._clock = record, twin, clock
        self._every = round(forecast_every_min * MINUTE)
        self.pulse = Pulse()
        self.ward: LivingWard | None = None
        self.said: dict[str, list[Said]] = {}
        self.doubts: dict[str, Doubt] = {}
        self.board: tuple[BoardRow, ...] = ()
        self._arrived: dict[str, float] = {}
        self._next: dict[str, int] = {}
        self._drawn = 0.0
        self._wake, self._stop, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ward", daemon=True)

    def start(self) -> None:
        """Begin; see :meth:`wait_until_ready`."""
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Return when programs are loaded and every twin has been taken from the record."""
        self._ready.wait()

    def stop(self) -> None:
        """Keep checkpoints of all, and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        end = self._record.listen(self._heard)
        try:
            warm(self.twin)
            self.ward = living_record.start(self._record, self.twin)
        except Exception as problem:  # the doors go on; whoever looks is told
            end()
            self.pulse.trouble = f"no twins: {type(problem).__name__}: {problem}"
            return
        finally:
            self._ready.set()
        part, saved = 0, time.monotonic()
        while not self._stop.is_set():
            self._safely(lambda ward: self._turn(ward))
            if time.monotonic() - saved >= SAVE_EVERY_S / SAVE_PART:
                self._safely(lambda ward, part=part: self._save(ward, part))
                part, saved = (part + 1) % SAVE_PART, time.monotonic()
            if not self.pulse.waiting:
                self._wake.wait(REST_S)
            self._wake.clear()
        for part in range(SAVE_PART):
            self._safely(lambda ward, part=part: self._save(ward, part))

    def _heard(self, batches: Sequence[Batch], receipts: Sequence[Any]) -> None:
        """What came, and when: a listener of the record."""
        now = time.monotonic()
        with self._lock:
            for batch, receipt in zip(batches, receipts, strict=True):
                if batch.actor == living_record.TWIN.name:
                    continue  # our own forecasts are no data
                for subject in receipt.subjects:
                    self._arrived.setdefault(subject, now)
        self._wake.set()

    def _safely(self, job: Callable[[LivingWard], None]) -> None:
        """Do something with the ward; what goes wrong is told, and the ward lives on."""
        assert self.ward is not None
        try:
            job(self.ward)
        except Exception as problem:  # whatever it is: a ward must not end by it
            self.pulse.trouble = f"{type(problem).__name__}: {problem}"
            self._stop.wait(TROUBLE_S)

    def _turn(self, ward: LivingWard) -> None:
        with self._lock:
            arrived, self._arrived = self._arrived, {}
        now = self._clock()
        turn = ward.turn(now)
        done = time.monotonic()
        self.pulse.turns += 1
        self.pulse.rows += turn.steps
        self.pulse.replayed += turn.replayed
        self.pulse.waiting = len(turn.waiting)
        waiting = {subject: at for subject, at in arrived.items() if subject in turn.waiting}
        self.pulse.delays_s.extend(done - at for subject, at in arrived.items() if subject not in waiting)
        with self._lock:
            self._arrived = {**self._arrived, **waiting}
        self._safely(lambda ward: self._forecast(ward, now))
        if done - self._drawn >= DRAWN_EVERY_S:
            self.board, self._drawn = board(ward, self.said, self.doubts), done

    def _forecast(self, ward: LivingWard, now: int) -> None:
        """Say what is due, and score what is over; one subject a turn, so that data never wait for forecasts."""
        ready = [key for key, alive in ward.subjects().items() if alive is not None]
        due = [key for key in ready if self._next.get(key, 0) <= now]
        if not due:
            return
        key = min(due, key=lambda one: self._next.get(one, 0))
        self._next[key] = now + self._every
        fork = ward.fork(key)
        if fork is None or fork.settings is None:
            return
        minute = minute_of(now) + AHEAD_MIN
        course = ward.course(key).record(minute - round(kept_forecasts.FORECAST_FROM_H * 60), minute)
        said = kept_forecasts.say(self.twin, fork, course, now)
        reading = self._record.reading(living_record.TWIN)
        self.doubts[key] = doubt(reading, key, self.twin, fork, now)
        provenance = {"code": __version__, "model": model_name(self.twin), "rows_until": fork_time(fork)}
        self._keep(kept_forecasts.to_keep(key, said, {**provenance, "data": self.doubts[key]._asdict()}), now)
        self.said[key] = said  # shown only when it is kept
        self.pulse.forecasts += len(said)
        over = kept_forecasts.due(reading, key, now, now - SCORED_BACK)
        scores = [kept_forecasts.scored(reading, one, now) for one in over]
        self._keep(scores, now)
        self.pulse.scores += [score.body for score in scores if score.body["came"]]

    def _keep(self, entries: Sequence[Derived], now: int) -> None:
        if entries:
            self._record.append(living_record.TWIN, [Batch(tuple(entries), now, living_record.TWIN.name)])

    def _save(self, ward: LivingWard, part: int) -> None:
        subjects = [key for number, key in enumerate(ward.subjects()) if number % SAVE_PART == part]
        living_record.save(self._record, ward, subjects)


def fork_time(fork: Any) -> str:
    """The minute of a fork's last row, as an instant."""
    from caretwin.base.time import from_microseconds

    return from_microseconds(round(float(fork.ensemble.t) * 60) * MINUTE).isoformat()
