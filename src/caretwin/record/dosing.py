"""What is known about one subject's drug treatment: doses, levels and covariates over time, as frozen values.

Times are hours from the subject's own origin; the clock time of that origin is kept when it is known. A unit
of ``None`` means "the unit of the drug file" and occurs only in tables that carry no units (NONMEM style).
What a reader saw and did not like travels with the record as findings, so that nothing is dropped silently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from caretwin.record.finding import Finding

InputName = Literal["central", "depot"]
Censoring = Literal["measured", "below", "above"]


@dataclass(frozen=True)
class Dose:
    """One dose that was given, or is believed to have been given.

    time_h             start (h from the origin)
    amount             in ``unit`` (None: the drug file's dose unit)
    duration_h         infusion time (h); 0 is a bolus or a tablet
    input              "central", "depot" or None (the drug's default input)
    compartment        compartment number of a NONMEM table (1-based), when the table gave one
    modelled_duration  True when the duration is a parameter of the drug model (NONMEM RATE = -2)
    occasion           number of the occasion, None when the source states none
    row                row of the source
    received_h         when the record of it arrived (h); None when unknown: taken as ``time_h``
    note               free text of the source
    """

    time_h: float
    amount: float
    unit: str | None = None
    duration_h: float = 0.0
    input: InputName | None = None
    compartment: int | None = None
    modelled_duration: bool = False
    occasion: int | None = None
    row: int | None = None
    received_h: float | None = None
    note: str = ""

    @property
    def end_h(self) -> float:
        """End of the infusion (h); equals ``time_h`` for a bolus."""
        return self.time_h + self.duration_h


@dataclass(frozen=True)
class Level:
    """One measured concentration or response.

    time_h     when the sample was taken (h from the origin)
    value      in ``unit`` (None: the unit of the drug file's channel); the limit itself when censored
    channel    "level", "metabolite" or "effect"
    censoring  "measured", "below" (less than ``limit``) or "above" (more than ``limit``)
    limit      the limit of quantification in ``unit``, None when measured
    """

    time_h: float
    value: float
    unit: str | None = None
    channel: str = "level"
    censoring: Censoring = "measured"
    limit: float | None = None
    occasion: int | None = None
    row: int | None = None
    received_h: float | None = None
    note: str = ""


@dataclass(frozen=True)
class CovariateValue:
    """One value of a covariate (weight, creatinine, a minimum inhibitory concentration, ...) at a time.

    name     upper-case name as drug files write it: WT, HT, AGE, FEMALE, SCR, CRCL, MIC, ...
    unit     UCUM; "1" for a number without a unit (0/1 flags); None: the drug file's unit
    """

    name: str
    time_h: float
    value: float
    unit: str | None = None
    row: int | None = None
    received_h: float | None = None
    note: str = ""


@dataclass(frozen=True)
class DoseHistory:
    """One complete history of doses that could be the true one, with its prior weight.

    label says in words what it assumes, such as "1000 mg every 12 h from 08:00 (orders only)".
    """

    doses: tuple[Dose, ...]
    weight: float = 1.0
    label: str = "as recorded"


@dataclass(frozen=True)
class DosingRecord:
    """Everything known about the treatment of one subject with one drug.

    doses         the recorded doses; with alternatives, those of the most probable history
    alternatives  complete dose histories with weights, when times or amounts are uncertain: the engine
                  integrates over them by their evidence. Empty when the doses are certain.
    origin        clock time of hour 0 (UTC), None when the source has no clock
    zone          IANA name of the zone that the source's clocks show, for people who read them; None: UTC
    source        where it came from, for provenance

    >>> record = DosingRecord("a", doses=(Dose(0.0, 1000.0, "mg", 1.0),), levels=(Level(11.5, 14.8, "mg/L"),))
    >>> record.known_by(6.0).levels
    ()
    """

    subject: str
    doses: tuple[Dose, ...] = ()
    levels: tuple[Level, ...] = ()
    covariates: tuple[CovariateValue, ...] = ()
    origin: datetime | None = None
    findings: tuple[Finding, ...] = ()
    alternatives: tuple[DoseHistory, ...] = ()
    source: str = ""
    zone: str | None = None

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that forbid the use of this record."""
        return tuple(f for f in self.findings if f.severity == "error")

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """The findings a person should look at."""
        return tuple(f for f in self.findings if f.severity == "warning")

    def histories(self) -> tuple[DoseHistory, ...]:
        """All dose histories with weights that sum to one; the recorded doses alone when they are certain."""
        if not self.alternatives:
            return (DoseHistory(self.doses),)
        total = math.fsum(h.weight for h in self.alternatives)
        return tuple(replace(h, weight=h.weight / total) for h in self.alternatives)

    def with_history(self, history: DoseHistory) -> DosingRecord:
        """The same record, taking ``history`` for the truth."""
        return replace(self, doses=history.doses, alternatives=())

    def covariate(self, name: str) -> tuple[CovariateValue, ...]:
        """The values of one covariate in order of time; empty when it was never recorded."""
        return tuple(sorted((c for c in self.covariates if c.name == name), key=lambda c: c.time_h))

    def known_by(self, time_h: float) -> DosingRecord:
        """The record as it was known at ``time_h`` (h): levels and covariates that had been received by then.

        Doses stay: those after ``time_h`` are the plan.
        """

        def arrived(item: Level | CovariateValue) -> bool:
            return (item.time_h if item.received_h is None else item.received_h) <= time_h

        levels = tuple(level for level in self.levels if arrived(level))
        covariates = tuple(value for value in self.covariates if arrived(value))
        return replace(self, levels=levels, covariates=covariates)
