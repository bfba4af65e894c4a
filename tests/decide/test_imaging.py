"""A chest CT tells the twin how much lung is shut; two of them, under two pressures, how much of it opens."""

from dataclasses import replace
from functools import cache

import numpy as np

from caretwin.decide.bedside_now import Bedside, at_bedside
from caretwin.decide.bedside_outlook import outlook
from caretwin.decide.ventilation_doubts import warnings
from caretwin.record.bedside import BedsideRecord, Signal
from tests.decide.bedside_case import NOW, record, twin

CT = "non_aerated_tissue_fraction"


def after_ct(patient: BedsideRecord, *shares: tuple[float, float]) -> Bedside:
    """The patient after CTs at these hours, of which these shares of the tissue held no gas."""
    time, share = np.array(shares).T
    return at_bedside(twin(), replace(patient, observations={**patient.observations, CT: Signal.of(time, share)}), NOW)


@cache
def never_sampled() -> BedsideRecord:
    """The patient of the examples with PEEP 5, from hour 6 on 15; neither gas nor oximeter nor airway pressures."""
    kept = ("heart_rate", "mean_arterial_pressure", "systolic_pressure", "diastolic_pressure", "respiratory_rate")
    seen = {name: signal for name, signal in record().observations.items() if name in kept}
    peep = Signal.of(np.array([0.0, 6.0]), np.array([5.0, 15.0]))
    return replace(record(), observations=seen, settings={**record().settings, "peep": peep})


def ahead(at: Bedside, name: str) -> np.ndarray:
    """A reading [2, N] half an hour ahead with PEEP 5 and with PEEP 15."""
    tried = [at.settings._replace(peep=np.asarray(peep)) for peep in (5.0, 15.0)]
    return outlook(twin(), at.living, tried).until(30.0).of(name)[-1]


def opened(at: Bedside) -> float:
    """Points of the lung that PEEP 15 keeps open and PEEP 5 does not."""
    low, high = ahead(at, "open_lung_fraction_percent")
    return float(np.mean(high - low))


def test_more_lung_without_gas_means_more_shunt_and_less_open_lung() -> None:
    dense, clear = (after_ct(never_sampled(), (3.0, share)) for share in (0.6, 0.05))
    for name, sign in (("shunt_fraction_percent", 1.0), ("open_lung_fraction_percent", -1.0)):
        assert sign * np.median(ahead(dense, name)[0]) > sign * np.median(ahead(clear, name)[0])
    assert np.median(ahead(dense, "shunt_fraction_percent")[0]) > 1.5 * np.median(
        ahead(clear, "shunt_fraction_percent")[0]
    )


def test_lung_that_a_second_ct_shows_open_under_more_pressure_is_lung_that_peep_opens() -> None:
    recruiter = after_ct(never_sampled(), (3.0, 0.5), (9.0, 0.15))
    consolidated = after_ct(never_sampled(), (3.0, 0.5), (9.0, 0.5))
    assert opened(recruiter) > opened(consolidated) > 0.0


def test_where_gases_were_drawn_a_picture_changes_little() -> None:
    """Twelve times as much dense tissue; the shunt that gases have shown moves by less than half."""
    dense, clear = (after_ct(record(), (9.0, share)) for share in (0.6, 0.05))
    shunt = [np.median(np.asarray(ahead(at, "shunt_fraction_percent"))[1]) for at in (dense, clear)]
    assert 1.0 < shunt[0] / shunt[1] < 1.5


def test_the_answer_says_what_it_took_from_the_ct_and_that_it_is_no_diagnosis() -> None:
    said = " ".join(warnings(after_ct(record(), (9.0, 0.6))))
    assert "60 % of the lung tissue held no gas" in said and "no diagnosis" in said


def test_a_ct_of_the_future_is_not_known() -> None:
    assert not any("CT" in note for note in warnings(after_ct(record(), (NOW + 1.0, 0.6))))
