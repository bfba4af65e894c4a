"""Rows of the board as the browser gets them, of the ward's own."""

from __future__ import annotations

from collections.abc import Mapping

from caretwin.decide.news2 import News2
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.board import TREND_MIN, BoardRow, Vital
from caretwin.serve.doubt import Doubt
from caretwin.serve.web.views.board import (
    Ahead,
    BoardPerson,
    DataDoubt,
    ScorePart,
    ScoreThen,
    SettingsNow,
    TwinState,
    VitalSign,
    WarningScore,
)
from caretwin.twin.living.course import MINUTE

MODES = (
    "not ventilated", "volume control", "pressure control", "pressure-regulated volume control",
    "pressure support or CPAP", "SIMV", "volume support", "non-invasive", "ventilated, mode not known",
)  # fmt: skip
"""Words of the channel ventilator_mode, by its number."""
OLD_US = 90 * MINUTE
"""us after which a vital sign without an expectation of its own is old: charts of intensive care are hourly (assumed).
"""
MOST_POINTS = 24
"""Points of a trend: as many as its few pixels can show."""


def person_of(row: BoardRow, now: int, number: str | None, waiting: int) -> BoardPerson:
    """A row of the board.

    now  us; number  by which the house knows the person; waiting  recommendations that wait for a review
    """
    person, place = row.person, row.place
    return BoardPerson(
        subject=row.subject,
        number=number,
        unit=place.unit,
        place=place.bed,
        age=None if person is None else person.age_y,
        sex=None if person is None else person.sex,
        since=place.since,
        left=row.left,
        heard=None if row.heard is None else row.heard * MINUTE,
        news2=None if row.warning is None else warning(row.warning, row.warned),
        vitals=[_vital(name, one, now) for name, one in row.vitals.items()],
        settings=SettingsNow(mode=_mode(row.mode), fio2=row.fio2, norepinephrine=row.norepinephrine),
        twin=_twin(row),
        doubt=None if row.doubt is None else _doubt(row.doubt),
        surprises=list(row.surprises),
        recommendations=waiting,
    )


def warning(score: News2, before: News2 | None) -> WarningScore:
    """The early warning score, and what it was."""
    then = None
    if before is not None and (before.low, before.high) != (score.low, score.high):
        then = ScoreThen(from_low=before.low, from_high=before.high, hours=TREND_MIN / 60)
    return WarningScore(
        low=score.low,
        high=score.high,
        complete=score.complete,
        single_three=score.single_three,
        parts=[
            ScorePart(channel=one.name, score=one.low if one.known else None, low=one.low, high=one.high)
            for one in score.parts
        ],
        changed=then,
    )


def _vital(name: str, one: Vital, now: int) -> VitalSign:
    term = vocabulary()[name]
    step = max(1, -(-len(one.trend) // MOST_POINTS))
    kept = one.trend[::-1][::step][::-1]
    ahead = None
    if one.ahead is not None and one.ahead_at is not None:
        low, median, high = one.ahead
        ahead = Ahead(at=one.ahead_at, low=low, median=median, high=high)
    return VitalSign(
        channel=name,
        unit=term.unit,
        value=one.value,
        at=one.minute * MINUTE,
        stale=now - one.minute * MINUTE > OLD_US,
        trend=[(minute * MINUTE, value) for minute, value in kept],
        ahead=ahead,
    )


def _mode(number: float | None) -> str | None:
    if number is None:
        return None
    place = round(number)
    return MODES[place] if 0 <= place < len(MODES) else MODES[-1]


def _twin(row: BoardRow) -> TwinState:
    at = None if row.twin is None else row.twin * MINUTE
    if row.left is not None and row.twin is None:
        return TwinState(state="ended", at=at, trouble=row.trouble)
    if row.trouble:
        return TwinState(state="trouble", at=at, trouble=row.trouble)
    if row.twin is None:
        return TwinState(state="none", at=None, trouble="")
    return TwinState(state="replaying" if row.replaying else "live", at=at, trouble="")


def _doubt(doubt: Doubt) -> DataDoubt:
    return DataDoubt(**doubt._asdict())


def differing(before: Mapping[str, BoardPerson], now: Mapping[str, BoardPerson]) -> tuple[list[BoardPerson], list[str]]:
    """Rows that are another or new, and subjects that are no longer there."""
    return [row for key, row in now.items() if before.get(key) != row], [key for key in before if key not in now]
