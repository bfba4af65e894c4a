"""Twins that live: whatever comes late, twice, corrected or shuffled, they end as if it had come in order."""

import random
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

from caretwin.ingest.mapping import CodeMapping, Rule
from caretwin.ingest.remap import remap
from caretwin.record.access import Actor, operator
from caretwin.record.entry import Batch, Event, Identifier, Link, Observation, Status, SubjectRef
from caretwin.record.record import Record, open_record
from caretwin.twin.bedside_twin import BedsideTwin, bedside_twin
from caretwin.twin.living import record as living_record
from caretwin.twin.living.course import MINUTE
from caretwin.twin.living.ward import LivingWard
from tests.twin.conftest import START

DOOR = Actor("door:test", "door")
MEDIANS = {"heart_rate": 84.0, "mean_arterial_pressure": 72.0, "oxygen_saturation": 96.0, "respiratory_rate": 18.0}
SCATTER = {"heart_rate": 4.0, "mean_arterial_pressure": 5.0, "oxygen_saturation": 1.0, "respiratory_rate": 2.0}
CHANNELS = tuple(MEDIANS)


def who(number: int) -> SubjectRef:
    return SubjectRef((Identifier("urn:hospital", f"patient {number}"),))


def vitals(patient: int, minutes: Sequence[int]) -> list[Observation]:
    """What a monitor sends of one patient: the same every time."""
    luck = np.random.default_rng(patient)
    noise = luck.standard_normal((max(minutes) + 1, len(CHANNELS)))
    return [
        Observation(
            who(patient), name, START + minute * MINUTE - 5_000_000,
            float(round(MEDIANS[name] + SCATTER[name] * noise[minute, i], 1)), "monitor", f"{patient}-{minute}-{name}",
        )
        for minute in minutes
        for i, name in enumerate(CHANNELS)
    ]  # fmt: skip


def lactate(patient: int, minute: int, value: float = 4.0, version: int = 0, **more: Any) -> Observation:
    at = START + minute * MINUTE
    return Observation(who(patient), "lactate", at, value, "lab", f"lactate {patient}", version, **more)


def write(record: Record, entries: Sequence[Any], received: int = START) -> list[str]:
    return list(record.append(DOOR, [Batch(tuple(entries), received, DOOR.name)])[0].subjects)


def up_to_date(ward: LivingWard, minute: int) -> None:
    while ward.turn(START + minute * MINUTE).waiting:
        pass


def numbers(ward: LivingWard) -> dict[str, tuple[int, list[np.ndarray]]]:
    """Every number of every twin."""
    alive = {key: one for key, one in ward.subjects().items() if one is not None}
    return {key: (one.minute, [np.asarray(leaf) for leaf in jax.tree.leaves(one.state)]) for key, one in alive.items()}


def same(one: LivingWard, other: LivingWard) -> bool:
    """Whether all twins of two wards agree in every bit."""
    first, second = numbers(one), numbers(other)
    if first.keys() != second.keys() or not first:
        return False
    return all(
        first[key][0] == second[key][0]
        and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(first[key][1], second[key][1], strict=True))
        for key in first
    )


def in_order(record: Record, twin: BedsideTwin, minute: int) -> LivingWard:
    """A ward that reads the finished record: everything in order of effective time."""
    ward = living_record.start(record, twin)
    up_to_date(ward, minute)
    return ward


def test_a_twin_follows_what_comes(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(5))))
    up_to_date(ward, 5)
    alive = ward.subjects()[key]
    assert alive is not None and alive.info is not None
    assert alive.minute == START // MINUTE + 4
    names = twin.model.channel_names
    assert np.asarray(alive.info.seen)[names.index("heart_rate")]
    assert not np.asarray(alive.info.seen)[names.index("lactate")] if "lactate" in names else True


def test_minute_by_minute_is_the_same_as_all_at_once(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    for minute in range(12):
        for patient in range(3):
            write(record, vitals(patient, [minute]))
        up_to_date(ward, minute)
    assert same(ward, in_order(record, twin, 12))


def test_a_result_that_is_late_is_taken_in_where_it_belongs(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(40)) + vitals(1, range(40)))
    up_to_date(ward, 40)
    before = numbers(ward)
    (key,) = write(record, [lactate(0, 10)])
    up_to_date(ward, 40)
    after = numbers(ward)
    other = next(name for name in after if name != key)
    assert not all(np.array_equal(a, b) for a, b in zip(before[key][1], after[key][1], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before[other][1], after[other][1], strict=True))
    assert same(ward, in_order(record, twin, 40))


def test_going_back_for_a_few_rows_counts_as_a_replay_and_the_open_minute_does_not(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(20)))
    up_to_date(ward, 20)
    write(record, [lactate(0, 19)])
    turn = ward.turn(START + 20 * MINUTE)
    assert (turn.steps, turn.replayed) == (1, 0)
    write(record, [lactate(0, 17, version=2)])
    turn = ward.turn(START + 20 * MINUTE)
    assert turn.replayed == turn.steps >= 3
    write(record, vitals(0, [20]))
    turn = ward.turn(START + 20 * MINUTE)
    assert (turn.steps, turn.replayed) == (1, 0)


def test_a_correction_and_a_retraction_are_as_if_the_first_value_had_never_been(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(20)))
    up_to_date(ward, 20)
    untouched = numbers(ward)
    for version, value, status in ((1, 9.0, Status.FINAL), (2, 1.2, Status.CORRECTED), (3, 1.2, Status.RETRACTED)):
        write(record, [lactate(0, 8, value, version, status=status)])
        up_to_date(ward, 20)
        assert same(ward, in_order(record, twin, 20)), status
    ((key, (_, leaves)),) = numbers(ward).items()
    assert all(np.array_equal(a, b) for a, b in zip(leaves, untouched[key][1], strict=True))


def test_what_is_mapped_later_gives_the_twin_of_one_who_was_mapped_from_the_start(
    tmp_path: Path, twin: BedsideTwin
) -> None:
    """A ward that lives hears of it as late data; so does one that starts afterwards, or from old checkpoints."""
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    open_record(first, lambda: START).close()
    shutil.copy(first, second)  # both give the same keys, and so the same luck
    channels = {"local:icu|PULS": "heart_rate", "local:icu|BEATM-O2": "fio2"}
    came = vitals(0, range(30))
    came += [
        replace(came[0], code="fio2", effective=START + at * MINUTE, value=value, source_id=f"o2-{at}",
                note={"order": "vent"}) for at, value in ((2, 0.4), (10, 0.6), (20, None))
    ]  # fmt: skip
    codes = {channel: code for code, channel in channels.items()}
    unknown = [replace(one, code=codes.get(one.code, one.code)) for one in came]
    late, known = open_record(first, lambda: START), open_record(second, lambda: START)
    write(known, came)
    ward = living_record.start(late, twin)
    write(late, unknown)
    up_to_date(ward, 40)
    assert living_record.save(late, ward, list(ward.subjects())) == 1
    mapped_from_the_start = in_order(known, twin, 40)
    assert not same(ward, mapped_from_the_start)
    units = {"heart_rate": "/min", "fio2": "1"}
    rules = CodeMapping(
        [
            Rule("", "local:icu", code.partition("|")[2], "", channel, units[channel])
            for code, channel in channels.items()
        ]
    )
    assert remap(late, operator(), lambda door: rules, lambda: START + 40 * MINUTE) == 33
    up_to_date(ward, 40)
    assert same(ward, mapped_from_the_start)
    assert same(in_order(late, twin, 40), mapped_from_the_start), "from the checkpoint of before"
    late.close()
    known.close()


def test_the_minute_that_is_still_open_is_done_again(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    for entry in vitals(0, range(3)):
        write(record, [entry])
        up_to_date(ward, 3)
    assert same(ward, in_order(record, twin, 3))


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_duplicated_and_delayed_streams_give_the_same_twin(
    tmp_path: Path, twin: BedsideTwin, seed: int
) -> None:
    record = open_record(tmp_path / "record.db", lambda: START)
    luck = random.Random(seed)
    stream = vitals(0, range(25)) + vitals(1, range(0, 25, 3)) + [lactate(0, 7), lactate(0, 7, 3.0, 2), lactate(1, 20)]
    stream += luck.sample(stream, 30)
    luck.shuffle(stream)
    ward = living_record.start(record, twin)
    while stream:
        part, stream = stream[:17], stream[17:]
        write(record, part)
        ward.turn(START + 25 * MINUTE)
    up_to_date(ward, 25)
    assert same(ward, in_order(record, twin, 25))
    record.close()


def test_a_restart_goes_on_from_checkpoints_to_the_same_bits(record: Record, twin: BedsideTwin) -> None:
    first = living_record.start(record, twin)
    keys = set(write(record, vitals(0, range(40)) + vitals(1, range(40))))
    up_to_date(first, 40)
    assert living_record.save(record, first, sorted(keys)) == 2
    write(record, [*vitals(0, range(40, 45)), lactate(1, 12)])  # the crash: nobody heard of these
    second = living_record.start(record, twin)
    turn = second.turn(START + 45 * MINUTE)
    up_to_date(second, 45)
    up_to_date(first, 45)
    assert same(first, second)
    assert turn.steps < 80  # not everything from the beginning


def test_a_checkpoint_of_another_model_is_not_taken_for_ours(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    keys = set(write(record, vitals(0, range(5))))
    up_to_date(ward, 5)
    living_record.save(record, ward, sorted(keys))
    other = bedside_twin(particles=60, seed=1, single=True)
    again = living_record.start(record, other)
    assert again.turn(START + 5 * MINUTE).steps == 5


def test_what_was_forgotten_is_read_again(record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretwin.twin.living.ward.MOST_REMEMBERED", 40)
    monkeypatch.setattr("caretwin.twin.living.ward.KEPT_MIN", 5)
    monkeypatch.setattr("caretwin.twin.living.course.BACK_MIN", 3)
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(60))))
    up_to_date(ward, 60)
    write(record, vitals(0, range(60, 61)))
    up_to_date(ward, 61)
    assert len(ward.course(key)) < 100
    write(record, [lactate(0, 4)])
    up_to_date(ward, 61)
    monkeypatch.undo()
    assert same(ward, in_order(record, twin, 61))


def test_who_it_is_makes_another_twin_and_a_birthday_does_not(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(6))))
    up_to_date(ward, 6)
    before = numbers(ward)[key][1]
    said = Event(who(0), "person", START, "adt", {"sex": "female", "birth_date": "1950-02-01"})
    write(record, [said, Observation(who(0), "weight", START, 52.0, "scale")])
    up_to_date(ward, 6)
    after = numbers(ward)[key][1]
    assert not all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    person = ward.course(key).body_known()
    assert (person.sex, person.weight_kg) == ("female", 52.0)
    assert person.age_y == pytest.approx(75.1, abs=0.2)
    write(record, [Observation(who(0), "weight", START + 5 * MINUTE, 53.0, "scale")])
    assert ward.turn(START + 6 * MINUTE).steps == 0
    assert same(ward, in_order(record, twin, 6))


def test_two_records_of_one_person_become_one_twin(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(0, 6)))
    write(record, vitals(1, range(6, 12)))
    up_to_date(ward, 12)
    assert len(numbers(ward)) == 2
    record.append(DOOR, [Batch((Link(who(0), who(1), "adt"),), START, DOOR.name)])
    up_to_date(ward, 12)
    assert len(numbers(ward)) == 1
    assert same(ward, in_order(record, twin, 12))


def test_who_is_erased_has_no_twin(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(3)))[0] for patient in range(2)]
    up_to_date(ward, 3)
    living_record.save(record, ward, keys)
    record.erase(operator(), keys[0], "request")
    up_to_date(ward, 3)
    assert list(numbers(ward)) == [keys[1]]
    assert record.connection().query("SELECT count(*) FROM checkpoint")[0][0] == 1


def test_a_fork_can_be_played_with(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, range(4))))
    up_to_date(ward, 4)
    before = numbers(ward)[key][1]
    fork = ward.fork(key)
    assert fork is not None
    np.asarray(fork.ensemble.theta)[...] = 7.0
    assert all(np.array_equal(a, b) for a, b in zip(before, numbers(ward)[key][1], strict=True))
    assert float(fork.settings.fio2) == pytest.approx(0.21)


def test_a_value_from_the_future_waits_until_its_time_has_come(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    (key,) = set(write(record, vitals(0, [0, 1, 600])))
    up_to_date(ward, 2)
    assert ward.subjects()[key].minute == START // MINUTE + 1  # type: ignore[union-attr]
    up_to_date(ward, 601)
    assert ward.subjects()[key].minute == START // MINUTE + 600  # type: ignore[union-attr]


def test_others_are_not_kept_waiting_by_a_long_replay(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(300)))[0] for patient in range(2)]
    up_to_date(ward, 300)
    write(record, [lactate(0, 1)])
    write(record, vitals(1, [300]))
    turn = ward.turn(START + 300 * MINUTE)
    assert keys[1] in turn.updated and keys[0] in turn.waiting


def test_one_program_serves_every_ward(record: Record, twin: BedsideTwin) -> None:
    from caretwin.twin.living.step import advanced

    ward = living_record.start(record, twin)
    write(record, vitals(0, range(3)))
    up_to_date(ward, 3)
    traced = advanced.traces
    for patient in range(1, 20):
        write(record, vitals(patient, range(3)))
    up_to_date(ward, 3)
    write(record, [lactate(3, 1)])
    up_to_date(ward, 3)
    assert advanced.traces == traced


# what a review found
# -----------------------------------------------------------------------------------------------------


def test_an_old_version_that_is_sent_again_brings_nothing_back(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    write(record, vitals(0, range(10)))
    write(record, [lactate(0, 4, 9.0, 1)])
    write(record, [lactate(0, 4, 9.0, 2, status=Status.RETRACTED)])
    up_to_date(ward, 10)
    write(record, [lactate(0, 4, 9.0, 1)])
    up_to_date(ward, 10)
    assert same(ward, in_order(record, twin, 10))


def test_a_checkpoint_of_a_past_that_has_changed_is_not_gone_back_to(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    keys = set(write(record, vitals(0, range(90))))
    up_to_date(ward, 90)
    living_record.save(record, ward, sorted(keys))
    write(record, [lactate(0, 55)])
    write(record, vitals(0, range(90, 130)))
    up_to_date(ward, 130)
    living_record.save(record, ward, sorted(keys))
    again = living_record.start(record, twin)
    write(record, [lactate(0, 100, 3.0, 7)])
    for one in (ward, again):
        up_to_date(one, 130)
    assert same(ward, again)


def test_a_body_that_became_known_before_a_crash_is_that_of_the_twin_after_it(
    record: Record, twin: BedsideTwin
) -> None:
    ward = living_record.start(record, twin)
    keys = set(write(record, vitals(0, range(40))))
    up_to_date(ward, 40)
    living_record.save(record, ward, sorted(keys))
    write(record, [Observation(who(0), "weight", START, 48.0, "scale")])
    up_to_date(ward, 40)
    assert same(ward, in_order(record, twin, 40))


def test_what_is_retracted_beyond_memory_is_retracted(
    record: Record, twin: BedsideTwin, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = living_record.start(record, twin)
    keys = set(write(record, [lactate(0, 5, 9.0, 1), *vitals(0, range(80))]))
    up_to_date(first, 80)
    living_record.save(record, first, sorted(keys))
    monkeypatch.setattr("caretwin.twin.living.record.BACK_MIN", 3)
    again = living_record.start(record, twin)
    write(record, [lactate(0, 5, 9.0, 2, status=Status.RETRACTED)])
    monkeypatch.undo()
    for one in (first, again):
        up_to_date(one, 80)
    assert same(again, first)


def test_a_clock_that_was_wrong_once_makes_nobody_older(record: Record, twin: BedsideTwin) -> None:
    ward = living_record.start(record, twin)
    said = Event(who(0), "person", START, "adt", {"sex": "male", "birth_date": "1980-02-01"})
    early = Observation(who(0), "heart_rate", 0, 80.0, "monitor", "early", 1)
    (key, *_) = write(record, [said, early, *vitals(0, range(5))])
    up_to_date(ward, 5)
    write(record, [Observation(who(0), "heart_rate", 0, None, "monitor", "early", 2, Status.RETRACTED)])
    up_to_date(ward, 5)
    assert ward.course(key).body_known().age_y == pytest.approx(45.1, abs=0.2)
    assert same(ward, in_order(record, twin, 5))


def test_two_settings_of_one_instant_are_the_same_in_either_order(tmp_path: Path, twin: BedsideTwin) -> None:
    found = []
    for order in (1, -1):
        record = open_record(tmp_path / f"{order}.db", lambda: START)
        ward = living_record.start(record, twin)
        pumps = [Observation(who(0), "norepinephrine", START, rate, f"pump {rate}") for rate in (0.1, 0.5)]
        (key, *_) = write(record, [*pumps[::order], *vitals(0, range(3))])
        up_to_date(ward, 3)
        found.append(ward.course(key).latest("norepinephrine"))
        record.close()
    assert found[0] == found[1]


def test_an_erasure_by_another_process_is_noticed(tmp_path: Path, twin: BedsideTwin) -> None:
    record, other = (open_record(tmp_path / "record.db", lambda: START) for _ in range(2))
    ward = living_record.start(record, twin)
    keys = [write(record, vitals(patient, range(3)))[0] for patient in range(2)]
    up_to_date(ward, 3)
    other.erase(operator(), keys[0], "request")
    assert living_record.save(record, ward, keys) == 0
    up_to_date(ward, 3)
    assert living_record.save(record, ward, list(ward.subjects())) == 1
    assert list(numbers(ward)) == [keys[1]]
    record.close()
    other.close()
