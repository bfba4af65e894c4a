"""A record as it was known at a time holds nothing of later, neither values nor what was said of them."""

import numpy as np

from caretwin.ingest.bedside.quality import judge
from caretwin.record.bedside import BedsideRecord, Person, Signal

HOURS = np.array([1.0, 5.0, 6.0, 9.0])


def charted() -> BedsideRecord:
    """PEEP 200 charted at 5, 6 and 9 h, the last two known an hour later."""
    received = HOURS + np.array([0.0, 0.0, 1.0, 1.0])
    peep = Signal.of(HOURS, np.array([5.0, 200.0, 200.0, 200.0]), received)
    return judge(BedsideRecord(Person("one"), settings={"peep": peep}))


def test_no_value_is_known_before_it_was_received() -> None:
    assert list(charted().as_of(6.5).settings["peep"].time_h) == [1.0]  # what was refused is left out as well
    assert list(charted().as_of(0.5).settings["peep"].time_h) == []


def test_nothing_is_said_of_a_value_that_is_not_yet_known() -> None:
    assert charted().as_of(4.0).findings == ()


def test_the_number_of_odd_values_is_that_of_the_time() -> None:
    def said(now: float) -> str:
        (finding,) = charted().as_of(now).findings
        return finding.seen

    assert said(20.0).endswith("; 3 values, this is the first")
    assert said(7.0).endswith("; 2 values, this is the first")
    assert said(6.5).endswith("cannot be what its name says")


def test_asking_later_of_what_was_known_earlier_adds_nothing() -> None:
    assert charted().as_of(7.0).as_of(20.0).findings == charted().as_of(7.0).findings
