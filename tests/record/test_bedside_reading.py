"""What a record knows of a subject is what was put into it: the same signals as the table that they came from."""

from pathlib import Path

import numpy as np
import pytest
from tests.paths import ROOT
from tests.record.test_store import MINUTE, MRS_A, seen, write

from caretwin.base.errors import DataError
from caretwin.base.time import to_microseconds
from caretwin.cli.bedside_input import time_of_question
from caretwin.ingest.bedside.table import read_bedside_table
from caretwin.record.access import operator
from caretwin.record.bedside import Quality
from caretwin.record.bedside_reading import HOUR_US, age, bedside_record
from caretwin.record.entry import Event, Observation, Status
from caretwin.record.record import Record


def test_a_table_that_went_through_the_record_is_the_same_patient(record: Record) -> None:
    table = read_bedside_table(str(ROOT / "examples" / "bedside_ventilated.csv"))
    start = to_microseconds(table.origin) if table.origin else 1_700_000_000_000_000
    entries: list[object] = []
    for part in (table.observations, table.settings):
        for name, signal in part.items():
            for hour, value, quality in zip(signal.time_h, signal.value, signal.quality, strict=True):
                number = None if np.isnan(value) else float(value)
                at = start + round(float(hour) * HOUR_US)
                entries.append(Observation(MRS_A, name, at, number, "table", quality=Quality(int(quality))))
    born = f"{2025 - round(table.person.age_y or 0)}"
    entries.append(Event(MRS_A, "person", start, "table", {"sex": table.person.sex, "birth_date": born}))
    key = write(record, start + 1000 * HOUR_US, *entries)
    found = bedside_record(record.reading(operator()), key)
    assert found.person.sex == table.person.sex
    shift = (start - to_microseconds(found.origin)) / HOUR_US if found.origin else 0.0
    for part in ("observations", "settings"):
        before, after = getattr(table, part), getattr(found, part)
        assert after.keys() == before.keys()
        for name, signal in before.items():
            unique = np.unique(np.stack([signal.time_h + shift, signal.value]), axis=1)
            again = np.unique(np.stack([after[name].time_h, after[name].value]), axis=1)
            np.testing.assert_allclose(again, unique, atol=1e-6)


def test_as_of_a_time_it_knows_no_more_than_was_received(record: Record) -> None:
    key = write(record, 10 * MINUTE, seen(80, 9 * MINUTE))
    write(record, 60 * MINUTE, seen(2.0, 8 * MINUTE, code="lactate"))
    reading = record.reading(operator())
    assert set(bedside_record(reading, key, 30 * MINUTE).observations) == {"heart_rate"}
    late = bedside_record(reading, key).observations["lactate"]
    assert late.received_h[0] - late.time_h[0] == pytest.approx(52 / 60)


def test_a_question_now_knows_what_came_last_and_no_time_that_was_refused(record: Record) -> None:
    ahead = seen(90, 600 * MINUTE, quality=Quality.REFUSED)
    key = write(record, 12 * MINUTE, seen(80, 9 * MINUTE), seen(60, 10 * MINUTE, code="mean_arterial_pressure"), ahead)
    found = bedside_record(record.reading(operator()), key)
    assert found.last_h() == pytest.approx(1 / 60)  # hour 0 is minute 9
    assert found.last_known_h() == pytest.approx(3 / 60)
    known = found.observations["mean_arterial_pressure"].known_by(found.last_known_h())
    assert known.value.tolist() == [60.0]
    assert time_of_question(None, found, "postgresql://x/y")[0] == found.last_known_h()


def test_a_setting_without_a_value_has_ended_and_an_observation_without_one_says_nothing(record: Record) -> None:
    key = write(record, MINUTE, seen(5.0, 0, code="peep"), seen(None, MINUTE, code="peep"), seen(None, 0))
    found = bedside_record(record.reading(operator()), key)
    assert found.settings["peep"].value[0] == 5.0 and np.isnan(found.settings["peep"].value[1])
    assert "heart_rate" not in found.observations


def test_nobody_is_made_of_nothing(record: Record) -> None:
    key = write(record, MINUTE, Event(MRS_A, "fall", 0, "notes"))
    with pytest.raises(DataError, match="nothing of a bedside"):
        bedside_record(record.reading(operator()), key)
    write(record, MINUTE, seen(None, 0, status=Status.RETRACTED))
    with pytest.raises(DataError):
        bedside_record(record.reading(operator()), key)


@pytest.mark.parametrize(
    ("birth", "years"), [("1950-07-01", 75.0), ("1950", 75.0), ("1950-07", 74.96), ("1850", None), ("unknown", None)]
)
def test_an_age_is_as_exact_as_the_birth_date(birth: str, years: float | None) -> None:
    found = age(birth, 1_751_328_000_000_000)  # 2025-07-01
    assert found == (None if years is None else pytest.approx(years, abs=0.01))


def test_a_file_is_recognised_as_a_record(tmp_path: Path) -> None:
    from caretwin.cli.bedside_input import is_record

    assert not is_record(str(ROOT / "examples" / "bedside_ventilated.csv"))
    assert is_record("postgresql://x@y/z")
    (tmp_path / "x.db").write_bytes(b"encrypted")
    assert is_record(str(tmp_path / "x.db"))
