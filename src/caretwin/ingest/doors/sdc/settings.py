"""The settings of the SDC door: which devices, how they are reached, and whose things are that they give to nobody."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.door import Setting, given
from caretwin.ingest.doors.sdc.place import PLACE, parse_location
from caretwin.record.entry import SubjectKind, SubjectRef
from caretwin.record.identifiers import identifier

SETTINGS = (
    Setting("provider", "address of one device, https://host:port/path: no search then", ""),
    Setting("interface", "our IPv4 address on the devices' network, for the search", ""),
    Setting("endpoints", 'endpoint references of wanted devices, such as ["urn:uuid:..."]; ["*"] is all', ()),
    Setting("location", 'where the wanted devices stand: "fac=H1, poc=ICU, bed=7"; parts may be left out', ""),
    Setting("tls", "folder with userkey.pem, usercert.pem and cacert.pem; empty: plain HTTP", "", path=True),
    Setting("subject", 'whose values are that a device gives to nobody: "system|number" of a bed or a person', ""),
    Setting("subject_kind", '"place" for a bed; "patient" only where the device is always that person\'s', "place"),
    Setting("waveforms", "keep real-time samples as events; else they are counted and dropped", False),
    Setting("demo", "take values of a device in demonstration or test mode for values", False),
    Setting("expected_s", "s between values of a continuous signal whose device does not say", 5.0),
    Setting("check_s", "s between looks at whether the subscriptions still hold", 5.0),
    Setting("search_s", "s between searches for new devices", 30.0),
    Setting("answer_s", "s that devices have to answer a search; a device may wait 0.5 s before it does", 3.0),
    Setting("retry_s", "longest pause (s) between attempts to connect", 30.0),
    Setting("validate", "check the devices' XML by its schema; off only for a device that is known to break it", True),
)  # fmt: skip
KINDS = ("place", "patient", "resident")


@dataclass(frozen=True)
class Choice:
    """The settings, read. location  parts by name; fixed  whose things are that a device gives to nobody."""

    provider: str
    interface: str
    endpoints: tuple[str, ...]
    location: Mapping[str, str]
    tls: str
    fixed: SubjectRef | None
    waveforms: bool
    demo: bool
    expected_s: float
    check_s: float
    search_s: float
    answer_s: float
    retry_s: float
    validate: bool


def choice(name: str, settings: Mapping[str, Any]) -> Choice:
    """The settings of the door ``name``. Raises DataError for what is wrong in them."""
    said = given(SETTINGS, settings)
    said["fixed"] = _fixed(name, str(said.pop("subject")), str(said.pop("subject_kind")))
    said["location"] = _location(name, str(said["location"]))
    said["endpoints"] = tuple(map(str, said["endpoints"]))
    for one in ("expected_s", "check_s", "search_s", "answer_s", "retry_s"):
        said[one] = _positive(name, one, said[one])
    found = Choice(**said)
    _devices(name, found)
    return found


def _devices(name: str, found: Choice) -> None:
    if found.provider:
        if not found.provider.startswith(("http://", "https://")):
            raise _wrong(name, f"provider = {found.provider!r}", "https://host:port/path", "write the whole address")
        return
    if not found.interface:
        raise _wrong(
            name, "neither provider nor interface", "one of them",
            "write the address of the device, or our own address on its network",
        )  # fmt: skip
    if not found.endpoints and not found.location:
        raise _wrong(
            name, "no choice of devices", "endpoints or location",
            'name the devices, or the place where they stand; endpoints = ["*"] takes every device that answers',
        )  # fmt: skip


def _fixed(name: str, text: str, kind: str) -> SubjectRef | None:
    if kind not in KINDS:
        raise _wrong(name, f"subject_kind = {kind!r}", " or ".join(KINDS), "write one of them")
    if not text:
        return None
    system, bar, value = text.rpartition("|")
    if not bar:
        raise _wrong(name, "a subject without a system", '"system|number"', 'write such as "urn:our-beds|icu-7"')
    known: SubjectKind = "place" if kind == "place" else "patient" if kind == "patient" else "resident"
    return SubjectRef((identifier(system, value),), known)


def _location(name: str, text: str) -> dict[str, str]:
    try:
        return parse_location(text)
    except ValueError as problem:
        raise _wrong(
            name, f"location = {text!r}", "parts such as fac=H1, bed=7", f"use the names {', '.join(PLACE)}"
        ) from problem


def _positive(name: str, setting: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 0:
        raise _wrong(name, f"{setting} = {value!r}", "a number of seconds above 0", "write such as 5.0")
    return float(value)


def _wrong(name: str, seen: str, wanted: str, fix: str) -> DataError:
    return DataError(f"door {name} (sdc)", seen=seen, wanted=wanted, fix=fix)
