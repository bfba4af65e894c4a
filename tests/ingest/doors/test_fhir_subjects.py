"""Whom a message is about: one person stays one, whatever reference names it."""

import pytest
from tests.ingest.doors.fhir_peers import raw
from tests.ingest.doors.test_fhir_observation import PULSE, changed, one, refused

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.record.entry import Event, Identifier, Link
from caretwin.record.identifiers import NHS_NUMBER

NHS = {"system": NHS_NUMBER, "value": "943 476 5919"}
STATUS = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus"


def patient(**more):
    return {
        "resourceType": "Patient",
        "id": "7",
        "identifier": [NHS],
        "gender": "female",
        "birthDate": "1950-04",
        **more,
    }


def bundle(*entries, kind="collection"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def decoded(said, **settings):
    return FhirDoor("ward", settings).decode(raw(said))


def numbers(part):
    return set(part.subject.identifiers)


def test_an_id_is_a_number_of_the_doors_own_house():
    assert numbers(one(PULSE)) == {Identifier("local:ward", "Patient/7")}


def test_an_absolute_reference_to_the_base_is_the_same_person_and_to_another_server_is_not():
    here = one(changed(subject={"reference": "https://ehr.example/fhir/Patient/7"}), base="https://ehr.example/fhir/")
    short = one(PULSE, base="https://ehr.example/fhir")
    there = one(changed(subject={"reference": "https://other.example/fhir/Patient/7"}), base="https://ehr.example/fhir")
    assert numbers(here) == numbers(short) == {Identifier("https://ehr.example/fhir", "Patient/7")}
    assert numbers(there) == {Identifier("https://other.example/fhir", "Patient/7")}


def test_a_version_of_a_person_is_the_person():
    assert numbers(one(changed(subject={"reference": "Patient/7/_history/3"}))) == numbers(one(PULSE))


def test_a_reference_within_the_bundle_brings_all_numbers_of_the_person():
    uuid = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    said = bundle({"resource": changed(subject={"reference": uuid})}, {"fullUrl": uuid, "resource": patient()})
    pulse = decoded(said).parts[0]
    assert numbers(pulse) == {Identifier(NHS_NUMBER, "9434765919"), Identifier("local:ward", "Patient/7")}


def test_an_address_that_the_bundle_does_not_have_is_refused():
    found = refused(changed(subject={"reference": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"}))
    assert (found.place, found.code) == ("Observation.subject.reference", "not-found")


def test_a_contained_person_needs_a_number_by_which_others_can_refer_to_it():
    inside = changed(subject={"reference": "#x"}, contained=[{"resourceType": "Patient", "id": "x"}])
    assert refused(inside).code == "not-found"
    inside["contained"][0]["identifier"] = [NHS]
    assert numbers(one(inside)) == {Identifier(NHS_NUMBER, "9434765919")}


def test_a_logical_and_a_conditional_reference_name_the_person_by_number():
    logical = one(changed(subject={"identifier": NHS}))
    conditional = one(changed(subject={"reference": f"Patient?identifier={NHS_NUMBER}|9434765919"}))
    assert numbers(logical) == numbers(conditional) == {Identifier(NHS_NUMBER, "9434765919")}


def test_a_wrong_check_digit_is_refused_without_repeating_the_number():
    wrong = {"system": NHS_NUMBER, "value": "9434765918"}
    for found in (refused(changed(subject={"identifier": wrong})), refused(patient(identifier=[wrong]))):
        assert "check digit" in found.seen
        assert "9434765918" not in str(found)


def test_a_number_that_was_not_verified_names_nobody():
    doubtful = {**NHS, "extension": [{"url": STATUS, "valueCodeableConcept": {"coding": [{"code": "02"}]}}]}
    event, *links = decoded(patient(identifier=[doubtful])).parts
    assert numbers(event) == {Identifier("local:ward", "Patient/7")}
    assert (event.body["nhs_number_verification"], links) == ("02", [])


def test_a_patient_links_its_numbers_and_the_nhs_number_is_the_one_that_stays():
    event, link = decoded(patient()).parts
    assert isinstance(event, Event) and isinstance(link, Link)
    assert event.body == {"sex": "female", "birth_date": "1950-04"}
    assert link.subject.identifiers == (Identifier(NHS_NUMBER, "9434765919"),)
    assert link.other.identifiers == (Identifier("local:ward", "Patient/7"),)


def test_names_and_addresses_of_people_are_not_kept():
    said = patient(name=[{"family": "Nightingale"}], address=[{"city": "Derby"}], telecom=[{"value": "01332"}])
    assert "Nightingale" not in repr(decoded(said)) and "Derby" not in repr(decoded(said))


@pytest.mark.parametrize("kind, kept, gone", [("replaces", "7", "8"), ("replaced-by", "8", "7")])
def test_a_record_that_replaces_another_takes_over_its_person(kind, kept, gone):
    said = patient(identifier=[], link=[{"other": {"reference": "Patient/8"}, "type": kind}])
    _, link = decoded(said).parts
    assert (link.subject.identifiers[0].value, link.other.identifiers[0].value) == (
        f"Patient/{kept}",
        f"Patient/{gone}",
    )


def test_see_also_does_not_make_two_people_one():
    said = patient(identifier=[], link=[{"other": {"reference": "Patient/8"}, "type": "seealso"}])
    assert len(decoded(said).parts) == 1


@pytest.mark.parametrize("reference", ["Group/herd", "Device/pump", "Practitioner/1"])
def test_what_is_about_no_person_and_no_place_is_refused(reference):
    assert refused(changed(subject={"reference": reference})).code == "not-supported"


def test_a_location_is_a_place_and_a_patient_of_a_home_a_resident():
    assert one(changed(subject={"reference": "Location/room-4"})).subject.kind == "place"
    assert one(PULSE, people="resident").subject.kind == "resident"


def test_a_person_that_nothing_names_is_refused():
    assert refused({"resourceType": "Patient", "gender": "male"}).place == "Patient.id"


def test_a_device_metric_is_about_whom_its_device_is_with():
    device = {"resourceType": "Device", "id": "d", "patient": {"reference": "Patient/7"}}
    metric = {
        "resourceType": "DeviceMetric", "id": "m", "type": {"text": "heart rate"}, "category": "measurement",
        "source": {"reference": "Device/d"},
    }  # fmt: skip
    parts = decoded(bundle({"resource": metric}, {"resource": device})).parts
    assert [part.kind for part in parts] == ["device_metric", "device"]
    assert numbers(parts[0]) == {Identifier("local:ward", "Patient/7")}


def test_a_dose_that_was_not_given_is_not_counted_as_one_that_was():
    said = {
        "resourceType": "MedicationAdministration", "id": "a", "status": "not-done",
        "subject": {"reference": "Patient/7"},
        "medicationCodeableConcept": {"text": "vancomycin"}, "effectiveDateTime": "2024-03-01T06:00:00Z",
    }  # fmt: skip
    assert decoded(said).parts[0].kind == "medication_not_given"
    assert decoded({**said, "status": "completed"}).parts[0].kind == "medication_administration"


def test_a_condition_that_was_ruled_out_is_absent():
    said = {
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/7"}, "code": {"text": "sepsis"},
        "onsetDateTime": "2024-03", "verificationStatus": {"coding": [{"code": "refuted"}]},
    }  # fmt: skip
    (event,) = decoded(said).parts
    assert (event.status.name, event.body["precision"]) == ("RETRACTED", "month")


def test_a_bundle_of_a_kind_that_is_no_message_is_refused():
    with pytest.raises(RefusedError):
        decoded(bundle(kind="history"))
