"""Erasing one of two who had been merged: what is known to be of that one goes, and nobody else's."""

from pathlib import Path

import pytest
from tests.record.test_erase import bytes_of
from tests.record.test_store import MINUTE, reader, seen, write

from caretwin.record.access import operator
from caretwin.record.entry import Batch, Event, Identifier, Link, Observation, Remapped, Status, SubjectRef
from caretwin.record.record import Record
from caretwin.record.store import keep

TIMES = [minute * MINUTE for minute in range(1, 90)]
FIRST = {"ann": 10, "bob": 20, "cid": 30}
"""The minutes of each one's values begin here: so a value says whose it is."""


def who(name: str) -> SubjectRef:
    return SubjectRef((Identifier("urn:hospital", f"number-of-{name}"),))


def of(name: str, number: int, **more: object) -> Observation:
    """A value of somebody, with the name that its source has for it."""
    at = FIRST[name] + number
    fields = {"subject": who(name), "source_id": f"{name}-{number}", "note": {"text": f"secret of {name}"}, **more}
    return seen(float(fields.pop("value", at)), at * MINUTE, **fields)  # type: ignore[arg-type]


def link(record: Record, received: int, kept: str, other: str) -> None:
    write(record, received * MINUTE, Link(who(kept), who(other), f"adt about number-of-{other}"))


def shown(record: Record, key: str, as_of: int) -> list[float]:
    return sorted(float(value) for one in reader(record).series(key, as_of=as_of) for value in one.value)


STORIES = [("pair", True), ("chain", True), ("chain", False)]
"""Bob is merged into Ann, and in a chain Ann into Cid; whether Ann was parted from Cid, as Bob is from Ann."""


def told(record: Record, story: tuple[str, bool], *, again: bool) -> dict[str, str]:
    """The keys of three of whom each said something before they were merged, and something since."""
    keys = {name: write(record, 30 * MINUTE, of(name, 0)) for name in FIRST}
    link(record, 31, "ann", "bob")
    if story[0] == "chain":
        link(record, 32, "cid", "ann")
    for name in FIRST:
        write(record, 33 * MINUTE, of(name, 1))
    record.part(operator(), keys["bob"], 40 * MINUTE, "two wristbands")
    if story == ("chain", True):
        record.part(operator(), keys["ann"], 41 * MINUTE, "three wristbands")
    if again:
        for name in FIRST:
            write(record, 50 * MINUTE, of(name, 1))
    return keys


@pytest.mark.parametrize("story", STORIES, ids=str)
@pytest.mark.parametrize("again", [True, False], ids=["sent again", "not sent again"])
@pytest.mark.parametrize("erased", FIRST)
def test_the_numbers_of_the_erased_lead_nowhere_and_those_of_the_others_to_them(
    record: Record, where: str, tmp_path: Path, story: tuple[str, bool], again: bool, erased: str
) -> None:
    keys = told(record, story, again=again)
    gone = _one_with(erased, story)
    record.erase(operator(), keys[erased], "request")
    for name in gone:
        assert reader(record).subject_of(who(name).identifiers[0]) is None
        assert f"number-of-{name}".encode() not in bytes_of(where, tmp_path)
        assert write(record, 80 * MINUTE, of(name, 2)) not in {keys[one] for one in keys if one not in gone}
    for name in FIRST.keys() - gone:
        assert reader(record).subject_of(who(name).identifiers[0]) in {keys[one] for one in _one_with(name, story)}


@pytest.mark.parametrize("story", STORIES, ids=str)
@pytest.mark.parametrize("erased", FIRST)
def test_what_was_sent_again_goes_with_the_erased_and_the_others_lose_nothing_of_any_time(
    record: Record, where: str, tmp_path: Path, story: tuple[str, bool], erased: str
) -> None:
    keys = told(record, story, again=True)
    gone = _one_with(erased, story)
    left = [name for name in keys if name not in gone]
    before = {(name, at): shown(record, keys[name], at) for name in left for at in TIMES}
    record.erase(operator(), keys[erased], "request")
    for (name, at), were in before.items():
        others = [value for value in were if not any(FIRST[one] <= value < FIRST[one] + 10 for one in gone)]
        assert shown(record, keys[name], at) == others, (name, at // MINUTE)
    after = bytes_of(where, tmp_path)
    assert [name for name in gone if f"secret of {name}".encode() in after] == []
    assert [name for name in left if f"secret of {name}".encode() not in after] == []


def _one_with(name: str, story: tuple[str, bool]) -> set[str]:
    return {"ann", "cid"} if story == ("chain", False) and name != "bob" else {name}


def test_what_nobody_can_tell_stays_with_the_one_under_whose_key_it_was_kept(record: Record) -> None:
    keys = told(record, ("pair", True), again=False)
    record.erase(operator(), keys["bob"], "request")
    assert shown(record, keys["ann"], 90 * MINUTE) == [10.0, 11.0, 21.0]


def test_a_correction_of_what_the_erased_had_before_goes_though_it_was_not_sent_again(record: Record) -> None:
    keys = told(record, ("pair", True), again=False)
    link(record, 60, "cid", "ann")
    write(record, 61 * MINUTE, of("ann", 0, version=9, value=15.0, status=Status.CORRECTED))
    record.part(operator(), keys["ann"], 62 * MINUTE, "not one")
    assert 15.0 in shown(record, keys["cid"], 70 * MINUTE)
    assert record.erase(operator(), keys["ann"], "request").elsewhere == 1
    assert shown(record, keys["cid"], 61 * MINUTE) == shown(record, keys["cid"], 70 * MINUTE) == [30.0, 31.0]


@pytest.mark.parametrize(("erased", "left"), [("bob", {"ann": []}), ("ann", {"bob": [10.0]})])
def test_what_the_source_had_taken_for_somebody_elses_goes_with_whose_it_is(
    record: Record, erased: str, left: dict[str, list[float]]
) -> None:
    """No merge: Ann's number was written on Bob's value, and the source said so; or the other way round."""
    keys = {"ann": write(record, 30 * MINUTE, of("ann", 0))}
    keys["bob"] = write(record, 31 * MINUTE, of("ann", 0, subject=who("bob"), version=2))
    assert shown(record, keys["ann"], 30 * MINUTE) == [10.0] and shown(record, keys["ann"], 31 * MINUTE) == []
    record.erase(operator(), keys[erased], "request")
    for name, values in left.items():
        assert shown(record, keys[name], 90 * MINUTE) == values
        assert shown(record, keys[name], 30 * MINUTE) == []


def test_events_go_as_values_do_and_the_twin_of_the_other_begins_anew(record: Record) -> None:
    keys = told(record, ("pair", True), again=False)
    fall = Event(who("bob"), "fall", 60 * MINUTE, "notes", {"where": "secret of bob"}, source_id="fall 1")
    link_again = Link(who("ann"), who("bob"), "by hand", again=True)
    write(record, 60 * MINUTE, link_again)
    write(record, 61 * MINUTE, fall)
    record.part(operator(), keys["bob"], 62 * MINUTE, "two after all")
    write(record, 63 * MINUTE, fall)
    with record.writing(operator(), "derive", "checkpoint", [keys["ann"]]) as connection:
        keep.save_checkpoint(connection, keys["ann"], "model", MINUTE, 1, b"of both")
    assert record.erase(operator(), keys["bob"], "request").elsewhere == 1
    assert reader(record).events(keys["ann"], as_of=61 * MINUTE) == []
    assert reader(record).checkpoints(keys["ann"], "model") == []


@pytest.mark.parametrize("named", ["a", ""])
def test_what_was_remapped_while_two_were_one_goes_with_whose_it_was(record: Record, named: str) -> None:
    """As records of before have it: the remapped value under the key of the survivor."""
    foreign = {"code": "local|PULS", "unit": "bpm", "source_id": named}
    keys = {"ann": write(record, 30 * MINUTE, of("ann", 0))}
    keys["bob"] = write(record, 30 * MINUTE, of("bob", 0, **foreign))
    link(record, 31, "ann", "bob")
    (one,) = reader(record).standing(reader(record).foreign())
    said = Remapped(
        who("ann"), "heart_rate", one.effective, one.value, "monitor", "", one.version, one.status,
        of=one.sequence, origin=one.origin, named=one.named, note=one.note, before={"code": "local|PULS", "unit": ""},
    )  # fmt: skip
    record.append(operator(), [Batch((said,), 32 * MINUTE, "me", "mapping")])
    record.part(operator(), keys["bob"], 40 * MINUTE, "two wristbands")
    record.erase(operator(), keys["bob"], "request")
    assert shown(record, keys["ann"], 90 * MINUTE) == shown(record, keys["ann"], 35 * MINUTE) == [10.0]


def test_a_number_that_a_merge_of_others_knows_is_given_to_nobody_new(record: Record) -> None:
    """Erased from the middle of a chain: as of then the two at its ends were one, and whoever comes next was not."""
    keys = told(record, ("chain", True), again=True)
    record.erase(operator(), keys["ann"], "request")
    assert write(record, 80 * MINUTE, of("ann", 2)) == keys["ann"]
    assert shown(record, keys["cid"], 35 * MINUTE) == [20.0, 21.0, 30.0, 31.0]
    assert shown(record, keys["cid"], 90 * MINUTE) == [30.0, 31.0]
    assert record.connection().query("SELECT DISTINCT source FROM merged") == [("",)]
