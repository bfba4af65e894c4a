"""Real messages of other people: what happens to each, and that what is read is what stands in the file.

Sources: microsoft/FHIR-Converter (MIT) and LinuxForHealth (Apache-2.0); kept outside the repository.
"""

import pytest
from tests.ingest.doors.hl7v2_lines import NOW, door, intake_of, reader
from tests.paths import shared

from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import CodedValue, RefusedError
from caretwin.ingest.doors.hl7v2.answer import answer
from caretwin.record.entry import Link, Status

SAMPLES = shared("data", "interop", "hl7v2")

# What is kept, where something is refused, and what is none of ours. The refused ones, and why that is right:
#   A41          an account moves from one person to another: somebody has to look
#   ORU-R01-01   a day without a time of day, of another day than its order; two numbers in one OBX
#   ORU-multi..  lines of a report without a code
#   OUL-R2x      two numbers in one OBX; days without a time of day
#   RDS-O13      dispensed on a day, without a time of day
#   SIU_12       says that it is an ADT^A60; two numbers in one OBX
EXPECTED = {
    "ADT-A01-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A02-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A03-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A04-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A05-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A06-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A07-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A08-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A09-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A10-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A11-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A13-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A14-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A15-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A16-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A25-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A26-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A27-02": ({"person": 1, "encounter": 1}, [], []),
    "ADT-A28-02": ({"person": 1}, [], []),
    "ADT-A29-02": ({"person": 1}, [], []),
    "ADT-A31-02": ({"person": 1}, [], []),
    "ADT-A40-02": ({"link": 2}, [], []),
    "ADT-A41-02": ({}, ["MRG[1]-1"], []),
    "ADT-A45-02": ({}, [], ["ADT^A45: accounts and visits of one person"]),
    "ADT-A47-02": ({"link": 2}, [], []),
    "ADT-A60-02": ({"person": 1}, [], []),
    "ADT01-28": ({"person": 1, "encounter": 1}, [], []),
    "ADT04-251": ({"person": 1, "encounter": 1}, [], []),
    "BAR-P01-01": ({}, [], ["BAR^P01"]),
    "BAR-P02-01": ({}, [], ["BAR^P02"]),
    "BAR-P12-01": ({}, [], ["BAR^P12"]),
    "DFT-P03-01": ({}, [], ["DFT^P03"]),
    "DFT-P11-01": ({}, [], ["DFT^P11"]),
    "IZ_1_1.1_Admin_Child_Max_Message": ({}, [], ["VXU^V04"]),
    "LAB-ORU-1": ({"value": 8}, [], ["a result that is awaited"]),
    "LRI_2.0-NG_CBC_Typ_Message": ({"value": 28}, [], []),
    "MDHHS-OML-O21-2": ({}, [], ["OML^O21"]),
    "MDM-T01-02": ({}, [], ["MDM^T01"]),
    "MDM-T02-02": ({}, [], ["MDM^T02"]),
    "MDM-T05-01": ({}, [], ["MDM^T05"]),
    "MDM-T06-01": ({}, [], ["MDM^T06"]),
    "MDM-T09-01": ({}, [], ["MDM^T09"]),
    "MDM-T10-01": ({}, [], ["MDM^T10"]),
    "MDM_01": ({"person": 1, "encounter": 1}, [], []),
    "OMG-O19-02": ({}, [], ["OMG^O19"]),
    "OML-O21-02": ({}, [], ["ORM^O01"]),
    "ORM-O01-01": ({}, [], ["ORM^O01"]),
    "ORM-O01-03": ({}, [], ["ORM^O01"]),
    "ORM-O01-05": ({}, [], ["ORM^O01"]),
    "ORU-R01-01": ({}, ["OBX[3]-14", "OBX[5]-5"], ["OBX of type RP", "OBX of type ED"]),
    "ORU-multiline-short-mixed": ({"value": 1}, ["OBX[3]-3", "OBX[4]-3"], []),
    "ORU-multiline-short": ({}, ["OBX[2]-3", "OBX[3]-3"], []),
    "OUL-R22-01": ({}, ["OBX[1]-5", "OBX[2]-14"], ["OBX of type ED", "OBX of type RP"]),
    "OUL-R23-01": ({}, ["OBX[1]-14", "OBX[2]-14"], ["OBX of type ED", "OBX of type RP"]),
    "OUL-R24-01": ({}, ["OBX[1]-14", "OBX[3]-14"], ["OBX of type ED", "OBX of type RP"]),
    "PC1-Problem-Add-v2.3.1": ({}, [], ["PPR^PC1"]),
    "PC1-Problem-Update-v2.3.1": ({}, [], ["PPR^PC2"]),
    "RDE-O11-02": ({"person": 1, "medication_request": 2}, [], []),
    "RDE-O25-02": ({"person": 1, "medication_request": 2}, [], []),
    "RDS-O13-02": ({"person": 1}, ["RXD[1]-3", "RXD[2]-3"], []),
    "REF-I12-02": ({}, [], ["REF^I12"]),
    "REF-I14-02": ({}, [], ["REF^I14"]),
    "SIU-S12-02": ({}, [], ["SIU^S12"]),
    "SIU-S13-01": ({}, [], ["SIU^S13"]),
    "SIU-S14-01": ({}, [], ["SIU^S14"]),
    "SIU-S15-01": ({}, [], ["SIU^S15"]),
    "SIU-S16-01": ({}, [], ["SIU^S16"]),
    "SIU-S17-01": ({}, [], ["SIU^S17"]),
    "SIU-S26-01": ({}, [], ["SIU^S26"]),
    "SIU_12": ({"person": 1}, ["OBX[1]-5"], []),
    "VXU-V04-02": ({}, [], ["VXU^V04"]),
    "sample_unix": ({"person": 1, "encounter": 1, "value": 1}, [], []),
    "sample_win": ({"person": 1, "encounter": 1, "value": 1}, [], []),
}  # fmt: skip


def decoded(name: str):
    """As a site in London would that takes test messages in; the samples are of many processing ids."""
    return door(zone="Europe/London", processing="PDT").decode((SAMPLES / f"{name}.hl7").read_bytes(), "")


def test_every_sample_is_in_the_table():
    assert sorted(path.stem for path in SAMPLES.glob("*.hl7")) == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_what_happens_to_each_sample(name):
    kept, refused, ignored = EXPECTED[name]
    found = decoded(name)
    parts = [part for part in found.parts if not (isinstance(part, Link) and part.agreeing)]  # numbers of PID-3
    kinds = ["value" if isinstance(p, CodedValue) else "link" if isinstance(p, Link) else p.kind for p in parts]
    assert {kind: kinds.count(kind) for kind in kinds} == kept
    assert [one.place for one in found.refused] == refused
    assert list(found.ignored) == ignored


@pytest.mark.parametrize("name", EXPECTED)
def test_each_sample_is_answered_as_it_was_kept(name, tmp_path):
    kept, refused, _ = EXPECTED[name]
    raw = (SAMPLES / f"{name}.hl7").read_bytes()
    made = door(zone="Europe/London", processing="PDT")
    with intake_of(tmp_path, made) as (intake, record):
        outcome = intake.accept_now(raw)
        assert outcome.result == ("accepted" if not refused else "partly" if kept else "refused")
        written = [
            one for one in (outcome.receipt.sequences if outcome.receipt else ()) if one
        ]  # 0: one person already
        assert len(written) == sum(kept.values())
        assert len(reader(record).subjects()) == (2 if "link" in kept else 1 if kept else 0)
        told = answer(raw, outcome, NOW, 1)
        again = intake.accept_now(raw)
    wanted = "E" if outcome.result == "refused" else "A"
    assert told.code in (f"A{wanted}", f"C{wanted}", "")
    if outcome.receipt and "link" not in kept:
        assert again.receipt.duplicates == sum(kept.values())  # sent twice, kept once


@pytest.mark.parametrize("name", EXPECTED)
def test_a_live_site_refuses_the_samples_that_are_tests(name):
    raw = (SAMPLES / f"{name}.hl7").read_bytes()
    letter = raw.decode("utf-8-sig").splitlines()[0].split("|")[10]
    if letter == "P":
        door(zone="Europe/London").decode(raw, "")
    else:
        with pytest.raises(RefusedError) as caught:
            door(zone="Europe/London").decode(raw, "")
        assert caught.value.refusal.place == "MSH[1]-11"


# Held against the files by eye ----------------------------------------------------------------------------------------


def rows(name: str) -> list[tuple[str, float | None, str, str, Status]]:
    return [
        (one.codes[0].code, one.value, one.unit, from_microseconds(one.effective).isoformat(), one.status)
        for one in decoded(name).parts
    ]


def test_a_blood_count_is_read_as_it_stands():
    early, late = "2014-10-05T23:27:00+00:00", "2014-10-06T01:30:00+00:00"  # 06:27 and 08:30 at +0700
    assert rows("LAB-ORU-1") == [
        ("11273-0", 4.06, "tera.l-1", early, Status.PRELIMINARY), ("20570-8", 40.1, "%", late, Status.PRELIMINARY),
        ("11125-2", 221.0, "giga.l-1", late, Status.FINAL), ("23761-0", 72.0, "%", early, Status.PRELIMINARY),
        ("26450-7", 2.0, "%", early, Status.PRELIMINARY), ("26478-8", 20.0, "%", early, Status.PRELIMINARY),
        ("26485-3", 6.0, "%", early, Status.PRELIMINARY), ("30180-4", 0.0, "%", early, Status.PRELIMINARY),
    ]  # fmt: skip
    assert {one.subject.identifiers for one in decoded("LAB-ORU-1").parts} == {(("1", "10006579"),)}


def test_a_laboratory_report_of_the_national_institute_is_read_as_it_stands():
    found = decoded("LRI_2.0-NG_CBC_Typ_Message").parts
    assert {one.subject.identifiers for one in found} == {(("NIST MPI", "PATID1234"),)}
    assert {from_microseconds(one.effective).isoformat() for one in found} == {"2011-01-03T22:34:28+00:00"}  # -0800
    assert {from_microseconds(one.version).isoformat() for one in found} == {"2011-01-05T01:00:28+00:00"}  # OBR-22
    numbers = [(one.codes[0].code, one.value, one.unit) for one in found if one.value is not None]
    assert len(numbers) == 19
    assert numbers[:5] == [
        ("26453-1", 4.41, "10*6/uL"), ("718-7", 12.5, "g/mL"), ("20570-8", 41.0, "%"),
        ("26464-8", 105600.0, "{cells}/uL"), ("26515-7", 210000.0, "{cells}/uL"),
    ]  # fmt: skip
    words = {one.codes[0].code: one.note["text"] for one in found if one.value is None}
    assert words["38892-6"] == "Present ++ out of ++++"
    assert words["11156-7"] == "Reactive morphology in lymphoid cells."
    assert len({one.source_id for one in found}) == 28


def test_an_admission_is_read_as_it_stands():
    person, stay, same = decoded("ADT-A03-02").parts
    assert same.agreeing and {*same.subject.identifiers, *same.other.identifiers} == {*person.subject.identifiers}
    assert person.subject.identifiers == (("test1", "PATID1234"), ("USSSA#SS", "123456789"))
    assert (person.body["sex"], person.body["birth_date"]) == ("male", "1988-08-18")
    assert [one["code"] for one in person.body["race"]] == ["2106-3", "2028-9"]
    assert person.body["death"] == "2008-08-25T10:01:30+00:00"  # 11:16:30 at +0115
    assert from_microseconds(stay.effective).isoformat() == "2015-02-08T10:24:19+00:00"  # 11:34:19 at +0110
    assert from_microseconds(stay.stop).isoformat() == "2015-02-09T10:24:19+00:00"
    assert stay.body["location"] == {
        "point_of_care": "HUH AE OMU", "room": "OMU B", "bed": "Bed 03", "facility": "HOMERTON UNIVER",
    }  # fmt: skip


def test_an_order_for_an_infusion_is_read_as_it_stands():
    _, first, second = decoded("RDE-O11-02").parts
    (dosage,) = first.body["dosage"]
    assert dosage["dose"] == {"value": 5.0, "unit": "mg/hr"}
    assert dosage["rate"] == {"value": 23.0, "unit": "mL/hr"}
    assert from_microseconds(first.effective).isoformat() == "2019-11-04T08:15:00+00:00"  # 10:30 at +0215
    assert from_microseconds(first.stop).isoformat() == "2019-11-04T09:15:00+00:00"
    assert first.body["medication"]["codes"][0][1] == "0143963401"
    assert second.body["dosage"][0]["dose"]["value"] == 8.0
    assert second.body["medication"]["codes"][0][1] == "2669"


def test_two_merges_are_read_as_they_stand():
    found = decoded("ADT-A40-02").parts
    assert [(one.subject.identifiers[0].value, one.other.identifiers[0].value) for one in found] == [
        ("12345", "56789"), ("145", "569"),
    ]  # fmt: skip
