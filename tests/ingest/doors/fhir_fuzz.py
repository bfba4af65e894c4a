"""Guided fuzzing of the FHIR decoder, in a process of its own: python tests/ingest/doors/fhir_fuzz.py"""

import contextlib
import json
import sys

import atheris

with atheris.instrument_imports(include=["caretwin.ingest.doors"]):
    from caretwin.ingest.decoded import RefusedError
    from caretwin.ingest.doors.fhir.door import FhirDoor

DOOR = FhirDoor("fuzz", {})
SEED = (
    '{"resourceType":"Bundle","type":"batch","entry":[{"resource":{"resourceType":"Observation","id":"1","status":"final",'
    '"code":{"text":"x"},"subject":{"reference":"Patient/1"},"effectiveDateTime":"2024-01-01T00:00:00Z",'
    '"valueQuantity":{"value":1}},"request":{"method":"PUT","url":"Observation/1"}}]}'
)


def one_input(data: bytes) -> None:
    provider = atheris.FuzzedDataProvider(data)
    at, keep = provider.ConsumeIntInRange(0, len(SEED)), provider.ConsumeIntInRange(0, len(SEED))
    noise = provider.ConsumeBytes(provider.remaining_bytes())
    for text in (data, SEED[:at].encode() + noise + SEED[keep:].encode()):
        with contextlib.suppress(RefusedError):
            DOOR.decode(text)


if __name__ == "__main__":
    json.loads(SEED)
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
