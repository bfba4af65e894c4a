"""A person who maps a code is offered the channels that it may mean, and none of another kind."""

import pytest

from caretwin.ingest.suggestions import MOST, suggested


@pytest.mark.parametrize(
    ("code", "display", "unit", "channel"),
    [
        ("KREA", "Kreatinin", "umol/L", "creatinine"), ("HR", "", "bpm", "heart_rate"),
        ("PULS", "Puls", "Schl", "pulse_rate"), ("BZ", "Blood glucose level", "mmol/L", "glucose"),
    ],
)  # fmt: skip
def test_the_nearest_channel_comes_first(code, display, unit, channel):
    found = suggested(code, display, unit)
    assert found[0].channel == channel and len(found) <= MOST


def test_a_unit_of_another_kind_is_no_match_and_one_that_nobody_can_read_is_not_known_to_be_one():
    assert suggested("GLUC", "Glucose", "mm[Hg]") == ()
    assert [one.fits for one in suggested("GLUC", "Glucose", "mg/dL")] == [True]
    assert [one.fits for one in suggested("PULS", "Puls", "Schl")] == [False]


def test_what_is_like_nothing_has_no_suggestion():
    assert suggested("QX", "", "") == () and suggested("", "", "") == () and suggested("|", "-", "mg") == ()
