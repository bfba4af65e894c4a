"""Rates of drugs and fluids from medication administrations: what is said is converted, what is not is not guessed."""

import asyncio
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st
from tests.ingest.doors.hl7v2_lines import PID, message
from tests.ingest.doors.hl7v2_lines import decoded as decoded_hl7
from tests.ingest.doors.site import site

from caretwin.ingest.decoded import Decoded
from caretwin.ingest.doors.fhir.door import FhirDoor
from caretwin.ingest.infusion_drugs import Drug, drug_of, drugs
from caretwin.ingest.infusions import with_settings
from caretwin.record.bedside import Quality, channels
from caretwin.record.entry import Event, Identifier, Observation, Status, SubjectRef
from caretwin.twin.living.course import MINUTE, minute_of
from caretwin.twin.living.record import TWIN, course_of

WHO = SubjectRef((Identifier("mrn", "7"),))
AT, HOUR = 1_700_000_000_000_000, 3_600_000_000
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def given(text="norepinephrine", *, stop=None, kind="medication_administration", held=Status.FINAL, version=1, **body):
    """An administration that runs; ``held`` is the event's status, the others are of its body."""
    codes = body.pop("codes", [])
    body = {"medication": {"text": text, "codes": codes}, "status": "in-progress"} | body
    return Event(WHO, kind, AT, "pharmacy", body, stop, "dose-1", version, held)


def quantity(value, unit, **more):
    return {"value": value, "unit": unit, **more}


def told(event, weight_kg=80.0):
    """Settings that hold, by part; and the reasons why there are none."""
    found, more = with_settings(event, lambda subject: weight_kg)
    kept = {one.source_id.partition("#")[2]: one for one in more if one.status != Status.RETRACTED}
    return kept, list(found.body.get("findings", ()))


def rate(event, weight_kg=80.0):
    kept, reasons = told(event, weight_kg)
    assert not reasons
    return kept["rate"].code, kept["rate"].value


@pytest.mark.parametrize(
    ("event", "channel", "value"),
    [
        (given(rate=quantity(0.1, "ug/kg/min")), "norepinephrine", 0.1),
        (given(rate=quantity(8, "mcg/min")), "norepinephrine", 0.1),
        (given(rate=quantity(0.48, "mg/h")), "norepinephrine", 0.1),
        (given("Propofol 10 mg/mL emulsion", rate=quantity(25, "mcg/kg/min")), "propofol", 1.5),
        (given("Propofol", rate=quantity(200, "mg/h")), "propofol", 2.5),
        (given("insulin regular", rate=quantity(0.02, "units/min")), "insulin", 1.2),
        (given("Insulin (Actrapid)", rate=quantity(3, "units/h")), "insulin", 3.0),
        (given("vasopressin", rate=quantity(0.03, "units/min")), "vasopressin", 1.8),
        (given("fentanyl", rate=quantity(1, "ug/kg/h")), "fentanyl", 80.0),
        (given("Sodium chloride 0.9% infusion", rate=quantity(125, "mL/h")), "crystalloid", 125.0),
        (given("Hartmann's solution", rate=quantity(2, "mL/min")), "crystalloid", 120.0),
        (given("Dextrose 5% in water", rate=quantity(100, "mL/h")), "parenteral_glucose", 25.23 / 60),
        (given("rocuronium", rate=quantity(10, "ug/kg/min")), "neuromuscular_block", 1.0),
        # a ratio, a dose that is per time, a dose over a period
        (given("midazolam", rate={"numerator": quantity(6, "mg"), "denominator": quantity(2, "h")}), "midazolam", 3.0),
        (given("midazolam", dose=quantity(5, "mg/hr")), "midazolam", 5.0),
        (given("Sodium chloride 0.9%", dose=quantity(500, "mL"), stop=AT + HOUR // 2), "crystalloid", 1000.0),
        # by its code alone; by code and words
        (given("", codes=[[RXNORM, "7512"]], rate=quantity(0.1, "ug/kg/min")), "norepinephrine", 0.1),
        (given("Noradrenalin", codes=[["http://www.whocc.no/atc", "C01CA03"]], rate=quantity(8, "ug/min")),
         "norepinephrine", 0.1),
        (given("", codes=[["https://dmd.nhs.uk", "387423006"]], rate=quantity(200, "mg/h")), "propofol", 2.5),
    ],
)  # fmt: skip
def test_a_rate_is_told_in_the_unit_of_its_channel(event, channel, value):
    found = rate(event)
    assert found == (channel, pytest.approx(value, rel=1e-3))


BAG = [{"text": "norepinephrine", "kind": "additive", "amount": quantity(4, "mg")},
       {"text": "glucose 5%", "kind": "base", "amount": quantity(250, "mL")}]  # fmt: skip


@pytest.mark.parametrize(
    "made_of",
    [
        {"ingredients": BAG},
        {"ingredients": [{"text": "norepinephrine", "amount": {"numerator": quantity(16, "ug"),
                                                               "denominator": quantity(1, "mL")}}]},
        {"strength": quantity(4, "mg"), "strength_volume": quantity(250, "mL")},
        {"strength": quantity(16, "ug/mL")},
    ],
)  # fmt: skip
def test_a_rate_of_volume_becomes_one_of_the_drug_by_a_concentration_that_is_stated(made_of):
    """30 mL/h of 16 ug/mL are 8 ug/min, for 80 kg 0.1 ug/kg/min."""
    assert rate(given(rate=quantity(30, "mL/h"), **made_of)) == ("norepinephrine", pytest.approx(0.1))


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (given("Norepinephrine 1 mg/mL injection", rate=quantity(30, "mL/h")), "without the concentration"),
        (given("norepinephrine"), "no rate"),
        (given(dose=quantity(4, "mg")), "no rate"),
        (given(rate=quantity(5, "mmol/h")), "wanted"),
        (given(rate=quantity(5, "")), "without a number or a unit"),
        (given(rate=quantity(5, "ug/min", comparator="<")), "a bound"),
        (given(rate={"text": "fast"}), "no rate"),
        (given(rate=quantity(1e308, "kg/min")), "a number without end"),
        (given(rate={"numerator": quantity(1e308, "mg"), "denominator": quantity(1e-9, "h")}), "without end"),
        (given(rate=quantity(8, "ug/min"), route={"text": "inhaled", "codes": []}), "not into a vein"),
        (given("Lidocaine 1% with epinephrine", rate=quantity(8, "ug/min")), None),
        (given("Epinephrine 1:200,000 with lidocaine", rate=quantity(8, "ug/min")), "another way in, or a mixture"),
        (given("midazolam and fentanyl", rate=quantity(5, "mL/h")), "two drugs"),
        (given("fentanyl", codes=[[RXNORM, "7512"]], rate=quantity(8, "ug/min")), "different drugs"),
        (given("Sodium chloride 3%", rate=quantity(30, "mL/h")), None),
        (given("Vancomycin", rate=quantity(1, "g/h")), None),
    ],
)  # fmt: skip
def test_what_is_not_said_is_not_guessed(event, reason):
    kept, reasons = told(event)
    assert kept == {}
    assert (reasons == []) if reason is None else (reason in reasons[0])


def test_an_endless_number_is_no_rate_of_anybody_whose_weight_is_not_known():
    said = {"numerator": quantity(1e308, "ug"), "denominator": quantity(1e-9, "min")}
    assert told(given(rate=said), weight_kg=None)[0] == {}


def test_without_a_body_weight_a_rate_that_needs_it_is_kept_and_refused_for_use():
    kept, reasons = told(given(rate=quantity(8, "ug/min")), weight_kg=None)
    assert (kept["rate"].quality, kept["rate"].value, kept["rate"].unit) == (Quality.REFUSED, 8.0, "ug/min")
    assert kept["rate"].code not in channels()
    assert kept["rate"].note["trouble"].startswith("no body weight")
    assert not reasons
    assert rate(given(rate=quantity(0.1, "ug/kg/min")), weight_kg=None) == ("norepinephrine", pytest.approx(0.1))


def test_an_impossible_rate_is_refused_for_use():
    kept, _ = told(given(rate=quantity(50, "ug/kg/min")))
    assert kept["rate"].quality == Quality.REFUSED


def test_an_infusion_that_has_ended_is_no_longer_set_and_the_next_bag_counts_at_once():
    kept, _ = told(given(rate=quantity(8, "ug/min"), stop=AT + HOUR, status="completed"))
    assert (kept["stop"].value, kept["stop"].note["absent"]) == (None, "not set")
    assert AT < kept["stop"].effective < AT + HOUR, "what begins at the end of this one is later"
    running, _ = told(given(rate=quantity(8, "ug/min")))
    assert set(running) == {"rate"}


def test_an_infusion_on_hold_ran_until_somebody_said_so_at_the_latest():
    kept, _ = told(given(rate=quantity(8, "ug/min"), request="R1"))
    assert kept["rate"].note["order"] == "R1"
    kept, _ = told(given(rate=quantity(8, "ug/min"), version=AT + HOUR, status="on-hold"))
    assert (kept["stop"].quality, kept["stop"].effective) == (Quality.SUSPECT, AT + HOUR - 1)
    done = given(rate=quantity(8, "ug/min"), version=AT + HOUR, status="completed")
    assert told(done)[0] == {}, "how long a dose took that was completed at some time, nobody knows"
    assert "without until when" in told(done)[1][0]


@pytest.mark.parametrize(
    ("text", "route", "channel"),
    [
        ("insulin aspart", "subcutaneous", "insulin_subcutaneous_rapid"), ("Lantus", "SC", "insulin_subcutaneous_long"),
        ("Lantus (insulin glargine)", "SC", "insulin_subcutaneous_long"), ("insulin regular", "IV", "insulin_bolus"),
        ("insulin", "Intravenous", "insulin_bolus"),
    ],
)  # fmt: skip
def test_a_single_dose_of_insulin_is_told_by_the_way_it_went(text, route, channel):
    event = given(text, dose=quantity(6, "units"), status="completed", route={"text": route, "codes": []})
    kept, reasons = told(event)
    assert not reasons
    assert (kept["dose"].code, kept["dose"].value) == (channel, 6.0)


@pytest.mark.parametrize(
    ("text", "route"), [("insulin aspart", ""), ("insulin", "SC"), ("NovoMix 30", "SC"), ("insulin aspart mix", "SC")]
)
def test_a_dose_of_insulin_of_an_unknown_kind_or_way_is_an_event_only(text, route):
    body = {"route": {"text": route, "codes": []}} if route else {}
    assert told(given(text, dose=quantity(6, "units"), status="completed", **body))[0] == {}


def test_an_order_is_no_administration():
    event = given(rate=quantity(8, "ug/min"), kind="medication_request")
    assert with_settings(event) == (event, [])


NUMBERS = st.floats() | st.integers() | st.none()
UNITS = st.sampled_from(["mg/h", "mL/h", "ug/kg/min", "mL", "mg", "units", "h", "%", "", "{x}", "mg/mL"]) | st.text(
    max_size=8
)
QUANTITIES = st.fixed_dictionaries({}, optional={"value": NUMBERS, "unit": UNITS, "comparator": st.just("<")})
RATIOS = st.fixed_dictionaries({"numerator": QUANTITIES, "denominator": st.none() | QUANTITIES})
DRUGS = st.sampled_from(["norepinephrine", "insulin aspart", "lantus", "dextrose 5%", "rocuronium", "propofol", "x"])
BODIES = st.fixed_dictionaries(
    {"medication": st.fixed_dictionaries({"text": DRUGS})},
    optional={
        "rate": QUANTITIES | RATIOS, "dose": QUANTITIES, "strength": QUANTITIES, "strength_volume": QUANTITIES,
        "status": st.sampled_from(["completed", "stopped", "in-progress", "on-hold"]),
        "route": st.fixed_dictionaries({"text": st.sampled_from(["IV", "SC", "by mouth", ""])}),
        "ingredients": st.lists(st.fixed_dictionaries({"text": DRUGS, "amount": QUANTITIES | RATIOS | st.none(),
                                                       "kind": st.sampled_from(["base", "additive"])}), max_size=3),
    },
)  # fmt: skip


@given_any(BODIES, st.none() | st.integers(AT - 5, AT + HOUR), st.sampled_from([None, 0.0, 80.0]))
@settings(max_examples=600, deadline=None)
def test_whatever_a_message_says_of_a_dose_it_is_kept(body, stop, weight_kg):
    event = Event(WHO, "medication_administration", AT, "pharmacy", body, stop, "dose-1", 1)
    found, more = with_settings(event, lambda subject: weight_kg)
    assert found.kind == event.kind
    assert all(isinstance(one, Observation) for one in more)


def test_a_bag_that_fhir_describes_by_its_ingredients_gives_a_rate_of_the_drug():
    strength = {"numerator": {"value": 4, "unit": "mg"}, "denominator": {"value": 250, "unit": "mL"}}
    bag = {"resourceType": "Medication", "id": "bag", "code": {"text": "Norepinephrine 4 mg in 250 mL"},
           "ingredient": [{"itemCodeableConcept": {"text": "norepinephrine"}, "strength": strength}]}  # fmt: skip
    (event,) = [one for one in fhir(rate={"value": 30, "unit": "mL/h"}, contained=bag).parts if isinstance(one, Event)]
    assert rate(event) == ("norepinephrine", pytest.approx(0.1))


def test_every_drug_of_the_table_is_a_channel_and_found_by_its_own_names():
    for drug in drugs():
        named = {channel for channel in (drug.channel, drug.vein, drug.skin) if channel}
        assert named and named <= set(channels())
        for name in drug.names:
            found = drug_of({"text": name.title(), "codes": []})
            assert isinstance(found, Drug), name
            assert (found.channel, found.skin) == (drug.channel, drug.skin), name


def test_no_code_is_of_two_drugs():
    codes = [code for drug in drugs() for code in drug.codes]
    assert len(codes) == len(set(codes))


# through the doors into a record -------------------------------------------------------------------------------------


def fhir(*args, **more):
    return FhirDoor("ward", {}).decode(json.dumps(administered(*args, **more)).encode(), "application/fhir+json")


def administered(status="in-progress", end=None, value=0.1, at="2024-03-01T06:15:00Z", rate=None, contained=None):
    period = {"start": "2024-03-01T06:10:00Z"} | ({"end": end} if end else {})
    said = {
        "resourceType": "MedicationAdministration", "id": "a1", "status": status, "meta": {"lastUpdated": at},
        "subject": {"identifier": {"system": "https://north.example/mrn", "value": "7"}}, "effectivePeriod": period,
        "dosage": {"rateQuantity": rate or {"value": value, "unit": "ug/kg/min"}},
    }  # fmt: skip
    if contained is None:
        coding = {"system": RXNORM, "code": "7512", "display": "norepinephrine"}
        said["medicationCodeableConcept"] = {"coding": [coding]}
    else:
        said |= {"contained": [contained], "medicationReference": {"reference": "#" + contained["id"]}}
    return said


def hl7(action="A", rate="0.1 ug/kg/min", end="20240301070000+0000"):
    rxa = f"RXA|0|1|20240301061000+0000|{end}|7512^Norepinephrine^RXNORM|999|mg|||||{rate}" + "|" * 8 + f"CP|{action}"
    header = r"MSH|^~\&|PHARM|NORTH|TWIN|WARD|20240301061500+0000||RAS^O17|R1|P|2.5.1"
    return decoded_hl7(message(header, PID, "ORC|RE|P5|F6", rxa))


def test_both_doors_say_the_same_of_the_same_infusion():
    found = []
    for said in (fhir("completed", "2024-03-01T07:00:00Z"), hl7()):
        (event,) = [part for part in said.parts if isinstance(part, Event) and part.kind != "person"]
        found.append((event.kind, event.effective, event.stop, event.body["status"], event.body["rate"],
                      event.body["medication"]["codes"]))  # fmt: skip
        kept, _ = told(event)
        found[-1] += ((kept["rate"].code, kept["rate"].value, kept["rate"].effective, kept["stop"].effective),)
    assert found[0] == found[1]


def written(tmp_path, *messages: Decoded):
    """Settings that hold in a record after messages, in order of time."""
    tmp_path.mkdir(exist_ok=True)
    with site(FhirDoor("ward", {}), tmp_path) as one:

        async def take():
            for said in messages:
                outcome = await one.intake.accept_decoded(said)
                assert outcome.result == "accepted"

        asyncio.run(take())
        people = [subject.key for subject in one.reading.subjects()]
        series = [series for key in people for series in one.reading.series(key, list(channels()))]
        return [(found.code, *(None if value != value else value for value in found.value)) for found in series]


def test_an_infusion_enters_the_record_as_a_setting_that_ends(tmp_path):
    first, last = fhir(), fhir("completed", "2024-03-01T07:00:00Z", at="2024-03-01T07:01:00Z")
    assert written(tmp_path, first, last) == [("norepinephrine", 0.1, None)]


def seen_at(minutes, folder, *messages):
    """What a twin's course knows of norepinephrine up to ``minutes`` after AT, told at AT + 6 min; qualities."""
    with site(FhirDoor("ward", {}), folder, lambda: AT + 6 * MINUTE) as one:
        for said in messages:
            assert asyncio.run(one.intake.accept_decoded(Decoded((said,)))).result == "accepted"
        (key,) = [subject.key for subject in one.reading.subjects()]
        (series,) = one.reading.series(key, ["norepinephrine"])
        course = course_of(one.record.reading(TWIN), key, None)
        return course.latest("norepinephrine", minute_of(AT + minutes * MINUTE)), [*series.quality]


def test_an_end_that_lies_ahead_waits_for_its_time(tmp_path):
    running = given(rate=quantity(0.1, "ug/kg/min"), stop=AT + HOUR)
    (_, now), qualities = seen_at(6, tmp_path, running)
    assert (now, qualities) == (0.1, [Quality.GOOD, Quality.GOOD])
    assert math.isnan(seen_at(61, tmp_path, running)[0][1])


@pytest.mark.parametrize("stop", [None, AT + 3 * HOUR])
def test_a_rate_that_begins_ahead_is_refused_for_use_and_its_end_with_it(tmp_path, stop):
    begun = replace(given(rate=quantity(0.9, "ug/kg/min")), source_id="dose-2", effective=AT + 2 * HOUR, stop=stop)
    (_, rate), qualities = seen_at(600, tmp_path, given(rate=quantity(0.1, "ug/kg/min")), begun)
    assert (rate, qualities[0]) == (0.1, Quality.GOOD)
    assert {*qualities[1:]} == {Quality.REFUSED} and len(qualities) == (2 if stop is None else 3)


def test_a_corrected_administration_corrects_its_rate(tmp_path):
    assert written(tmp_path, fhir(), fhir(value=0.2, at="2024-03-01T06:20:00Z")) == [("norepinephrine", 0.2)]


@pytest.mark.parametrize("named", [True, False])
def test_two_bags_with_requests_of_their_own_inside_add_up(tmp_path, named):
    with site(FhirDoor("ward", {}), tmp_path) as one:
        for number in (1, 2):
            said = administered(value=0.1 * number)
            inside = {"resourceType": "MedicationRequest", "id": "rx", "status": "active", "intent": "order",
                      "subject": said["subject"], "medicationCodeableConcept": {"text": "norepinephrine"}}  # fmt: skip
            said |= {"contained": [inside], "request": {"reference": "#rx"}}
            said["id"] = f"a{number}"
            raw = {name: value for name, value in said.items() if named or name != "id"}
            assert one.intake.accept_now(json.dumps(raw).encode()).result == "accepted"
        (key,) = [subject.key for subject in one.reading.subjects()]
        course = course_of(one.record.reading(TWIN), key, None)
        orders = {event.body["request"] for event in one.reading.events(key)}
    assert course.latest("norepinephrine")[1] == pytest.approx(0.3)
    assert len(orders) == 2 and all(order.endswith("#rx") for order in orders)


def test_an_end_that_was_an_error_is_taken_back(tmp_path):
    ended, on = fhir("completed", "2024-03-01T07:00:00Z"), fhir(at="2024-03-01T07:20:00Z")
    assert written(tmp_path, ended, on) == [("norepinephrine", 0.1)]


@pytest.mark.parametrize("status", ["entered-in-error", "not-done"])
def test_an_administration_that_was_not_takes_its_rate_with_it(status, tmp_path):
    gone = fhir(status, "2024-03-01T07:00:00Z", at="2024-03-01T08:00:00Z")
    assert written(tmp_path, fhir("completed", "2024-03-01T07:00:00Z"), gone) == []


def test_a_deleted_administration_of_hl7_takes_its_rate_with_it(tmp_path):
    assert written(tmp_path / "a", hl7()) == [("norepinephrine", 0.1, None)]
    assert written(tmp_path / "b", hl7(), hl7("D")) == []


def test_a_rate_that_can_no_longer_be_read_is_taken_back(tmp_path):
    unreadable = hl7("U", rate="fast")
    assert written(tmp_path, hl7(), unreadable) == []


def test_a_sender_is_told_the_numbers_of_its_own_parts_in_their_order(tmp_path):
    """A FHIR server answers every entry of a Bundle with its number; settings come after them."""
    (first,) = fhir().parts
    second = Event(first.subject, "flag", AT, first.source, {"code": "x"}, None, "Flag/1", 1)
    with site(FhirDoor("ward", {}), tmp_path) as one:
        outcome = asyncio.run(one.intake.accept_decoded(Decoded((first, second))))
        (key,) = [subject.key for subject in one.reading.subjects()]
        stored = {event.kind: event.sequence for event in one.reading.events(key)}
    assert outcome.receipt.sequences == (stored["medication_administration"], stored["flag"])
    assert outcome.receipt.subjects == (key, key)


def test_observations_of_an_event_name_it():
    for one in with_settings(given(rate=quantity(0.1, "ug/kg/min"), version=5, held=Status.CORRECTED))[1]:
        assert one.source_id.startswith("dose-1#")
        assert (one.version, one.source, one.subject) == (5, "pharmacy", WHO)
