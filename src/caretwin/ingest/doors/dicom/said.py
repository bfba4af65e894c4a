"""What a measured series comes to in the record: an event "imaging", and one value of a channel for each acquisition.

Several reconstructions of one acquisition see the same lungs: they are several events, and one observation, that of the
best of them. Otherwise a model would count one scan as many times as it was reconstructed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, NamedTuple

from caretwin.ingest.decoded import Code, CodedValue, Decoded
from caretwin.ingest.doors.dicom.spool import digest
from caretwin.record.entry import Event, SubjectRef
from caretwin.record.imaging import COMPARTMENTS, NOT_A_DIAGNOSIS, Estimate, Grade, LungAeration

CHANNEL = "non_aerated_tissue_fraction"
_RANK: dict[Grade, int] = {"poor": 0, "limited": 1, "good": 2}
_MOST_SLICES = 1_000_000
_DIGITS = 6
ASSUMED = (
    "the outline of the lungs was drawn by a program",
    "the lung volume and the airway pressure of the scan are not known",
    "tissue, blood and fluid have the density of water",
)


class Series(NamedTuple):
    """A series and whose it is.

    taken  when it was acquired (us); zone  that of clock times without an offset, "" where they had one
    """

    door: str
    subject: SubjectRef
    taken: int
    study: str
    series: str
    acquisition: str
    zone: str = ""

    @property
    def scan(self) -> str:
        """Name of what was scanned: the acquisition of a study, or the series where that is not said."""
        return f"{self.study}#{self.acquisition}" if self.study and self.acquisition else self.series


def said_of(series: Series, aeration: LungAeration) -> Decoded:
    """The event and the observation of a series."""
    version = _RANK[aeration.quality] * _MOST_SLICES + int(aeration.acquisition["slices"])  # type: ignore[call-overload]
    event = Event(
        series.subject, "imaging", series.taken, series.door, _body(series, aeration), None, series.series, version
    )
    return Decoded((event, _observation(series, aeration, version)), message=digest(series.series))


def _observation(series: Series, aeration: LungAeration, version: int) -> CodedValue:
    """The value for a lung model; none, with the reason, where the quality is poor."""
    found = next((one for one in aeration.observations() if one.name == CHANNEL), None)
    note: dict[str, Any] = {"series": series.series, "quality": aeration.quality, "method": "CT"}
    if found is None:
        note["absent"] = "error"
        note["text"] = "the CT is too poor to be used: its event says why"
    else:
        note["standard_error"] = round(found.standard_error, _DIGITS)
        note["meaning"] = found.meaning
    value = None if found is None else round(found.value, _DIGITS)
    return CodedValue(
        series.subject, (Code("caretwin", CHANNEL, "lung tissue without air"),), series.taken, value, "1",
        f"{series.scan}#{CHANNEL}", version, note=note, place="the series",
    )  # fmt: skip


def _body(series: Series, aeration: LungAeration) -> dict[str, Any]:
    assumed = [*ASSUMED, *([f"clock times are those of {series.zone}"] if series.zone else [])]
    return {
        "modality": "CT",
        "series": series.series,
        "study": series.study,
        "quality": aeration.quality,
        "figures": _figures(aeration),
        "acquisition": {name: one for name, one in aeration.acquisition.items() if one is not None},
        "assumed": assumed,
        "findings": [asdict(one) for one in aeration.findings],
        "no_diagnosis": NOT_A_DIAGNOSIS,
    }


def _figures(aeration: LungAeration) -> dict[str, Any]:
    shares = {f"{name}_tissue_fraction": _estimate(aeration.of_mass[name], "1") for name in COMPARTMENTS}
    thirds = [
        {name: round(third.of_mass[name], _DIGITS) for name in COMPARTMENTS}
        for third in aeration.thirds
        if third.tissue_mass_g > 0
    ]
    return {
        **shares,
        "lung_gas_volume": _estimate(aeration.gas_volume_l, "L"),
        "lung_tissue_mass": _estimate(aeration.tissue_mass_g, "g"),
        **({"thirds": thirds} if len(thirds) == len(aeration.thirds) and thirds else {}),
    }


def _estimate(found: Estimate, unit: str) -> dict[str, Any]:
    return {name: round(one, _DIGITS) for name, one in asdict(found).items()} | {"unit": unit}
