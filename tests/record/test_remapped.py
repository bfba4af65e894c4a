"""What came before its code was mapped is said anew: nothing is overwritten, and nothing of it comes to stand twice."""

import itertools
from typing import Any

import pytest
from tests.record.conftest import Ticking
from tests.record.test_store import DOOR, MINUTE, MR_B, MRS_A, reader, seen, values, write

from caretwin.record import audit
from caretwin.record.access import operator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Batch, Link, Observation, Receipt, Remapped, Status
from caretwin.record.record import Record, open_record
from caretwin.record.store import foreign, keep

FOREIGN = "local:icu|PULS"
NAMED = pytest.mark.parametrize("source_id", ["", "a"], ids=["without a name", "with a name"])


def unknown(value: float | None, at: int, **more: Any) -> Observation:
    """A pulse under a code that nobody has mapped."""
    return seen(value, at, **{"code": FOREIGN, "unit": "bpm", **more})


def anew(record: Record, factor: float = 1.0, **more: Any) -> list[Remapped]:
    """All that stands under foreign codes, as heart rates."""
    series = {one.place: one for one in reader(record).foreign()}
    found = reader(record).standing(list(series.values()))
    return [
        Remapped(
            series[one.place].subject, "heart_rate", one.effective,
            None if one.value is None else one.value * factor, series[one.place].source, "", one.version, one.status,
            of=one.sequence, origin=one.origin, named=one.named, note=one.note or None,
            before={"code": series[one.place].code, "unit": series[one.place].unit}, **more,
        )
        for one in found
    ]  # fmt: skip


def remap(record: Record, received: int, entries: list[Remapped] | None = None) -> Receipt:
    said = anew(record) if entries is None else entries
    return record.append(operator(), [Batch(tuple(said), received, operator().name, "mapping")])[0]


def sent(record: Record, received: int, *entries: Observation) -> Receipt:
    return record.append(DOOR, [Batch(entries, received, DOOR.name)])[0]


@NAMED
def test_as_of_before_the_old_code_holds_and_from_then_on_the_channel(record: Record, source_id: str) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id=source_id, note={"method": "cuff"}))
    receipt = remap(record, 30 * MINUTE)
    assert receipt.replaced == 1 and receipt.changed == ((key, MINUTE),)
    for at, old, new in ((9, [], []), (10, [80.0], []), (29, [80.0], []), (30, [], [80.0]), (99, [], [80.0])):
        assert values(record, key, FOREIGN, at * MINUTE) == old, at
        assert values(record, key, as_of=at * MINUTE) == new, at
    (stands,) = reader(record).latest(key)
    assert (stands.effective, stands.received) == (MINUTE, 30 * MINUTE)
    assert stands.note == {"method": "cuff", "mapped_from": {"code": FOREIGN, "unit": "bpm"}}


@NAMED
def test_a_second_time_does_nothing_and_neither_does_one_that_was_planned_before(
    record: Record, source_id: str
) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id=source_id), unknown(81, 2 * MINUTE))
    planned = anew(record)
    remap(record, 30 * MINUTE, planned)
    assert anew(record) == []
    again = remap(record, 40 * MINUTE, planned)
    assert (again.duplicates, again.replaced, again.gone) == (2, 0, ())
    assert values(record, key) == [80.0, 81.0] and values(record, key, FOREIGN) == []


@NAMED
@pytest.mark.parametrize("mapped", [True, False], ids=["by a door with the mapping", "by a door without it"])
def test_what_is_sent_again_afterwards_is_a_duplicate(record: Record, source_id: str, mapped: bool) -> None:
    first = unknown(80, MINUTE, source_id=source_id, version=7, note={"method": "cuff"})
    key = write(record, 10 * MINUTE, first)
    remap(record, 30 * MINUTE)
    same = seen(80.0, MINUTE, source_id=source_id, version=7, note={"method": "cuff"}) if mapped else first
    again = sent(record, 40 * MINUTE, same)
    assert (again.duplicates, again.replaced) == (1, 0)
    assert values(record, key) == [80.0] and values(record, key, FOREIGN) == []


@NAMED
def test_what_was_sent_again_before_stands_once(record: Record, source_id: str) -> None:
    """The sender was quicker than whoever maps: the door had the mapping already."""
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id=source_id))
    sent(record, 20 * MINUTE, seen(80.0, MINUTE, source_id=source_id))
    remap(record, 30 * MINUTE)
    assert values(record, key) == [80.0] and values(record, key, FOREIGN) == []
    assert values(record, key, as_of=25 * MINUTE) == [80.0]
    assert remap(record, 40 * MINUTE).sequences == ()


@pytest.mark.parametrize("order", list(itertools.permutations(["corrected", "mapped", "retracted"])), ids=str)
def test_corrections_and_retractions_hold_whenever_the_mapping_comes(record: Record, order: tuple[str, ...]) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id="a", version=1))
    known = False
    for number, what in enumerate(order):
        at = (20 + 10 * number) * MINUTE
        if what == "mapped":
            remap(record, at)
            known = True
            continue
        version, status = (2, Status.CORRECTED) if what == "corrected" else (3, Status.RETRACTED)
        more = {} if known else {"code": FOREIGN, "unit": "bpm"}
        value = 90.0 if what == "corrected" else None
        write(record, at, seen(value, MINUTE, source_id="a", version=version, status=status, **more))
    assert values(record, key) == values(record, key, FOREIGN) == []


def test_a_correction_that_was_quicker_is_not_undone(record: Record) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id="a", version=1))
    planned = anew(record)
    sent(record, 20 * MINUTE, unknown(90, MINUTE, source_id="a", version=2))
    assert remap(record, 30 * MINUTE, planned).duplicates == 1
    assert values(record, key, FOREIGN) == [90.0] and values(record, key) == []
    remap(record, 40 * MINUTE)
    assert values(record, key, FOREIGN) == [] and values(record, key) == [90.0]


@NAMED
def test_what_came_under_a_number_that_was_merged_since_is_the_survivors(record: Record, source_id: str) -> None:
    survivor = write(record, MINUTE, seen(60, MINUTE, subject=MR_B))
    first = unknown(80, 2 * MINUTE, source_id=source_id)
    write(record, 10 * MINUTE, first)
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 20 * MINUTE, DOOR.name)])
    remap(record, 30 * MINUTE)
    assert sorted(values(record, survivor)) == [60.0, 80.0] and values(record, survivor, FOREIGN) == []
    assert sent(record, 40 * MINUTE, seen(80.0, 2 * MINUTE, source_id=source_id)).duplicates == 1
    assert sorted(values(record, survivor)) == [60.0, 80.0]


@NAMED
def test_what_is_remapped_while_two_are_one_is_each_ones_again_when_they_are_parted(
    record: Record, clock: Ticking, where: str, source_id: str
) -> None:
    survivor = write(record, MINUTE, seen(60, MINUTE, subject=MR_B, source_id="b"))
    other = write(record, MINUTE, unknown(80, 2 * MINUTE, source_id=source_id))
    record.append(DOOR, [Batch((Link(MR_B, MRS_A, "adt"),), 10 * MINUTE, DOOR.name)])
    write(record, 10 * MINUTE, seen(61, 10 * MINUTE))  # the door knows the survivor's series
    elsewhere = open_record(where, clock)
    remap(elsewhere, 11 * MINUTE)
    elsewhere.close()
    assert sent(record, 12 * MINUTE, seen(80.0, 2 * MINUTE, source_id=source_id)).duplicates == 1
    assert sorted(values(record, survivor)) == [60.0, 61.0, 80.0]
    record.part(operator(), other, 20 * MINUTE, "two wristbands")
    assert sorted(values(record, survivor)) == [60.0, 61.0] and values(record, other) == [80.0]
    assert values(record, other, FOREIGN) == []


def test_whoever_was_away_is_told_what_came_and_what_no_longer_holds(record: Record) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id="a"))
    after = reader(record).newest()
    (gone,) = [one.of for one in anew(record)]
    remap(record, 30 * MINUTE)
    news = reader(record).news(after, [])
    assert [(one.code, one.value, one.subject) for one in news.observations] == [("heart_rate", 80.0, key)]
    assert [(one.sequence, one.effective) for one in news.gone] == [(gone, MINUTE)]


def test_who_is_erased_is_gone_under_both_codes(record: Record) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE, source_id="a"))
    planned = anew(record)
    remap(record, 30 * MINUTE, planned)
    record.erase(operator(), key, "a request")
    for table in ("observation", "version", "superseded"):
        assert record.connection().query(f"SELECT count(*) FROM {table}")[0][0] == 0, table
    with pytest.raises(KeyError):
        remap(record, 40 * MINUTE, planned)


def test_a_mapping_is_authorised_and_audited_for_each_person(record: Record) -> None:
    key = write(record, 10 * MINUTE, unknown(80, MINUTE))
    remap(record, 30 * MINUTE)
    rows = record.connection().query("SELECT actor, action, subject, detail FROM audit ORDER BY n DESC LIMIT 1")
    assert (rows[0][0], rows[0][1]) == (operator().name, "write") and key in rows[0][2] and "mapping" in rows[0][3]
    assert not audit.verify(record.connection())[1]


def test_the_list_of_codes_to_map_holds_what_still_stands(record: Record) -> None:
    puls = keep.Unmapped("monitor", "local:icu", "PULS", "bpm", "", "", 1, 1, 1)
    other = puls._replace(code="OTHER")
    with record.writing(DOOR, "write", "") as connection:
        keep.note_unmapped(connection, [puls, other])
    write(record, 10 * MINUTE, unknown(80, MINUTE, source_id="a", source="monitor/bed 7"))
    write(
        record,
        10 * MINUTE,
        unknown(80, MINUTE, source_id="b", source="monitors"),
        unknown(1, 5, code="local:icu|OTHER"),
    )

    def listed() -> list[str]:
        return [one.code for one in keep.unmapped(record.connection())]

    assert listed() == ["OTHER", "PULS"]
    # sent again by a door that has the mapping now
    sent(record, 20 * MINUTE, seen(80.0, MINUTE, source_id="a", source="monitor/bed 7", version=1))
    assert listed() == ["OTHER"]
    with record.writing(DOOR, "write", "") as connection:
        keep.mapped(connection, [other])
    assert listed() == []
    write(record, 30 * MINUTE, unknown(82, 3 * MINUTE, source_id="c", source="monitor/bed 7"))
    assert listed() == ["PULS"], "it came unmapped once more"


def test_what_was_refused_for_its_unit_stands_and_waits_for_nobody(record: Record) -> None:
    with record.writing(DOOR, "write", "") as connection:
        keep.note_unmapped(connection, [keep.Unmapped("monitor", "local:icu", "PULS", "bpm", "", "", 1, 1, 1)])
    write(record, 10 * MINUTE, unknown(80, MINUTE, quality=Quality.REFUSED))
    assert keep.unmapped(record.connection()) == []
    assert len(foreign.standing(record.connection(), [one.place for one in reader(record).foreign()])) == 1
