"""Guided fuzzing of a decoder, in a process of its own: python tests/ingest/doors/door_fuzz.py DOOR [OPTION...].

Whatever the bytes: parts or a refusal, within a few seconds, and without keeping hold of memory. A target is a function
of bytes; its seeds are messages that it understands, into which the fuzzer writes.
"""

import contextlib
import json
import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import atheris

with atheris.instrument_imports(include=["caretwin.ingest"]):
    from tests.paths import ROOT

    from caretwin.ingest.decoded import RefusedError
    from caretwin.ingest.doors.bacnet.door import BacnetDoor
    from caretwin.ingest.doors.dicom.listener import names_of
    from caretwin.ingest.doors.dicom.person import Whose, read_slice
    from caretwin.ingest.doors.mqtt.door import MqttDoor
    from caretwin.ingest.doors.mqtt.media import Arrival, media_of
    from caretwin.ingest.doors.rota.door import RotaDoor
    from caretwin.ingest.doors.sdc.door import SdcDoor
    from caretwin.ingest.doors.tables.door import TablesDoor
    from caretwin.ingest.doors.tables.file import read_grid
    from caretwin.ingest.doors.tables.grid import Layout
    from caretwin.ingest.doors.tables.proposal import Hints
    from caretwin.ingest.doors.tables.propose import propose_grid
    from caretwin.ingest.doors.tables.write import to_toml
    from caretwin.ingest.doors.wfdb import files, values  # noqa: F401  what the door imports when it first reads
    from caretwin.ingest.doors.wfdb.door import WfdbDoor

NOW = 1_774_700_000_000_000
WARM, EVERY, MOST_GROWTH_MB = 2_000, 500, 400
"""Inputs before memory is measured, between two measurements, and MB by which it may have grown."""
FOLDER = Path(tempfile.mkdtemp(prefix="caretwin-fuzz-"))


class Target(NamedTuple):
    """What is fuzzed: decodes bytes, or raises RefusedError; seeds are understood, or nearly."""

    decode: Callable[[bytes], object]
    seeds: Sequence[bytes]


def mqtt() -> Target:
    """Payloads of mapped topics and of Home Assistant's, topics themselves, and announcements."""
    rooms = str(ROOT / "examples/mqtt_rooms.toml")
    settings = {"url": "mqtt://127.0.0.1", "topics": str(ROOT / "examples/mqtt_topics.toml"), "rooms": rooms}
    door = MqttDoor("fuzz", {**settings, "discovery": "homeassistant"})
    topics = ["homes/elm/rooms/12/climate", "homeassistant/sensor/a/config", "zigbee2mqtt/a", "homes/elm/rooms/12/bed"]

    def decode(raw: bytes) -> object:
        text = raw[1:].decode("utf-8", "replace")
        with contextlib.suppress(RefusedError):
            door.decode(raw[1:], f"mqtt;topic={text};received={text}")
        return door.decode(raw[1:], media_of(Arrival(topics[raw[0] % len(topics)] if raw else "", NOW)))

    announced = {"state_topic": "zigbee2mqtt/a", "device_class": "temperature", "unit_of_measurement": "°C",
                 "value_template": "{{ value_json.temperature }}", "unique_id": "a_t", "name": "t",
                 "device": {"identifiers": ["a"], "suggested_area": "12"}}  # fmt: skip
    return Target(decode, [
        b'\x00{"sensor": "s1", "temperature": 21.5, "co2": "612 ppm", "at": "2026-03-27T08:10:00Z"}',
        b"\x01" + json.dumps(announced).encode(), b'\x02{"temperature": 21.5, "last_seen": 1774700000000}', b"\x0321,5",
    ])  # fmt: skip


def tables() -> Target:
    """The proposal of a mapping, its TOML, and the table by it."""

    def decode(raw: bytes) -> object:
        found = propose_grid(read_grid(raw, "t.csv", Layout()), Hints(zone="Europe/London"))
        to_toml(found)
        if not found.ready:
            return found
        return TablesDoor("fuzz", {"path": "."}, found.mapping).decode(raw, f"text/csv;file=t.csv;saved={NOW}")

    return Target(decode, [
        *((ROOT / "examples" / name).read_bytes() for name in ("ward_wide.csv", "lab_long.csv")),
        "Patientennummer;Datum;Uhrzeit;Größe;RR;Temp (°C)\n1;27.03.2026;08:10 Uhr;178;120/80;37,2\n".encode(),
    ])  # fmt: skip


def rota() -> Target:
    """Shifts, staff and absence as CSV, and calendars."""
    door = RotaDoor("fuzz", {"path": ".", "zone": "Europe/London", "place": "elm"})
    kinds = [f"text/csv;file={name}.csv;saved={NOW}" for name in ("shifts", "staff", "absence")]
    kinds.append(f"text/calendar;file=c.ics;now={NOW}")

    def decode(raw: bytes) -> object:
        return door.decode(raw[1:], kinds[raw[0] % len(kinds)] if raw else kinds[0])

    calendar = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTART;TZID=Europe/London:20260327T070000\r\n"
        b"DTEND;TZID=Europe/London:20260327T150000\r\nRRULE:FREQ=WEEKLY;COUNT=3\r\nEXDATE:20260403T070000\r\n"
        b"SUMMARY:Early\r\nATTENDEE:mailto:c1@elm.example\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    named = [bytes([i]) + (ROOT / f"examples/rota_{name}.csv").read_bytes()
             for i, name in enumerate(("shifts", "staff", "absence"))]  # fmt: skip
    return Target(decode, [*named, b"\x03" + calendar])


def sdc() -> Target:
    """Reports as the door writes them down."""
    door = SdcDoor("fuzz", {"provider": "https://10.0.0.1/x", "subject": "urn:beds|7", "waveforms": True})
    codes = [{"code": "147842", "text": "HR"}]
    patient = {"mds": "m", "identifiers": [["urn:x", "1"]], "since": NOW - 10**9}
    of = {"handle": "h", "mds": "m", "codes": codes}
    metric = {**of, "unit": "264864", "value": 80, "when": NOW, "validity": "Vld"}
    alert = {**of, "kind": "Phy", "priority": "Hi", "when": NOW, "began": NOW - 10**6, "signals": {"Aud": "On"}}
    wave = {**of, "unit": "266418", "when": NOW, "period_s": 0.004, "values": [0.1, 0.2]}
    stale = {**of, "limit_s": 5.0, "since": NOW - 10**7}
    said = {"provider": "urn:uuid:1", "received": NOW, "patients": [patient], "metrics": [metric], "alerts": [alert],
            "waveforms": [wave], "stale": [stale], "sequence": "s", "version": 3}  # fmt: skip
    return Target(lambda raw: door.decode(raw, ""), [json.dumps(said).encode(), b'{"provider":"a","received":1}'])


def wfdb() -> Target:
    """Headers, beside a signal file."""
    door = WfdbDoor("fuzz", {"folder": str(FOLDER), "subject": "urn:x|1", "waveforms": True})
    (FOLDER / "r.dat").write_bytes(bytes(2000))

    def decode(raw: bytes) -> object:
        (FOLDER / "r.hea").write_bytes(raw)
        return door.decode(b"r", "")

    return Target(decode, [
        b"r 2 125 250 08:10:00 27/03/2026\nr.dat 16 200(0)/mmHg 12 0 0 0 0 ABP\nr.dat 16 1/bpm 12 0 0 0 0 HR\n",
        b"r/2 1 125 250\nr 125\n~ 125\n", b"r 1 0.0166 60\nr.dat 16 1/bpm 12 0 0 0 0 HR\n#<age>: 70\n",
    ])  # fmt: skip


def dicom() -> Target:
    """Headers of images: which series, and of whom."""
    from io import BytesIO

    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

    image, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = (
        ExplicitVRLittleEndian, CTImageStorage, "1.2.3",
    )  # fmt: skip
    image.file_meta = meta
    image.SOPClassUID, image.SOPInstanceUID, image.SeriesInstanceUID, image.Modality = (
        CTImageStorage,
        "1.2.3",
        "1.2",
        "CT",
    )
    image.PatientID, image.IssuerOfPatientID, image.StudyInstanceUID = "4711", "NORTH", "1"
    image.AcquisitionDate, image.AcquisitionTime, image.AcquisitionNumber = "20260327", "081000", "1"
    other = Dataset()
    other.PatientID, other.IssuerOfPatientID = "9434765919", "NHS"
    image.OtherPatientIDsSequence = [other]
    out = BytesIO()
    image.save_as(out, enforce_file_format=True)
    path, whose = FOLDER / "i.dcm", Whose(zone="Europe/London")

    def decode(raw: bytes) -> object:
        if names_of(raw) is None:
            return None
        path.write_bytes(raw)
        with contextlib.suppress(OSError):
            return read_slice(path, whose)
        return None

    return Target(decode, [out.getvalue()])


def bacnet() -> Target:
    """Readings of controllers as the door writes them down."""
    door = BacnetDoor("fuzz", {"points": str(ROOT / "examples/bacnet_points.toml"), "address": "127.0.0.1/24"})
    device = next(iter(door.devices.values()))
    answers = [{"object": point.object, "value": 21.5, "units": "degrees-celsius", "flags": ["overridden"],
                "reliability": "no-fault-detected"} for point in device.points]  # fmt: skip
    said = {"device": device.name, "at": NOW, "answers": answers}
    return Target(lambda raw: door.decode(raw, ""), [json.dumps(said).encode(), b'{"device":"x","at":1,"answers":[]}'])


TARGETS = {one.__name__: one for one in (mqtt, tables, rota, sdc, wfdb, dicom, bacnet)}


_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"|[-+]?[0-9][0-9.eE+-]*|[A-Za-z_]+')
_ODD = (
    b"null", b"true", b"-1", b"0", b"1e308", b"1e999", b"1" + b"0" * 400, b"NaN", b'""', b'"x"', b"[]", b"{}", b"",
    b"\xff", b'"\\ud800"', b"9" * 17, b"-0.0", b"20260230", b"24:00", b"[[[[", b",", b'"\x00"',
)  # fmt: skip


def _exchanged(seed: bytes, provider: atheris.FuzzedDataProvider) -> bytes:
    """The seed with some of its words replaced: its form stays, so that what lies behind the form is reached."""
    raw = seed
    for _ in range(provider.ConsumeIntInRange(1, 3)):
        words = list(_WORD.finditer(raw))
        if not words:
            return raw
        word = words[provider.ConsumeIntInRange(0, len(words) - 1)]
        new = _ODD[provider.ConsumeIntInRange(0, len(_ODD) - 1)]
        if provider.ConsumeBool():
            new = provider.ConsumeBytes(provider.ConsumeIntInRange(0, 12))
        raw = raw[: word.start()] + new + raw[word.end() :]
    return raw


def _overwritten(seed: bytes, provider: atheris.FuzzedDataProvider) -> bytes:
    """The seed with a part of it replaced by noise."""
    at, keep = provider.ConsumeIntInRange(0, len(seed)), provider.ConsumeIntInRange(0, len(seed))
    noise = provider.ConsumeBytes(min(provider.remaining_bytes(), 256))
    return seed[:at] + noise + seed[max(at, keep) :]


class Harness:
    """One input after the other, as it is and written into a seed; memory is looked at now and then."""

    def __init__(self, target: Target) -> None:
        self._target, self._count, self._base = target, 0, 0.0

    def __call__(self, data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        seed = self._target.seeds[provider.ConsumeIntInRange(0, len(self._target.seeds) - 1)]
        for raw in (data, _exchanged(seed, provider), _overwritten(seed, provider)):
            with contextlib.suppress(RefusedError):
                self._target.decode(raw)
        self._count += 1
        if self._count % EVERY == 0:
            self._weigh()

    def _weigh(self) -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        mb = pages * 4096 / 1e6
        if self._count <= WARM:
            self._base = mb
        elif mb - self._base > MOST_GROWTH_MB:
            raise MemoryError(f"{mb - self._base:.0f} MB more after {self._count} inputs")


if __name__ == "__main__":
    chosen = TARGETS[sys.argv.pop(1)]()
    for one in chosen.seeds:
        with contextlib.suppress(RefusedError):
            chosen.decode(one)
    atheris.Setup(sys.argv, Harness(chosen))
    atheris.Fuzz()
