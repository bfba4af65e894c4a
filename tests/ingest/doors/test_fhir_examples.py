"""Every official R4 example is accepted, or refused for the reason that its own JSON shows.

The oracle is a few lines of plain JSON reading here, which know nothing of the door.
"""

import pytest
from tests.ingest.doors.fhir_peers import examples, raw

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.record.entry import Event, Link, Status

COUNTS = {"Observation": 64, "Patient": 22, "Encounter": 10, "MedicationRequest": 40, "MedicationAdministration": 14,
          "Device": 2, "DeviceMetric": 1, "Condition": 12, "Flag": 2, "Consent": 12, "CarePlan": 11}  # fmt: skip
VALUES = ("valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange",
          "valueRatio", "valueSampledData", "valueTime", "valueDateTime", "valuePeriod")  # fmt: skip


@pytest.fixture
def door():
    return FhirDoor("ward", {})


def has_value(holder):
    return any(name in holder for name in VALUES) or "dataAbsentReason" in holder


def reason_against(said):
    """Why an Observation cannot be kept, as its JSON shows; "" where it can."""
    subject = said.get("subject", {})
    if "reference" not in subject:
        return "Observation.subject"
    if not subject["reference"].startswith(("Patient/", "#")):
        return "Observation.subject.reference"
    if any(one["reference"].startswith("Patient/") and one != subject for one in said.get("focus", [])):
        return "Observation.focus[0]"
    timed = any(name.startswith("effective") for name in said) or "issued" in said
    return "" if timed else "Observation.effective"


def values_of(said):
    """(codes, value, unit) of an Observation and its components, read by hand."""
    holders = said.get("component", [])
    if has_value(said) or not (holders or "hasMember" in said):
        holders = [said, *holders]
    found = []
    for holder in holders:
        quantity = holder.get("valueQuantity", {})
        gone = said["status"] in ("entered-in-error", "cancelled")
        value = None if gone else quantity.get("value", holder.get("valueInteger"))
        if not gone and "valueBoolean" in holder:
            value = 1.0 if holder["valueBoolean"] else 0.0
        codes = [one["code"] for one in holder["code"].get("coding", [])] or [holder["code"]["text"]]
        ucum = quantity.get("system") == "http://unitsofmeasure.org"
        unit = quantity["code"] if ucum and "code" in quantity else quantity.get("unit", quantity.get("code", ""))
        found.append((codes, value, unit if quantity and said["status"] != "cancelled" else ""))
    return found


@pytest.mark.parametrize("kind", COUNTS)
def test_the_package_has_the_examples_that_these_claims_are_about(kind):
    assert len(examples(kind)) == COUNTS[kind]


def test_every_observation_gives_the_codes_values_and_units_of_its_json_or_is_refused_for_its_own_reason(door):
    kept = refused = 0
    for name, said in examples("Observation").items():
        decoded = door.decode(raw(said))
        reason = reason_against(said)
        if reason:
            assert [one.place for one in decoded.refused] == [reason], name
            refused += 1
            continue
        assert decoded.refused == (), (name, decoded.refused)
        seen = [([code.code for code in part.codes], part.value, part.unit) for part in decoded.parts]
        assert seen == values_of(said), name
        kept += bool(decoded.parts)
    assert (kept, refused) == (55, 6)


def test_a_panel_whose_values_are_other_resources_says_nothing_itself(door):
    panels = {name for name, said in examples("Observation").items() if not values_of(said)}
    assert panels == {
        "Observation-bgpanel.json",
        "Observation-vitals-panel.json",
        "Observation-example-genetics-4.json",
    }
    for name in panels:
        assert door.decode(raw(examples("Observation")[name])).ignored == ("Observation",)


def test_the_one_that_was_entered_in_error_is_retracted_and_has_no_value(door):
    (part,) = door.decode(raw(examples("Observation")["Observation-f202.json"])).parts
    assert (part.status, part.value) == (Status.RETRACTED, None)


def test_a_pressure_that_was_not_measured_is_absent_with_its_reason(door):
    high, low = door.decode(raw(examples("Observation")["Observation-blood-pressure-dar.json"])).parts
    assert (high.value, high.unit) == (107.0, "mm[Hg]")
    assert (low.value, low.note["absent"]) == (None, "not-performed")


def test_a_cancelled_pressure_leaves_no_value_behind(door):
    parts = door.decode(raw(examples("Observation")["Observation-blood-pressure-cancel.json"])).parts
    assert len(parts) == 2
    assert [part.value for part in parts] == [None, None]
    assert all("absent" in part.note for part in parts)


def test_numbers_of_any_size_that_fhir_allows_are_read(door):
    said = examples("Observation")["Observation-decimal.json"]
    said = {**said, "subject": {"reference": "Patient/1"}, "effectiveDateTime": "2020-01-01T00:00:00Z"}
    values = [part.value for part in door.decode(raw(said)).parts]
    assert values == [component["valueQuantity"]["value"] for component in said["component"]]


@pytest.mark.parametrize(
    "kind, times, kept",
    [
        ("Encounter", ("period",), 3),
        ("MedicationRequest", ("authoredOn",), 40),
        ("MedicationAdministration", ("effectivePeriod", "effectiveDateTime"), 14),
        ("Condition", ("onsetDateTime", "onsetPeriod", "recordedDate"), 10),
        ("Flag", ("period",), 1),
        ("Consent", ("dateTime",), 12),
        ("CarePlan", ("period", "created"), 8),
    ],
)
def test_resources_with_a_time_become_events_and_those_without_are_refused_for_that(door, kind, times, kept):
    count = 0
    for name, said in examples(kind).items():
        decoded = door.decode(raw(said))
        if any(one in said for one in times):
            (event,) = decoded.parts
            assert (event.source_id, event.source) == (f"{kind}/{said['id']}", "fhir:ward"), name
            whom = (said.get("subject") or said.get("patient"))["reference"]
            assert event.subject.identifiers == (("local:ward", whom),), name
            count += 1
        else:
            (refused,) = decoded.refused
            assert (refused.code, refused.seen) == ("required", "no time"), name
    assert count == kept


def test_what_was_given_is_named_although_it_stands_in_a_contained_resource(door):
    for name, said in examples("MedicationAdministration").items():
        (event,) = door.decode(raw(said)).parts
        known = {one["id"]: one for one in said.get("contained", [])}
        concept = said.get("medicationCodeableConcept")
        if concept is None:
            concept = known[said["medicationReference"]["reference"][1:]].get("code", {})
        codes = [[one["system"], one["code"]] for one in concept.get("coding", [])]
        assert event.body["medication"].get("codes", []) == codes, name
        dose = said.get("dosage", {}).get("dose")
        assert event.body.get("dose", {}).get("value") == (dose or {}).get("value"), name
        assert event.status == (Status.RETRACTED if said["status"] == "entered-in-error" else Status.FINAL)


def test_every_patient_is_known_by_its_own_id_and_by_each_number_that_a_system_gives(door):
    for name, said in examples("Patient").items():
        event, *links = door.decode(raw(said)).parts
        numbers = {
            (one["system"], one["value"]) for one in said.get("identifier", []) if {"system", "value"} <= set(one)
        }
        assert set(event.subject.identifiers) == {*numbers, ("local:ward", f"Patient/{said['id']}")}, name
        assert event.body.get("sex") == said.get("gender"), name
        assert event.body.get("birth_date") == said.get("birthDate"), name
        assert event.body.get("deceased") == said.get("deceasedDateTime", said.get("deceasedBoolean")), name
        own = [link for link in links if isinstance(link, Link) and link.alone]
        assert len(own) == (len(event.subject.identifiers) > 1), name  # its id; other numbers join nobody


def test_devices_that_are_with_nobody_are_not_kept(door):
    for kind in ("Device", "DeviceMetric"):
        for said in examples(kind).values():
            decoded = door.decode(raw(said))
            assert (decoded.parts, decoded.refused, decoded.ignored) == ((), (), (kind,))


def test_a_bundle_of_twelve_patients_gives_twelve_persons(door):
    (said,) = (one for one in examples("Bundle").values() if one.get("id") == "b248b1b2-1686-4b94-9936-37d7a5f94b51")
    assert sum(isinstance(part, Event) for part in door.decode(raw(said)).parts) == 12


def test_a_bundle_that_is_an_answer_is_no_message(door):
    for said in examples("Bundle").values():
        if said["type"].endswith("response"):
            with pytest.raises(RefusedError) as caught:
                door.decode(raw(said))
            assert caught.value.refusal.place == "Bundle.type"


def test_no_bundle_of_the_specification_makes_the_door_stumble(door):
    accepted = {}
    for name, said in examples("Bundle").items():
        if said["type"].endswith("response") or len(said["entry"]) > 200:
            continue
        decoded = door.decode(raw(said))
        accepted[name] = len(decoded.parts) + len(decoded.refused) + len(decoded.ignored) > 0
    assert len(accepted) > 25
    assert all(accepted.values()), accepted


def test_a_transaction_with_one_bad_entry_gives_nothing(door):
    said = examples("Bundle")["Bundle-bundle-transaction.json"]
    decoded = door.decode(raw(said))
    assert decoded.parts == ()
    strange = {i for i, one in enumerate(said["entry"]) if one["request"]["method"] in ("GET", "DELETE")}
    conditional = {i for i in strange if "?" in said["entry"][i]["request"]["url"] or i in (6, 7)}
    assert {int(one.place.split("[")[1].split("]")[0]) for one in decoded.refused} <= strange | conditional
