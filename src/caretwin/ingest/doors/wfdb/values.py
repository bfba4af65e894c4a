"""From the samples of a WFDB record to values and events."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from caretwin.ingest.decoded import CodedValue, Decodable, Decoded, Refusal, RefusedError
from caretwin.ingest.doors.wfdb import names
from caretwin.ingest.doors.wfdb.files import Header, Segment, check, physical, samples
from caretwin.record.entry import Event, SubjectRef

FASTEST_NUMERIC_HZ = 1.0
"""Samples/s up to which a signal is a column of values; above it is a curve (assumed; monitors average over 1 s or
more).
"""
BLOCK_S = 10.0
"""s of a curve that one event holds."""
MOST_PARTS, MOST_BLOCKS = 5000, 20
"""Values, or blocks of a curve, in one batch."""
DROPPED = "0: nothing was measured, or there was a standstill: the record does not say which"
MISSING = "the record marks the sample as missing"


@dataclass(frozen=True)
class Reading:
    """How a record is read.

    subject  whose it is; zero  us UTC of its first frame; source  of its events; curves  whether curves are wanted
    """

    folder: Path
    header: Header
    subject: SubjectRef
    zero: int
    source: str
    curves: bool

    def pieces(self) -> Iterator[Decoded]:
        """The record in pieces of bounded size; a segment that cannot be read is refused, and the others hold."""
        for segment in self.header.segments:
            try:
                if self.header.fs > FASTEST_NUMERIC_HZ and not self.curves:
                    yield self._passed_over(segment)
                    continue
                record = samples(self.folder, segment.name)
                signals = physical(segment.name, record)
            except RefusedError as error:
                yield self._piece((), (error.refusal,))
                continue
            read = self._values if self._numeric() else self._curves
            parts = read(segment, record, signals)
            while piece := tuple(islice(parts, MOST_PARTS if self._numeric() else MOST_BLOCKS)):
                yield self._piece(piece)

    def _numeric(self) -> bool:
        return self.header.fs <= FASTEST_NUMERIC_HZ

    def _piece(self, parts: tuple[Decodable, ...], refused: tuple[Refusal, ...] = ()) -> Decoded:
        return Decoded(parts, refused, self.header.name)

    def _passed_over(self, segment: Segment) -> Decoded:
        header = check(self.folder, segment.name)
        seconds = (header.sig_len or 0) / self.header.fs
        count = f"{header.n_sig} curves of {seconds:g} s in {segment.name}, not asked for"
        return Decoded((), (), self.header.name, (count,))

    def _time(self, segment: Segment, index: int, rate: float) -> int:
        """us UTC of a sample of a segment."""
        return self.zero + round((segment.first / self.header.fs + index / rate) * 1e6)

    def _values(self, segment: Segment, record: Any, signals: Sequence[Any]) -> Iterator[Decodable]:
        for i, signal in enumerate(signals):
            name, rate = record.sig_name[i], self.header.fs * record.samps_per_frame[i]
            yield from self._column(segment, name, record.units[i], rate, signal)

    def _column(
        self, segment: Segment, name: str, unit: str | None, rate: float, signal: Float[np.ndarray, " n"]
    ) -> Iterator[CodedValue]:
        """Values of one signal. Of a stretch without a value only the begin is said: from then on there is none."""
        codes, written, absent_before = names.codes(name), names.unit(unit), False
        never_zero = names.zero_is_absent(name)
        for index, number in enumerate(signal):
            why = MISSING if not np.isfinite(number) else DROPPED if never_zero and number == 0.0 else ""
            if why and absent_before:
                continue
            absent_before = bool(why)
            place = f"{segment.name}/{name}@{index}"
            yield CodedValue(
                self.subject, codes, self._time(segment, index, rate), None if why else float(number), written,
                f"{self.header.name}/{place}", note={"absent": why} if why else None, place=place,
            )  # fmt: skip

    def _curves(self, segment: Segment, record: Any, signals: Sequence[Any]) -> Iterator[Decodable]:
        for i, signal in enumerate(signals):
            rate = self.header.fs * record.samps_per_frame[i]
            length = max(1, round(BLOCK_S * rate))
            digits = max(0, int(np.ceil(np.log10(max(1.0, float(record.adc_gain[i]))))))
            for start in range(0, len(signal), length):
                block = signal[start : start + length]
                if not np.isnan(block).all():
                    yield self._block(segment, record, i, start, rate, block, digits)

    def _block(
        self,
        segment: Segment,
        record: Any,
        i: int,
        start: int,
        rate: float,
        block: Float[np.ndarray, " n"],
        digits: int,
    ) -> Event:
        name, begin = record.sig_name[i], self._time(segment, start, rate)
        body = {
            "code": {"system": names.SYSTEM, "code": name, "display": name},
            "unit": names.unit(record.units[i]),
            "period_s": 1.0 / rate,
            "values": [round(float(one), digits) if np.isfinite(one) else None for one in block],
        }
        stop = self._time(segment, start + len(block), rate)
        place = f"{self.header.name}/{segment.name}/{i}:{name}@{start}"
        return Event(self.subject, "waveform", begin, self.source, body, stop, place)
