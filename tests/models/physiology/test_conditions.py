"""Typical patients: continuous in severity, sourced, and different from health in the direction their name says."""

from itertools import pairwise

import numpy as np
import pytest

from caretwin.base.errors import DomainError
from caretwin.models.physiology import conditions
from caretwin.models.physiology.parameters import INDEX, PERSONAL

ILL = [name for name in conditions.names() if name not in ("healthy", "intensive_care")]


def value(name, condition, severity, **person):
    """One parameter of a condition, on its own scale."""
    p = PERSONAL[INDEX[name]]
    typical = conditions.to_scale(p.typical, p.scale)
    return typical + conditions.shift(condition, severity, **person)[INDEX[name]]


@pytest.mark.parametrize("condition", ILL)
def test_severity_nought_is_health_and_small_steps_make_small_differences(condition):
    assert np.allclose(conditions.shift(condition, 0.0), conditions.shift("healthy", 0.0))
    grid = np.array([conditions.shift(condition, float(s)) for s in np.linspace(0, 1, 201)])
    assert np.abs(np.diff(grid, axis=0)).max() < 0.06
    assert np.all(np.isfinite(grid))


@pytest.mark.parametrize(
    "condition, name, sign",
    [
        ("ards", "shunt", 1), ("ards", "collapsible", 1), ("ards", "alveolar_dead_space", 1), ("copd", "resistance", 1),
        ("copd", "low_perfusion", 1), ("sepsis", "arterial_pressure", -1), ("sepsis", "heart_rate", 1),
        ("sepsis", "lactate_production", 1), ("heart_failure", "cardiac_output", -1),
        ("heart_failure", "venous_pressure", 1), ("ards", "baroreflex", -1),
    ],
)  # fmt: skip
def test_worse_is_worse(condition, name, sign):
    values = [value(name, condition, s) for s in (0.0, 0.3, 0.6, 0.9, 1.0)]
    assert all(sign * (high - low) > 0 for low, high in pairwise(values))


def test_every_value_names_its_source():
    for name, entry in conditions.table().items():
        for parameter, given in entry.items():
            if isinstance(given, dict) and parameter not in ("words", "women", "per_year", "per_body_mass"):
                assert parameter in INDEX or parameter == "blood_lost", (name, parameter)
                assert len(given["source"]) > 5
                assert "values" not in given or len(given["values"]) == len(entry["severities"])


def test_age_and_sex_matter_in_health_and_as_much_in_illness():
    for condition, severity in (("healthy", 0.0), ("ards", 0.6)):
        young, old = (value("filtration", condition, severity, age=a) for a in (30.0, 80.0))
        assert old < young
        men, women = (value("haemoglobin", condition, severity, female=f) for f in (False, True))
        assert women < men
    assert value("arterial_compliance", "healthy", 0.0, age=75.0) < value(
        "arterial_compliance", "healthy", 0.0, age=25.0
    )


def test_a_personal_value_replaces_the_typical_one():
    found = conditions.shift("ards", 0.6, personal={"heart_rate": 50.0})
    p = PERSONAL[INDEX["heart_rate"]]
    assert np.exp(np.log(p.typical) + found[INDEX["heart_rate"]]) == pytest.approx(50.0)


def test_words_are_understood():
    assert conditions.condition_of("Septic shock") == "sepsis"
    assert conditions.severity_of("copd", "severe") == 0.9


@pytest.mark.parametrize("severity", [-0.1, 1.2, "very", "grade 3", True])
def test_a_severity_that_is_none_is_refused(severity):
    if severity is True:
        assert conditions.severity_of("ards", 1) == 1.0
        return
    with pytest.raises(DomainError, match="is mild"):
        conditions.severity_of("ards", severity)


def test_an_unknown_condition_is_refused_with_the_known_ones():
    with pytest.raises(DomainError, match="heart_failure"):
        conditions.shift("covid", 0.5)


def test_the_typical_patient_of_the_filter_is_not_shifted():
    assert not np.any(conditions.shift("intensive_care", 1.0))


def test_obesity_closes_lung_at_the_bottom_and_a_slim_person_is_the_healthy_one():
    slim, stout, huge = (value("collapsible", "healthy", 0.0, body_mass=b) for b in (22.0, 40.0, 60.0))
    assert slim == value("collapsible", "healthy", 0.0) < stout < huge


def test_only_hypovolaemia_begins_with_blood_missing_and_the_more_the_severer():
    shares = [conditions.blood_lost("hypovolaemia", s) for s in (0.0, "mild", "moderate", "severe", 1.0)]
    assert shares[0] == 0.0 and all(low < high for low, high in pairwise(shares))
    assert all(conditions.blood_lost(name, 0.9) == 0.0 for name in conditions.names() if name != "hypovolaemia")
