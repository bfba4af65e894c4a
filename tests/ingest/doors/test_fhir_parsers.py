"""Two parsers that agree: what the fast one accepts, the full one accepts too, and both say the same."""

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.doors.fhir_peers import examples, raw
from tests.ingest.doors.test_fhir_observation import PULSE, pressure

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.fhir.names import House, name_of
from caretwin.ingest.doors.fhir.observation import observed
from caretwin.ingest.doors.fhir.parse import fast, full
from caretwin.ingest.doors.fhir.subject import Scope

HOUSE = House("", "local:ward", "fhir:ward")


def said_by(resource):
    """Parts, or the reason why there are none."""
    try:
        return observed(resource, name_of(resource, "Observation"), Scope(HOUSE))
    except RefusedError as problem:
        return problem.refusal


def slowly(text):
    try:
        return said_by(full(text, "Observation"))
    except RefusedError as problem:
        return problem.refusal


def check(text):
    """True when the fast parser was sure."""
    resource = fast(text)
    if resource is None:
        return False
    said, slow = said_by(resource), slowly(text)
    if isinstance(said, Refusal):  # the full one says why, and it does not accept it either
        assert isinstance(slow, Refusal)
        return False
    assert said == slow
    return True


def test_they_agree_on_every_official_observation_and_the_fast_one_is_sure_of_many():
    sure = [name for name, said in examples("Observation").items() if check(raw(said))]
    assert len(sure) >= 20
    assert {
        "Observation-heart-rate.json",
        "Observation-blood-pressure.json",
        "Observation-satO2.json",
        "Observation-f001.json",
    } <= set(sure)


def test_the_fast_one_is_sure_of_what_monitors_send():
    plain = {**PULSE, "text": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">88</div>'},
             "meta": {"versionId": "1", "lastUpdated": "2024-03-01T06:10:05Z", "profile": ["https://example.org/p"]},
             "category": [{"coding": [{"system": "urn:c", "code": "vital-signs", "display": "Vital Signs"}]}],
             "performer": [{"reference": "Practitioner/3"}], "device": {"reference": "Device/9"}}  # fmt: skip
    assert check(raw(PULSE)) and check(raw(plain)) and check(raw(pressure(("8480-6", 120), ("8462-4", 70))))


def test_the_fast_one_is_unsure_of_what_it_does_not_know():
    for more in (
        {"extension": [{"url": "urn:x", "valueString": "y"}]}, {"_status": {"id": "s"}}, {"note": [{"text": "n"}]},
        {"status": " final"}, {"id": "a b"}, {"valueString": "two"}, {"subject": {"display": ""}},
        {"valueQuantity": {"value": 1, "comparator": "<"}},
    ):  # fmt: skip
        assert not check(raw({**PULSE, **more})), more
    untyped = {name: one for name, one in PULSE.items() if name != "resourceType"}
    assert not check(raw({**untyped, "value": "p1"}))  # one text too few and one too many
    for more in ({"effectivePeriod": {"start": "2024-03-01"}}, {"effectiveInstant": "2024-03-01T06:10:00Z"}):
        assert not check(raw({**PULSE, **more})), more  # FHIR's choice of one
    bare = {name: one for name, one in PULSE.items() if name != "valueQuantity"}
    for more in ({"valueTime": "25:00:00"}, {"valueDateTime": "soon"}, {"valuePeriod": {"start": "soon"}}):
        assert not check(raw({**bare, **more})), more
    assert fast(raw(PULSE).replace(b'"status"', b'"status": "amended", "status"')) is None


words = st.sampled_from(["", " ", "final", "amended", "a b", "a  b", "8867-4", "/min", "Patient/7", "#x", "2024-03-01",
                         "2024-03-01T06:10:00Z", "2024-03-01T06:10:60.123456789+14:00", "2024-13-01", "\u0000", "\\",
                         '"', "é", "urn:x", "http://loinc.org", "http://unitsofmeasure.org", "<"])  # fmt: skip
leaves = st.one_of(words, st.none(), st.booleans(), st.integers(-(2**40), 2**40), st.floats(allow_nan=False),
                   st.text(max_size=6), st.just([]), st.just({}))  # fmt: skip
KEYS = ("id", "status", "value", "unit", "code", "system", "display", "text", "coding", "reference", "comparator",
        "valueString", "valueBoolean", "valueInteger", "valueQuantity", "valueCodeableConcept", "dataAbsentReason",
        "effectiveDateTime", "effectiveInstant", "effectivePeriod", "issued", "start", "end", "component", "subject",
        "interpretation", "method", "specimen", "device", "meta", "versionId", "lastUpdated", "unheard", "_value",
        "hasMember", "identifier", "contained", "extension", "category", "performer", "valueRange")  # fmt: skip


@st.composite
def mutated(draw):
    """An Observation with up to three elements changed, added or removed somewhere."""
    said = copy.deepcopy(draw(st.sampled_from([PULSE, pressure(("8480-6", 120), ("8462-4", 70))])))
    for _ in range(draw(st.integers(0, 3))):
        spots = [(holder, key) for holder in holders(said) for key in keys(holder)]
        holder, key = draw(st.sampled_from(spots))
        action = draw(st.sampled_from(["change", "add", "remove", "wrap"]))
        if action == "change":
            holder[key] = draw(leaves)
        elif action == "add" and isinstance(holder, dict):
            holder[draw(st.sampled_from(KEYS))] = draw(leaves | st.just(copy.deepcopy(holder[key])))
        elif action == "remove":
            del holder[key]
        elif action == "wrap":
            holder[key] = [holder[key]]
        if not said:
            break
    return said


def holders(said):
    if isinstance(said, dict | list):
        yield said
        for one in said.values() if isinstance(said, dict) else said:
            yield from holders(one)


def keys(holder):
    return list(holder) if isinstance(holder, dict) else list(range(len(holder)))


@settings(max_examples=1500)
@given(mutated(), st.sampled_from([None, 2]), st.booleans())
def test_they_agree_on_whatever_becomes_of_an_observation(said, indent, escaped):
    check(json.dumps(said, indent=indent, ensure_ascii=escaped).encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["final", "preliminary", "amended", "entered-in-error", "cancelled"]),
    st.datetimes().map(lambda at: at.isoformat(timespec="milliseconds") + "Z"),
    st.text("abcXYZ-.0189", min_size=1, max_size=64),
)
def test_whatever_number_a_monitor_sends_at_whatever_time_arrives_as_it_is(value, status, at, id):
    said = {**PULSE, "id": id, "status": status, "effectiveDateTime": at}
    said["valueQuantity"] = {**PULSE["valueQuantity"], "value": value}
    text = raw(said)
    assert check(text)
    (part,) = slowly(text)
    assert part.value == (None if status in ("entered-in-error", "cancelled") else value)
