"""Errors say three things to the person who reads them, and survive the way to another process."""

import pickle

import pytest

from caretwin.base import errors


def every_kind():
    """Those of base; errors elsewhere may be made of other words."""
    return [
        errors.CaretwinError,
        *(kind for kind in errors.CaretwinError.__subclasses__() if kind.__module__ == errors.__name__),
    ]


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_an_error_says_where_and_what_was_seen_wanted_and_the_fix(kind):
    error = kind("level of subject 7f3c", seen="8.6 umol/L", wanted="mg/L", fix="name the substance")
    assert str(error).splitlines() == [
        "level of subject 7f3c",
        "  seen    8.6 umol/L",
        "  wanted  mg/L",
        "  fix     name the substance",
    ]


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_an_error_survives_pickling(kind):
    error = kind("here", seen="this", wanted="that", fix="so")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind and str(copy) == str(error) and copy.fix == "so"


@pytest.mark.parametrize("kind", every_kind(), ids=lambda kind: kind.__name__)
def test_a_class_of_errors_says_when_it_is_raised(kind):
    assert (kind.__doc__ and "rais" in kind.__doc__.lower()) or kind is errors.CaretwinError


def test_an_error_cannot_forget_the_fix():
    with pytest.raises(TypeError):
        errors.DataError("here", seen="this", wanted="that")
