"""What is kept and can never be used is counted and told with its reason, and refuses nothing else of its message."""

import asyncio

import numpy as np
import pytest
from tests.ingest.doors.hl7v2_lines import door, intake_of, obx, oru, reader

from caretwin.ingest.decoded import LOINC, Code, CodedValue, Decoded
from caretwin.ingest.intake import Intake
from caretwin.ingest.timely import births
from caretwin.ingest.unusable import LONG_AGO, MOST_CAUSES, OTHERS, UNBORN, Tally, Unusable
from caretwin.record.entry import Event, Identifier, SubjectRef

SOMEBODY = SubjectRef((Identifier("urn:hospital", "1"),))
PULSE, CREATININE = "8867-4^heart rate^LN", "2160-0^Creatinine^LN"
HOUR = 3_600_000_000


def test_good_values_of_the_message_are_kept_and_used_and_the_others_told_by_place(tmp_path):
    raw = oru(
        obx("80", code=PULSE, unit="mg/L"), obx("1.2", code=CREATININE, number=2),
        obx("900", code=PULSE, unit="/min", number=3, sub="2"),
        obx("irregular", "ST", PULSE, unit="", number=4, sub="3"),
    )  # fmt: skip
    with intake_of(tmp_path, door()) as (intake, _):
        outcome = intake.accept_now(raw)
    assert outcome.result == "accepted" and outcome.receipt is not None and len(outcome.receipt.sequences) == 4
    assert [(one.part, one.place, one.name, one.said) for one in outcome.unusable] == [
        (0, "OBX[1]-5", "heart rate", "80 mg/L"),
        (2, "OBX[3]-5", "heart_rate", "900 /min"),
        (3, "OBX[4]-5", "heart_rate", "irregular"),
    ]
    assert ["rate per time" in outcome.unusable[0].reason, "outside" in outcome.unusable[1].reason] == [True, True]
    assert outcome.unusable[2].reason == "a text where a number is due"
    assert intake.state.counters["unusable"] == 3 and intake.state.counters["entries"] == 4
    assert intake.state.trouble == "", "nothing was refused"
    assert intake.state.last[-1][1].count("(never used)") == 3


def test_a_time_ahead_of_our_clock_is_one_cause_however_far_ahead(tmp_path):
    with intake_of(tmp_path, door()) as (intake, _):
        for hours in (1, 2, 30):
            at = intake.clock() + hours * HOUR
            said = CodedValue(SOMEBODY, (Code(LOINC, "8867-4"),), at, 80.0, "/min", source_id=str(hours))
            asyncio.run(intake.accept_decoded(Decoded((said,))))
    ((name, cause, found),) = intake.state.unusable.most_common()
    assert (name, cause, found.times) == ("heart_rate", "a time ahead of its receipt", 3)
    assert "30.0 h" in found.last.reason


@pytest.mark.parametrize("status", ["D", "W"])
def test_what_is_taken_back_needs_no_warning(tmp_path, status):
    with intake_of(tmp_path, door()) as (intake, _):
        assert intake.accept_now(oru(obx("900", code=PULSE, unit="/min", status=status))).unusable == ()
    assert intake.state.counters["unusable"] == 0


def test_a_door_that_only_sends_nonsense_fills_no_memory():
    tally = Tally()
    for number in range(3 * MOST_CAUSES):
        tally.add([Unusable(0, "", f"code {number}", "1", "no unit")])
    assert len(tally.causes) == MOST_CAUSES + 1
    assert tally.causes[OTHERS].times == 2 * MOST_CAUSES and tally.most_common()[0][0] == OTHERS[0]


@pytest.mark.parametrize(
    ("time", "birth", "reason"),
    [
        ("1899-12-31", "", LONG_AGO),
        ("0001-01-01", "", LONG_AGO),
        ("1950-01-01", "1960-01-01", UNBORN),
        ("1960-01-01", "1960-01-01", ""),
        ("1960-01-01", "1960", ""),
        ("1950-01-01", "", ""),
    ],
)
@pytest.mark.parametrize("told", ["in the message", "before"])
def test_a_value_of_before_anybody_was_there_is_kept_and_never_used(tmp_path, time, birth, reason, told):
    at = int(np.datetime64(time, "us").astype(np.int64))
    value = CodedValue(SOMEBODY, (Code(LOINC, "8867-4"),), at, 80.0, "/min", source_id="a")
    person = Event(SOMEBODY, "person", 1, "adt", {"birth_date": birth} if birth else {})
    with intake_of(tmp_path, door()) as (intake, record):
        known = births(reader(record))
        born = Intake(intake.door, record, intake._writer, intake._translator, intake.clock, None, known)
        messages = [(person, value)] if told == "in the message" else [(person,), (value,)]
        outcomes = [asyncio.run(born.accept_decoded(Decoded(parts))) for parts in messages]
        assert {one.result for one in outcomes} == {"accepted"}
        assert [one.reason for one in outcomes[-1].unusable] == ([reason] if reason else [])
        (subject,) = reader(record).subjects()
        assert reader(record).first_effective(subject.key, ["heart_rate"]) == (None if reason else at)


def test_a_message_of_today_asks_nobody_for_a_birth(tmp_path):
    def asked(subject):
        raise AssertionError("a look at the record for each value of a monitor")

    with intake_of(tmp_path, door()) as (intake, record):
        born = Intake(intake.door, record, intake._writer, intake._translator, intake.clock, None, asked)
        assert born.accept_now(oru(obx("80", code=PULSE, unit="/min"))).result == "accepted"
