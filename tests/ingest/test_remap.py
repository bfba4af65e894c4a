"""What came before its code was mapped becomes what it would have been, had the mapping been there."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from tests.ingest.doors.hl7v2_lines import door, intake_of, obx, oru, reader

from caretwin.base.time import from_microseconds
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping, Rule
from caretwin.ingest.remap import plan, remap
from caretwin.ingest.translate import Translator
from caretwin.record.access import operator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Batch, Identifier, Observation, Stored, SubjectRef
from caretwin.record.record import Record
from caretwin.record.store import keep

NOW = 1_709_280_000_000_000
RULES = CodeMapping(
    [
        Rule("", "local:LAB", "KREA", "", "creatinine"),
        Rule("", "local:LAB", "PULS", "", "heart_rate", "/min"),
        Rule("", "local:LAB", "GLUC", "", "glucose"),
        Rule("", "local:LAB", "NOISE", "", "ignore"),
    ]
)
NO_RULES = CodeMapping([])
RAW = oru(
    obx("88.4", code="KREA^Kreatinin^L", unit="umol/L", sub="1"),
    obx("<18", "ST", code="KREA^Kreatinin^L", unit="umol/L", sub="2"),
    obx("88", code="PULS^Puls^L", unit="Schl", sub="3"),
    obx("900", code="PULS^Puls^L", unit="/min", sub="4"),
    obx("37", code="GLUC^Glucose^L", unit="mm[Hg]", sub="5"),
    obx("unruhig", "ST", code="PULS^Puls^L", unit="", sub="6"),
    obx("3", code="NOISE^Noise^L", unit="dB", sub="7"),
    obx("4", code="ELSE^Something^L", unit="dB", sub="8"),
)


def by(rules: CodeMapping):
    return lambda door: rules


def said(record: Record) -> list[tuple[object, ...]]:
    """All that stands, with what makes two observations the same."""
    (subject,) = reader(record).subjects()
    found: list[Stored] = [one for one in reader(record).changes(0) if one.subject == subject.key]
    gone = {row[0] for row in record.connection().query("SELECT sequence FROM superseded")}
    return sorted(
        (one.code, one.unit, one.source, one.effective, str(one.value), one.quality,
         str(sorted((name, text) for name, text in one.note.items() if name != "mapped_from")))
        for one in found if one.sequence not in gone
    )  # fmt: skip


def mapped_from_the_start(folder: Path) -> list[tuple[object, ...]]:
    folder.mkdir()
    with intake_of(folder, door()) as (intake, record):
        own = Intake(intake.door, record, intake._writer, Translator("test", RULES), intake.clock)
        assert asyncio.run(own.accept(RAW)).result == "accepted"
        return said(record)


def test_what_is_mapped_later_is_value_for_value_what_it_would_have_been(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        intake.accept_now(RAW)
        intake.flush()
        assert len(keep.unmapped(record.connection())) > 5
        found = plan(record, operator(), by(RULES))
        assert (found.values, found.left) == (6, 1)
        assert remap(record, operator(), by(RULES), lambda: NOW) == 6
        assert said(record) == mapped_from_the_start(tmp_path / "other")
        assert [one.code for one in keep.unmapped(record.connection())] == ["ELSE"]


def test_before_it_is_done_it_is_told_what_each_code_becomes_and_nothing_is_written(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        intake.accept_now(RAW)
        intake.flush()
        last = reader(record).newest()
        changes = {(one.code, one.unit): one for one in plan(record, operator(), by(RULES)).changes}
        assert reader(record).newest() == last
    creatinine, beats = changes["local:LAB|KREA", "umol/L"], changes["local:LAB|PULS", "/min"]
    assert (creatinine.channel, creatinine.values, creatinine.unusable) == ("creatinine", 2, 0)
    assert (beats.channel, beats.values, beats.unusable) == ("heart_rate", 1, 1)
    assert beats.never is not None and "outside" in beats.never.reason
    wrong = changes["local:LAB|GLUC", "mm[Hg]"]
    assert (wrong.channel, wrong.unusable) == ("", 1) and wrong.never is not None and "pressure" in wrong.never.reason
    assert (changes["local:LAB|NOISE", "dB"].channel, changes["local:LAB|NOISE", "dB"].values) == ("ignore", 0)


def test_a_second_time_and_the_same_message_again_change_nothing(tmp_path):
    with intake_of(tmp_path, door()) as (intake, record):
        intake.accept_now(RAW)
        intake.flush()
        remap(record, operator(), by(RULES), lambda: NOW)
        once = said(record)
        assert remap(record, operator(), by(RULES), lambda: NOW + 1) == 0
        assert plan(record, operator(), by(RULES)).changes == []
        own = Intake(intake.door, record, intake._writer, Translator("test", RULES), intake.clock)
        for sender in (intake, own):  # a door that does not know the mapping yet, and one that does
            outcome = asyncio.run(sender.accept(RAW))
            assert outcome.receipt is not None and outcome.receipt.duplicates == 8
            assert said(record) == once


def test_a_unit_that_could_not_be_read_is_mended_by_a_rule_with_a_unit(tmp_path):
    known = CodeMapping([Rule("", "local:LAB", "PULS", "", "heart_rate")])
    with intake_of(tmp_path, door()) as (intake, record):
        own = Intake(intake.door, record, intake._writer, Translator("test", known), intake.clock)
        asyncio.run(own.accept(oru(obx("88", code="PULS^Puls^L", unit="Schl"))))
        assert [one[5] for one in said(record)] == [Quality.REFUSED]
        assert plan(record, operator(), by(known)).changes == [], "the same rule says the same"
        assert remap(record, operator(), by(RULES), lambda: NOW) == 1
        assert [(one[0], one[4], one[5]) for one in said(record)] == [("heart_rate", "88.0", Quality.GOOD)]


@pytest.mark.parametrize("ahead_s", [1, 3600])
def test_a_time_that_had_not_come_when_it_came_is_not_believed_later(tmp_path, ahead_s):
    with intake_of(tmp_path, door()) as (intake, record):
        at = from_microseconds(intake.clock() + ahead_s * 1_000_000)
        intake.accept_now(oru(obx("88", code="PULS^Puls^L", unit="/min", time=f"{at:%Y%m%d%H%M%S}+0000")))
        remap(record, operator(), by(RULES), lambda: NOW)
        ((code, *_, quality, note),) = said(record)
    assert code == "heart_rate" and quality == (Quality.REFUSED if ahead_s > 900 else Quality.GOOD)
    assert ("ahead of its receipt" in note) == (ahead_s > 900)


def test_a_rule_for_another_door_maps_nothing(tmp_path):
    other = CodeMapping([Rule("pump", "", "PULS", "", "heart_rate")])
    with intake_of(tmp_path, door()) as (intake, record):
        intake.accept_now(RAW)
        assert remap(record, operator(), by(other), lambda: NOW) == 0
        assert remap(record, operator(), by(NO_RULES), lambda: NOW) == 0


def pulse_as(channel: str) -> CodeMapping:
    return CodeMapping([Rule("", "local:LAB", "PULS", "", channel, "/min")])


@pytest.mark.parametrize("name", ["a", ""], ids=["with a name", "without a name"])
def test_a_mapping_that_was_corrected_corrects_what_it_had_mapped(tmp_path, name):
    whom = SubjectRef((Identifier("urn:hospital", "4711"),))
    sent = Observation(whom, "local:LAB|PULS", NOW, 40.0, "test", name, 1, unit="/min", note={"method": "cuff"})
    never = replace(sent, value=900.0, source_id=f"{name}2" if name else "", effective=NOW + 1)
    with intake_of(tmp_path, door()) as (_, record):
        record.append(operator(), [Batch((sent, never), NOW, "me")])
        for number, channel in enumerate(["respiratory_rate", "heart_rate", "respiratory_rate", "heart_rate"]):
            assert plan(record, operator(), by(pulse_as(channel))).values == 2
            assert remap(record, operator(), by(pulse_as(channel)), lambda n=number: NOW + n) == 2
            assert plan(record, operator(), by(pulse_as(channel))).changes == []
            found = said(record)
            assert [(one[0], one[4], one[5]) for one in found] == [
                (channel, "40.0", Quality.GOOD), (channel, "900.0", Quality.REFUSED),
            ]  # fmt: skip
            assert all("cuff" in str(one[6]) for one in found)
        record.append(operator(), [Batch((sent, never), NOW + 9, "me")])
        assert said(record) == found, "sent again as it came it says nothing new"


def test_a_correction_is_by_what_the_source_said_and_not_by_what_it_was_taken_for(tmp_path):
    def sugar(unit: str) -> CodeMapping:
        return CodeMapping([Rule("", "local:LAB", "GLUC", "", "glucose", unit)])

    with intake_of(tmp_path, door()) as (intake, record):
        intake.accept_now(oru(obx("90", code="GLUC^Glucose^L", unit="")))
        remap(record, operator(), by(sugar("mmol/L")), lambda: NOW)
        ((_, _, _, _, wrong, refused, _),) = said(record)
        assert refused == Quality.REFUSED
        assert remap(record, operator(), by(sugar("mm[Hg]")), lambda: NOW + 1) == 1
        assert [one[0] for one in said(record)] == ["local:LAB|GLUC"], "a pressure is no glucose: as it came"
        assert remap(record, operator(), by(sugar("mm[Hg]")), lambda: NOW + 2) == 0
        assert remap(record, operator(), by(sugar("mg/dL")), lambda: NOW + 3) == 1
        ((code, _, _, _, value, quality, note),) = said(record)
    assert code == "glucose" and quality == Quality.GOOD and "trouble" not in note and value != wrong
