"""A sender of FHIR Bundles: from plain values to resources, and on to a server (FHIR R4, sections 2.36 and 10.1).

The replay of recorded stays uses it, and the tests: it knows nothing of the door but the standard.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal, NamedTuple

import httpx
import orjson
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from caretwin.base.time import EPOCH
from caretwin.ingest.decoded import LOINC, UCUM, Code

MEDIA = "application/fhir+json"
TRIES, FIRST_WAIT_S, LONGEST_WAIT_S, TIMEOUT_S = 6, 0.2, 10.0, 60.0
Resource = dict[str, Any]


class Answer(NamedTuple):
    """A server's answer: HTTP status, and its body as JSON (None for none)."""

    status: int
    body: Any


def iso(at: int) -> str:
    """A time (us) as FHIR writes it.

    >>> iso(1_500_000)
    '1970-01-01T00:00:01.500000+00:00'
    """
    return (EPOCH + timedelta(microseconds=at)).isoformat()


def patient(
    id: str, identifiers: Sequence[tuple[str, str]] = (), sex: str | None = None, birth_date: str | None = None
) -> Resource:
    """A Patient; identifiers as (system, value)."""
    said = {
        "resourceType": "Patient",
        "id": id,
        "identifier": [{"system": system, "value": value} for system, value in identifiers],
        "gender": sex,
        "birthDate": birth_date,
    }
    return _some(said)


def observation(
    id: str,
    subject: str,
    code: str | Sequence[Code],
    at: int,
    value: float | None,
    unit: str = "",
    *,
    status: str = "final",
    issued: int | None = None,
    components: Sequence[tuple[str, float, str]] = (),
    absent: str = "",
) -> Resource:
    """An Observation of one number, or of components.

    subject     a reference, such as ``"Patient/123"``
    code        a LOINC code, or all codings
    at, issued  when it was true, and published (us)
    unit        UCUM
    components  (LOINC code, value, unit), such as the two pressures of a cuff
    absent      why there is no value, a code of data-absent-reason
    """
    said = {
        "resourceType": "Observation",
        "id": id,
        "status": status,
        "code": _concept(code),
        "subject": {"reference": subject},
        "effectiveDateTime": iso(at),
        "issued": iso(issued) if issued is not None else None,
        "valueQuantity": quantity(value, unit) if value is not None else None,
        "dataAbsentReason": _absent(absent) if absent else None,
        "component": [
            {"code": _concept(one), "valueQuantity": quantity(number, its_unit)} for one, number, its_unit in components
        ],
    }
    return _some(said)


def administration(
    id: str,
    subject: str,
    medication: str | Sequence[Code],
    start: int,
    stop: int | None = None,
    dose: tuple[float, str] | None = None,
    rate: tuple[float, str] | None = None,
    *,
    status: str = "completed",
) -> Resource:
    """A MedicationAdministration.

    medication   its name, or its codings; start, stop  us, stop None for a bolus
    dose, rate   (value, UCUM unit): how much in all, and how fast
    """
    when = {"effectivePeriod": {"start": iso(start), "end": iso(stop)}} if stop else {"effectiveDateTime": iso(start)}
    what = {"text": medication} if isinstance(medication, str) else _concept(medication)
    dosage = _some(
        {"dose": quantity(*dose) if dose else None, "rateQuantity": quantity(*rate) if rate else None},
    )
    said = {
        "resourceType": "MedicationAdministration",
        "id": id,
        "status": status,
        "medicationCodeableConcept": what,
        "subject": {"reference": subject},
        **when,
        "dosage": dosage,
    }
    return _some(said)


def quantity(value: float, unit: str) -> Resource:
    """A Quantity in a UCUM unit; without one where ``unit`` is ""."""
    return {"value": value} | ({"unit": unit, "system": UCUM, "code": unit} if unit else {})


def bundle(resources: Iterable[Resource], kind: Literal["transaction", "batch"] = "batch", id: str = "") -> bytes:
    """Resources as the bytes of a Bundle that writes each under its own id."""
    entries = [
        {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
        for one in resources
    ]
    return orjson.dumps(_some({"resourceType": "Bundle", "id": id, "type": kind, "entry": entries}))


class Sender:
    """Posts to one FHIR server. Use it as a context.

    base  such as ``"http://127.0.0.1:8401/fhir"``; token  "" for none
    """

    def __init__(self, base: str, token: str = "") -> None:
        headers = {"content-type": MEDIA, "accept": MEDIA} | ({"authorization": f"Bearer {token}"} if token else {})
        self.base = base.rstrip("/")
        self._client = httpx.AsyncClient(headers=headers, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)

    async def post(self, raw: bytes) -> Answer:
        """Send a Bundle. A server that is busy or away is asked again, which is harmless: every resource has an id."""
        return await self.send("POST", "", raw)

    async def put(self, resource: Resource) -> Answer:
        """Send one resource under its id."""
        return await self.send("PUT", f"/{resource['resourceType']}/{resource['id']}", orjson.dumps(resource))

    async def delete(self, name: str) -> Answer:
        """Take a resource back; ``name`` is Type/id."""
        return await self.send("DELETE", f"/{name}", b"")

    async def send(self, method: str, path: str, raw: bytes) -> Answer:
        """One request, again where the server is busy or away. Raises an error of httpx after the last try."""
        async for attempt in AsyncRetrying(
            stop=stop_after_attempt(TRIES),
            wait=wait_random_exponential(FIRST_WAIT_S, LONGEST_WAIT_S),
            retry=retry_if_exception(_worth_it),
            reraise=True,
        ):
            with attempt:
                response = await self._client.request(method, f"{self.base}{path}", content=raw)
                if response.status_code in (429, 502, 503, 504):
                    response.raise_for_status()
        return Answer(response.status_code, orjson.loads(response.content) if response.content else None)

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def __aenter__(self) -> Sender:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _worth_it(problem: BaseException) -> bool:
    return isinstance(problem, httpx.TransportError | httpx.HTTPStatusError)


def _concept(code: str | Sequence[Code]) -> Resource:
    codes = [Code(LOINC, code)] if isinstance(code, str) else code
    return {"coding": [_some({"system": one.system, "code": one.code, "display": one.display}) for one in codes]}


def _absent(code: str) -> Resource:
    return {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": code}]}


def _some(said: Resource) -> Resource:
    return {name: one for name, one in said.items() if one not in (None, "", [], {})}
