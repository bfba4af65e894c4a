"""Whatever the bytes, decoding ends with parts or with a refusal, and with nothing else."""

import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ingest.doors.fhir_peers import examples, raw
from tests.ingest.doors.test_fhir_observation import PULSE
from tests.ingest.doors.test_fhir_parsers import KEYS, holders, keys, leaves, mutated
from tests.ingest.doors.test_fhir_subjects import patient
from tests.paths import ROOT

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.fhir.door import FhirDoor

FUZZ = Path(__file__).parent / "fhir_fuzz.py"
KINDS = ("Observation", "Patient", "Encounter", "MedicationRequest", "MedicationAdministration", "Device",
         "DeviceMetric", "Condition", "Flag", "Consent", "CarePlan", "Bundle", "Medication", "Claim", "")  # fmt: skip
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


def decode(text):
    try:
        decoded = FhirDoor("ward", {"zone": "Europe/London"}).decode(text)
    except RefusedError:
        return
    assert decoded.parts or decoded.refused or decoded.ignored or b"Bundle" in text


@given(st.binary(max_size=200))
def test_bytes(text):
    decode(text)


@settings(max_examples=300)
@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(KEYS), anything, max_size=6))
def test_resources_of_anything(kind, said):
    decode(raw({"resourceType": kind, **said}))


@settings(max_examples=1200)
@given(st.data())
def test_official_examples_with_elements_changed(data):
    kinds = [kind for kind in KINDS[:11] if examples(kind)]
    known = examples(data.draw(st.sampled_from(kinds)))
    said = copy.deepcopy(known[data.draw(st.sampled_from(sorted(known)))])
    said.pop("text", None)
    for _ in range(data.draw(st.integers(1, 3))):
        holder, key = data.draw(st.sampled_from([(one, key) for one in holders(said) for key in keys(one)]))
        if key != "resourceType":
            holder[key] = data.draw(leaves | st.just([holder[key]]) | st.just({"extension": [{"url": "urn:x"}]}))
    decode(raw(said))


@settings(max_examples=200)
@given(mutated(), anything, st.sampled_from(["transaction", "batch", "collection"]))
def test_bundles_of_anything(said, odd, kind):
    entries = [{"fullUrl": "urn:uuid:1", "resource": patient()}, {"resource": said}, odd, {"resource": odd}]
    entries += [{"resource": said, "request": {"method": "PUT", "url": "Observation/p1"}}]
    decode(raw({"resourceType": "Bundle", "type": kind, "entry": entries}))


@settings(max_examples=200)
@given(st.integers(0, 400), st.binary(min_size=1, max_size=3))
def test_a_message_that_was_cut_or_overwritten(at, noise):
    text = raw(PULSE)
    decode(text[:at])
    decode(text[:at] + noise + text[at + len(noise) :])


@pytest.mark.parametrize("start", [b"", b'{"resourceType":"Patient","extension":', b'{"a":',
                                   b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":'])  # fmt: skip
def test_a_million_levels(start):
    for bomb in (start + b"[" * 10**6, start + b'{"a":' * 10**6):
        with pytest.raises(RefusedError):
            FhirDoor("ward", {}).decode(bomb)


@pytest.mark.slow
def test_ten_seconds_of_guided_fuzzing_find_nothing():
    pytest.importorskip("atheris")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [sys.executable, str(FUZZ), "-max_total_time=10", "-verbosity=0", "-rss_limit_mb=0"]
    done = subprocess.run(command, cwd=ROOT / ".cache", env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr[-3000:]
