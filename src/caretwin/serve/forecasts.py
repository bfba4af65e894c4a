"""Forecasts of a ward: said, kept and scored when they are due, one subject at a time: data never wait for them.

With a forecast goes what there is to doubt about its data. What came since, or did not come, is judged again between
forecasts, as soon as the board would say something that is not true any more.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from caretwin import __version__
from caretwin.base.time import from_microseconds
from caretwin.record.entry import Batch, Derived
from caretwin.record.quality import SubjectQuality
from caretwin.record.reading import Reading
from caretwin.record.record import Record
from caretwin.serve.doubt import Doubt, doubt, judged, outdated
from caretwin.twin import kept_forecasts
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.kept_forecasts import HOUR, Said
from caretwin.twin.living.checkpoints import model_name
from caretwin.twin.living.course import MINUTE, minute_of
from caretwin.twin.living.record import TWIN
from caretwin.twin.living.ward import AHEAD_MIN, LivingWard

SCORED_BACK = 30 * HOUR
"""us: forecasts older than this are not looked at any more; the longest horizon is over after 5 h."""
AGAIN_US = MINUTE
"""us after which a forecast that went wrong is tried again; and between two judgements of one subject's data."""


class Forecasts:
    """What was said last of each subject, and how it is said again.

    every_us  between kept forecasts of each twin
    said, doubts, troubles  by subject: the last forecast, what is to be doubted of its data, why there is none
    count  forecasts that were kept; scores  of the last that came
    """

    def __init__(self, record: Record, twin: BedsideTwin, every_us: int) -> None:
        self._record, self._twin, self._every = record, twin, every_us
        self.said: dict[str, list[Said]] = {}
        self.doubts: dict[str, Doubt] = {}
        self.troubles: dict[str, str] = {}
        self.count = 0
        self.scores: deque[Mapping[str, Any]] = deque(maxlen=5000)
        self._judged: dict[str, tuple[int, SubjectQuality]] = {}
        self._next: dict[str, int] = {}

    def forget(self, keys: Collection[str]) -> None:
        """Drop what was said of these: their twins began again, as somebody else's."""
        for known in (self.said, self.doubts, self.troubles, self._judged, self._next):
            for key in keys:
                known.pop(key, None)

    def forget_others(self, there: Collection[str]) -> None:
        """Drop what is known of everybody who is not there: erased, or become another."""
        for known in (self.said, self.doubts, self.troubles, self._judged, self._next):
            for key in [key for key in known if key not in there]:
                del known[key]

    def turn(self, ward: LivingWard, now: int) -> None:
        """Do what is due for one subject: a forecast with its scores, or else a new look at its data.

        What goes wrong is told in ``troubles``, and tried again.
        """
        due = [key for key in self._alive(ward, now) if self._next.get(key, 0) <= now]
        key = min(due, key=lambda one: self._next.get(one, 0), default=None)
        if key is not None:
            self._next[key] = now + self._every
            self._safely(key, now, lambda: self._due(ward, key, now))
            return
        stale = next((one for one in self._judged if self._outdated(ward, one, now)), None)
        if stale is not None:
            self._safely(stale, now, lambda: self._judge_again(stale, now))

    def _alive(self, ward: LivingWard, now: int) -> list[str]:
        """Of whom there is something to say or to score: also who left a while ago."""
        ended = [key for key, one in ward.roll.ended.items() if now - one.left < SCORED_BACK]
        return [key for key, alive in ward.subjects().items() if alive is not None] + ended

    def _safely(self, key: str, now: int, job: Any) -> None:
        try:
            job()
        except Exception as problem:  # of this subject: the others are next
            self._next[key] = min(self._next.get(key, now + AGAIN_US), now + AGAIN_US)
            self.troubles[key] = f"no forecast: {type(problem).__name__}: {' '.join(str(problem).split())[:200]}"

    def _due(self, ward: LivingWard, key: str, now: int) -> None:
        reading = self._record.reading(TWIN)
        left = ward.roll.ended[key].left if key in ward.roll.ended else ward.course(key).left()
        if left is None or left > now:
            self._say(ward, reading, key, now)
        else:  # nobody is there any more: what was said is only scored
            self.said.pop(key, None)
            self.doubts.pop(key, None)
            self._judged.pop(key, None)
        self._score(reading, key, now)

    def _say(self, ward: LivingWard, reading: Reading, key: str, now: int) -> None:
        fork = ward.fork(key)
        if fork is None or fork.settings is None:
            return
        minute = minute_of(now) + AHEAD_MIN
        course = ward.course(key).record(minute - round(kept_forecasts.FORECAST_FROM_H * 60), minute)
        said = kept_forecasts.say(self._twin, fork, course, now)
        quality = judged(reading, key, now)
        found = doubt(quality, self._twin, fork, now)
        rows_until = from_microseconds(round(float(fork.ensemble.t) * 60) * MINUTE).isoformat()
        provenance = {"code": __version__, "model": model_name(self._twin), "rows_until": rows_until}
        self._keep(kept_forecasts.to_keep(key, said, {**provenance, "data": found._asdict()}), now)
        self.said[key], self.doubts[key], self._judged[key] = said, found, (now, quality)  # shown only when it is kept
        self.count += len(said)
        wrong = kept_forecasts.unsaid(course, said)
        self.troubles[key] = f"no forecast of {', '.join(wrong)}: not finite".replace("_", " ") if wrong else ""

    def _score(self, reading: Reading, key: str, now: int) -> None:
        over = kept_forecasts.due(reading, key, now, now - SCORED_BACK)
        scores = [kept_forecasts.scored(reading, one, now) for one in over]
        self._keep(scores, now)
        self.scores += [score.body for score in scores if score.body["came"]]

    def _keep(self, entries: Sequence[Derived], now: int) -> None:
        if entries:
            self._record.append(TWIN, [Batch(tuple(entries), now, TWIN.name)])

    def _outdated(self, ward: LivingWard, key: str, now: int) -> bool:
        at, quality = self._judged[key]
        return now - at >= AGAIN_US and key in ward.subjects() and outdated(quality, at, ward.course(key), now)

    def _judge_again(self, key: str, now: int) -> None:
        quality = judged(self._record.reading(TWIN), key, now)
        self._judged[key] = (now, quality)
        self.doubts[key] = self.doubts[key].of(quality)
