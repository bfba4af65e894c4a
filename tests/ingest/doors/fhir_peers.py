"""The official FHIR R4 examples (HL7, package hl7.fhir.r4.examples 4.0.1, CC0), fetched when first needed."""

import json
import subprocess
import tarfile
from functools import cache
from typing import Any

import pytest
from tests.paths import ROOT

FETCH = ROOT / "scripts" / "fhir_examples.sh"
READ = ("Observation", "Patient", "Encounter", "MedicationRequest", "MedicationAdministration", "Device",
        "DeviceMetric", "Condition", "Flag", "Consent", "CarePlan", "Bundle")  # fmt: skip


@cache
def _texts() -> dict[str, bytes]:
    done = subprocess.run([str(FETCH)], capture_output=True, text=True, timeout=300)
    if done.returncode:
        return {}
    with tarfile.open(done.stdout.strip()) as archive:
        names = {name: m for m in archive if (name := m.name.removeprefix("package/")).startswith(READ)}
        return {name: archive.extractfile(member).read() for name, member in names.items() if name.endswith(".json")}


def examples(kind: str) -> dict[str, Any]:
    """Examples of a kind of resource by file name, as plain JSON."""
    if not _texts():
        pytest.skip("no official FHIR examples: scripts/fhir_examples.sh could not fetch them")
    found = {name: json.loads(text) for name, text in _texts().items() if name.startswith(f"{kind}-")}
    return {name: one for name, one in found.items() if one["resourceType"] == kind}


def raw(said: Any) -> bytes:
    return json.dumps(said).encode()
