"""What there is to say of one person, of what the record has and the twin says."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from caretwin.record.bedside import Person as RecordedPerson
from caretwin.record.bedside import channels
from caretwin.record.entry import Stored, StoredDerived, StoredEvent
from caretwin.record.reading import Reading
from caretwin.record.store.provenance import Span
from caretwin.record.store.read_observations import SeriesData
from caretwin.record.vocabulary import vocabulary
from caretwin.serve.channel_groups import group_of, kind_of, title_of
from caretwin.serve.web.event_words import words_of
from caretwin.serve.web.thinning import thinned
from caretwin.serve.web.views.person import (
    ChannelSpan,
    Fan,
    PersonEvent,
    PersonFacts,
    SaidBefore,
    Series,
)
from caretwin.twin.kept_forecasts import LEVELS, Said

FAN_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
BEFORE_H = 1.0
"""The horizon whose earlier forecasts are drawn beside what came (h)."""


def facts_of(person: RecordedPerson) -> PersonFacts:
    """Who it is."""
    return PersonFacts(
        age=person.age_y,
        sex=person.sex,
        height_cm=person.height_cm,
        weight_kg=person.weight_kg,
        race=person.race,
        ethnicity=person.ethnicity,
    )


def channels_of(spans: Sequence[Span]) -> list[ChannelSpan]:
    """The channels that a person has, all sources of one together."""
    by_name: dict[str, list[Span]] = {}
    for span in spans:
        by_name.setdefault(span.code, []).append(span)
    return [_channel(name, of) for name, of in by_name.items()]


def _channel(name: str, spans: Sequence[Span]) -> ChannelSpan:
    term = vocabulary().get(name)
    return ChannelSpan(
        channel=name,
        title=title_of(name),
        unit=term.unit if term is not None else spans[0].unit,
        kind=kind_of(term),
        group=group_of(name),
        low=None if term is None else term.low,
        high=None if term is None else term.high,
        first=min(one.first for one in spans),
        last=max(one.last for one in spans),
        count=sum(one.values for one in spans),
    )


def event_of(event: StoredEvent) -> PersonEvent:
    """An event in words."""
    title, detail = words_of(event)
    return PersonEvent(
        seq=event.sequence, kind=event.kind, title=title, at=event.effective, stop=event.stop, detail=detail
    )


def series_of(reading: Reading, subject: str, names: Collection[str], start: int, stop: int, most: int) -> list[Series]:
    """Series within [start, stop) (us); of settings also what held at the beginning."""
    found = [_series(one, most) for one in reading.series(subject, names, start, stop)]
    settings = [name for name in names if name in channels() and channels()[name].kind == "setting"]
    before = reading.held(subject, settings, start) if settings else []
    return [_before(before, one) for one in found] + _only_before(before, found)


def _series(one: SeriesData, most: int) -> Series:
    places = thinned(one.value, most)
    term = vocabulary().get(one.code)
    return Series(
        channel=one.code,
        source=one.source,
        unit=term.unit if term is not None else one.unit,
        at=one.effective[places].tolist(),
        value=[None if np.isnan(value) else float(value) for value in one.value[places]],
        quality=one.quality[places].tolist(),
        seq=one.sequence[places].tolist(),
        thinned=len(places) < len(one),
    )


def _before(held: Sequence[Stored], series: Series) -> Series:
    """A series with what held before its first value."""
    mine = [one for one in held if (one.code, one.source) == (series.channel, series.source)]
    if not mine:
        return series
    last = max(mine, key=lambda one: one.effective)
    return series.model_copy(
        update={
            "at": [last.effective, *series.at],
            "value": [last.value, *series.value],
            "quality": [int(last.quality), *series.quality],
            "seq": [last.sequence, *series.seq],
        }
    )


def _only_before(held: Sequence[Stored], found: Sequence[Series]) -> list[Series]:
    """Settings that hold, and of which nothing was said within the time."""
    there = {(one.channel, one.source) for one in found}
    alone = [one for one in held if (one.code, one.source) not in there and one.value is not None]
    return [
        Series(
            channel=one.code,
            source=one.source,
            unit=vocabulary()[one.code].unit,
            at=[one.effective],
            value=[one.value],
            quality=[int(one.quality)],
            seq=[one.sequence],
            thinned=False,
        )
        for one in alone
    ]


def fans_of(said: Sequence[Said]) -> list[Fan]:
    """The last forecast, channel by channel."""
    names = list(dict.fromkeys(one.channel for one in said))
    return [_fan(name, sorted((s for s in said if s.channel == name), key=lambda one: one.target)) for name in names]


def _fan(name: str, said: Sequence[Said]) -> Fan:
    rows = [[float(np.interp(level, LEVELS, one.quantiles)) for level in FAN_LEVELS] for one in said]
    return Fan(channel=name, at=[one.target for one in said], levels=list(FAN_LEVELS), quantiles=rows)


def said_before(kept: Sequence[StoredDerived]) -> list[SaidBefore]:
    """What had been said an hour before, channel by channel; kept: forecasts of the record."""
    found: dict[str, list[StoredDerived]] = {}
    for one in kept:
        if one.body.get("horizon_h") == BEFORE_H:
            found.setdefault(str(one.body["channel"]), []).append(one)
    return [_before_of(name, sorted(of, key=lambda one: int(one.body["target"]))) for name, of in found.items()]


def _before_of(name: str, kept: Sequence[StoredDerived]) -> SaidBefore:
    rows = [interval_of(one) for one in kept]
    return SaidBefore(
        channel=name,
        hours=BEFORE_H,
        at=[int(one.body["target"]) for one in kept],
        low=[row[0] for row in rows],
        median=[row[1] for row in rows],
        high=[row[2] for row in rows],
    )


def interval_of(one: StoredDerived) -> tuple[float, float, float]:
    """Where a kept forecast lies nine times in ten, and its median: low, median, high."""
    low, median, high = (float(np.interp(level, LEVELS, one.body["quantiles"])) for level in (0.05, 0.5, 0.95))
    return low, median, high
