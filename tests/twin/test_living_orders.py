"""Two bags of one drug at once: a twin lives under their sum, whoever hung them and in whatever order it was told."""

import random
from pathlib import Path

import numpy as np
import pytest

from caretwin.record.bedside_reading import bedside_record
from caretwin.record.entry import Observation
from caretwin.record.record import Record, open_record
from caretwin.twin.bedside_twin import BedsideTwin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from tests.twin.conftest import START
from tests.twin.test_living_ward import in_order, numbers, same, up_to_date, vitals, who, write

DRUG = "norepinephrine"


def bag(order: str, minute: int, rate: float | None, part: str = "rate") -> Observation:
    note = {"order": order} if order else None
    return Observation(who(0), DRUG, START + minute * MINUTE, rate, "emar", f"{order}{minute}#{part}", note=note)


def twin_of(folder: Path, twin: BedsideTwin, bags: list[Observation]) -> tuple[list[np.ndarray], float]:
    """The numbers of a twin that lived 30 minutes under these bags, and the rate that it knows of last."""
    record = open_record(folder / f"{len(list(folder.iterdir()))}.db", lambda: START)
    with record.writing(living_record.TWIN, "derive", "") as connection:  # one secret: one key, one luck
        connection.query("UPDATE meta SET value = 'same' WHERE name = 'salt'")
    record.close()
    record = open_record(record_path(folder), lambda: START)
    write(record, [*vitals(0, range(30)), *bags])
    ward = in_order(record, twin, 30)
    ((key, (_, leaves)),) = numbers(ward).items()
    latest = ward.course(key).latest(DRUG)
    record.close()
    assert latest is not None
    return leaves, latest[1]


def record_path(folder: Path) -> Path:
    return max(folder.glob("*.db"), key=lambda path: int(path.stem))


def alike(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_rate_split_into_two_orders_is_the_same_twin_to_the_bit(tmp_path: Path, twin: BedsideTwin) -> None:
    """0.1 + 0.2 differs from 0.3 by rounding in double precision; the twin calculates in single: the same bits."""
    whole, _ = twin_of(tmp_path, twin, [bag("", 5, 0.3), bag("", 20, None)])
    split, _ = twin_of(
        tmp_path, twin, [bag(o, 5, r) for o, r in (("a", 0.1), ("b", 0.2))] + [bag("a", 20, None), bag("b", 20, None)]
    )
    one, _ = twin_of(tmp_path, twin, [bag("a", 5, 0.1), bag("a", 20, None)])
    assert alike(whole, split)
    assert not alike(whole, one)


def test_the_end_of_one_bag_leaves_the_other(tmp_path: Path, twin: BedsideTwin) -> None:
    bags = [bag("a", 2, 0.1), bag("b", 5, 0.2)]
    assert twin_of(tmp_path, twin, bags)[1] == pytest.approx(0.3)
    assert twin_of(tmp_path, twin, [*bags, bag("a", 10, None, "stop")])[1] == 0.2
    assert np.isnan(twin_of(tmp_path, twin, [*bags, bag("a", 10, None, "stop"), bag("b", 12, None, "stop")])[1])


@pytest.mark.parametrize("seed", range(3))
def test_bags_that_are_told_late_and_shuffled_are_as_if_in_order(record: Record, twin: BedsideTwin, seed: int) -> None:
    bags = [bag("a", 2, 0.1), bag("", 3, 0.05), bag("b", 5, 0.2), bag("a", 10, None, "stop"), bag("", 12, None)]
    random.Random(seed).shuffle(bags)
    ward = living_record.start(record, twin)
    (key, *_) = write(record, vitals(0, range(20)))
    for one in bags:
        up_to_date(ward, 20)
        write(record, [one])
    up_to_date(ward, 20)
    assert same(ward, in_order(record, twin, 20))
    assert ward.course(key).latest(DRUG) == (START // MINUTE + 12, 0.2)
    read = bedside_record(record.reading(living_record.TWIN), key).settings[DRUG]
    assert read.held_at(np.array([(START - 5_000_000 - START) / 3.6e9 + 15 / 60])) == pytest.approx(0.2)


def test_a_restart_knows_every_bag_that_was_hung_long_before(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = living_record.start(record, twin)
    refused = Observation(who(0), DRUG, START + 6 * MINUTE, 99.0, "emar", "r", quality=2)  # type: ignore[arg-type]
    bags = [bag("a", 2, 0.1), bag("b", 4, 0.2), bag("", 5, 0.05), refused]
    keys = set(write(record, [*vitals(0, range(80)), *bags]))
    up_to_date(first, 80)
    living_record.save(record, first, sorted(keys))
    monkeypatch.setattr("caretwin.twin.living.record.BACK_MIN", 3)
    again = living_record.start(record, twin)
    write(record, [bag("a", 79, None, "stop"), *vitals(0, range(80, 85))])
    for one in (first, again):
        up_to_date(one, 85)
    assert same(first, again)
    assert again.course(*keys).latest(DRUG)[1] == 0.2  # type: ignore[index]
