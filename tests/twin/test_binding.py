"""Twins are bound by what the record offers, and say what they would gain from."""

from caretwin.record.bedside import channels
from caretwin.record.vocabulary import vocabulary
from caretwin.twin.binding import NEEDS, bindings


def test_a_pulse_is_enough_for_a_bedside_twin_and_nothing_is_not() -> None:
    (bedside, glucose) = bindings("patient", {"heart_rate"})
    assert bedside.bound and not glucose.bound
    assert not bindings("patient", {"temperature"})[0].bound
    assert "lives on heart rate" in bedside.sentence()
    assert "arterial oxygen pressure" in bedside.sentence()


def test_more_data_never_unbind_and_leave_less_to_gain() -> None:
    few, more = (bindings("patient", codes)[0] for codes in ({"heart_rate"}, {"heart_rate", "fio2", "haemoglobin"}))
    assert set(few.lives_on) < set(more.lives_on)
    assert set(more.missing) < set(few.missing)
    everything = bindings("patient", vocabulary())
    assert all(one.bound and not one.missing for one in everything)


def test_a_place_has_no_body() -> None:
    assert bindings("place", {"heart_rate"}) == ()


def test_every_need_is_a_channel() -> None:
    named = {name for need in NEEDS for group in (need.any_of, *need.gains) for name in group}
    assert named <= vocabulary().keys()
    assert {name for need in NEEDS for name in need.any_of} <= channels().keys()
