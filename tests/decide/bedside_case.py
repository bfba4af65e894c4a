"""The invented patient of the examples at 12 h, followed once for all tests, and small changes of his record."""

from dataclasses import replace
from functools import cache

import numpy as np

from caretwin.decide.bedside_now import Bedside, at_bedside
from caretwin.ingest.bedside.table import read_bedside_table
from caretwin.record.bedside import BedsideRecord, Signal
from caretwin.twin.bedside_twin import BedsideTwin, bedside_twin
from tests.paths import ROOT

NOW = 12.0
PARTICLES = 500


@cache
def record() -> BedsideRecord:
    """Sixty-one years, ventilated for pneumonia, on norepinephrine; nobody real."""
    return read_bedside_table(ROOT / "examples" / "bedside_ventilated.csv")


@cache
def twin() -> BedsideTwin:
    """As the commands make it."""
    return bedside_twin(particles=PARTICLES)


@cache
def bedside() -> Bedside:
    """The twin at 12 h, with all that was known by then."""
    return at_bedside(twin(), record(), NOW)


def without(*names: str) -> Bedside:
    """The same bedside, of which some observations or settings were never charted."""
    known = bedside().record
    observations = {k: v for k, v in known.observations.items() if k not in names}
    settings = {k: v for k, v in known.settings.items() if k not in names}
    return bedside()._replace(record=replace(known, observations=observations, settings=settings))


def with_setting(name: str, value: float) -> Bedside:
    """The same bedside with one setting charted otherwise, all along."""
    known = bedside().record
    return bedside()._replace(
        record=replace(known, settings={**known.settings, name: Signal.of(np.zeros(1), np.full(1, value))})
    )
