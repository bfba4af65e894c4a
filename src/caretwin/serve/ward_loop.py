"""The loop in which a ward lives, in a thread of its own: take in what came, keep checkpoints, end twins, forecast."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from caretwin.record.entry import Batch
from caretwin.record.record import Record
from caretwin.serve.board import BoardRow, board
from caretwin.serve.forecasts import Forecasts
from caretwin.serve.warm import warm, warm_what_if
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.ward import LivingWard

REST_S = 0.2
"""s that the loop waits when nothing comes: clocks go on without data too."""
SAVE_EVERY_S = 60.0
"""s of the wall's clock between checkpoints of a ward; each time a part of it has its turn."""
SAVE_PART = 5
"""A ward is saved in so many parts."""
START_AGAIN_S = 5.0
"""s after a ward could not be read from the record until that is tried again."""
TROUBLE_S = 1.0
"""s that the loop waits after something went wrong."""
DRAWN_EVERY_S = 0.5
"""s between two pictures of the ward."""


@dataclass
class Pulse:
    """How the loop is doing: seconds from receipt to twin of what was taken in last, rows, replays, what went wrong."""

    delays_s: deque[float] = field(default_factory=lambda: deque(maxlen=2000))
    rows: int = 0
    replayed: int = 0
    turns: int = 0
    waiting: int = 0
    trouble: str = ""


class WardLoop:
    """A ward that lives in a thread. Start it, stop it; ask it from any thread.

    clock  microseconds UTC now, of the site; forecast_every_min  min between kept forecasts of each twin
    """

    def __init__(
        self, record: Record, twin: BedsideTwin, clock: Callable[[], int], forecast_every_min: float = 15.0
    ) -> None:
        self._record, self.twin, self._clock = record, twin, clock
        self.pulse = Pulse()
        self.forecasts = Forecasts(record, twin, round(forecast_every_min * MINUTE))
        self.ward: LivingWard | None = None
        self.board: tuple[BoardRow, ...] = ()
        self._arrived: dict[str, float] = {}
        self._drawn = 0.0
        self._wake, self._stop, self._ready = threading.Event(), threading.Event(), threading.Event()
        self._warming = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="ward", daemon=True)

    def start(self) -> None:
        """Begin; see :meth:`wait_until_ready`."""
        self._warming.set()
        self._thread.start()

    def wait_until_ready(self) -> None:
        """Return when programs are loaded and every twin has been taken from the record."""
        self._ready.wait()

    def ready_for_what_if(self) -> None:
        """Load, beside the ward and after it, what a what-if needs: whoever lets a slider go first waits for no
        compiler. A compiler cannot be interrupted: a program that ends meanwhile waits for it.
        """

        def warmed() -> None:
            self.wait_until_ready()
            if not self._stop.is_set():
                warm_what_if(self.twin)

        threading.Thread(target=warmed, name="what-if").start()

    def stop(self) -> None:
        """Keep checkpoints of all, and end; while programs are compiled there is nothing to keep, nor to wait for."""
        self._stop.set()
        self._wake.set()
        self._ready.set()  # whoever waits for it waits no longer
        while self._thread.is_alive() and not self._warming.is_set():
            self._thread.join(0.1)

    def _run(self) -> None:
        end = self._record.listen(self._heard)
        try:
            warm(self.twin)
            self._warming.clear()
            if self._stop.is_set():  # somebody changed their mind, and the record is closed
                end()
                return
            self.ward = self._begun()
        except Exception as problem:  # the doors go on; whoever looks is told
            self._warming.clear()
            end()
            self.pulse.trouble = f"no twins: {type(problem).__name__}: {problem}"
            return
        finally:
            self._ready.set()
        if self.ward is None:
            end()
            return
        part, saved = 0, time.monotonic()
        while not self._stop.is_set():
            self._safely(self._turn)
            if time.monotonic() - saved >= SAVE_EVERY_S / SAVE_PART:
                self._safely(partial(self._save, part=part))
                part, saved = (part + 1) % SAVE_PART, time.monotonic()
            if not self.pulse.waiting:
                self._wake.wait(REST_S)
            self._wake.clear()
        for part in range(SAVE_PART):
            self._safely(partial(self._save, part=part))

    def _begun(self) -> LivingWard | None:
        """The ward, read from the record; tried until it succeeds, or until somebody stops it."""
        while not self._stop.is_set():
            try:
                ward = living_record.start(self._record, self.twin, self._clock())
            except Exception as problem:  # such as a record that another process keeps locked
                self.pulse.trouble = f"no twins yet, tried again: {type(problem).__name__}: {problem}"
                self._stop.wait(START_AGAIN_S)
            else:
                self.pulse.trouble = ""
                return ward
        return None

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
        behind = {*turn.waiting, *turn.failed}
        waiting = {subject: at for subject, at in arrived.items() if subject in behind}
        self.pulse.delays_s.extend(done - at for subject, at in arrived.items() if subject not in waiting)
        with self._lock:
            self._arrived = {**self._arrived, **waiting}
        if turn.over:
            self._safely(lambda ward: living_record.retire(self._record, ward, turn.over))
        self.forecasts.forget(turn.renewed)
        self.forecasts.forget_others({*ward.subjects(), *ward.roll.ended})
        self.forecasts.turn(ward, now)
        if done - self._drawn >= DRAWN_EVERY_S:
            self.board, self._drawn = board(ward, self.forecasts, now), done

    def _save(self, ward: LivingWard, part: int) -> None:
        subjects = [key for number, key in enumerate(ward.subjects()) if number % SAVE_PART == part]
        living_record.save(self._record, ward, subjects)
