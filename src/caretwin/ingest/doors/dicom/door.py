"""The DICOM door: chest CT into the lung model, from a scanner or an archive that sends, or from a folder.

A slice is acknowledged when it is in the spool on the disk. A series that is complete is measured in a thread; its
figures enter the record, its images never do. Source: DICOM PS3.4, annexes A and B (verification, storage).
"""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from caretwin.base.errors import DataError
from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given, zone_name
from caretwin.ingest.doors.dicom.folder import Watched
from caretwin.ingest.doors.dicom.form import MEDIA, read_form
from caretwin.ingest.doors.dicom.listener import Listening
from caretwin.ingest.doors.dicom.measure import Site, follows, measured
from caretwin.ingest.doors.dicom.person import Whose
from caretwin.ingest.doors.dicom.running import Running, Waits
from caretwin.ingest.doors.dicom.spool import Spool
from caretwin.ingest.doors.hl7v2.server import networks
from caretwin.ingest.intake import Intake, Outcome
from caretwin.ingest.ports import Port, port_number

LONGEST_TITLE = 16
"""Characters of an AE title (PS3.5, 6.2)."""

SETTINGS = (
    Setting("spool", "folder where slices wait to be measured; on a disk that holds images of patients", path=True),
    Setting("callers", "AE titles that may send; none: nothing listens", ()),
    Setting("host", "address to listen at: one of a private network, or 127.0.0.1", "127.0.0.1"),
    Setting("port", "TCP port; 11112 is registered for DICOM", 11112),
    Setting("title", "AE title of this door, which senders must name", "CARETWIN"),
    Setting("allow", "addresses and networks of the systems that may connect; nobody else may", ("127.0.0.1", "::1")),
    Setting("folder", 'folder in which DICOM files appear, with its subfolders; "" : none', "", path=True),
    Setting("every_s", "s between two looks at the folder", 10.0),
    Setting("zone", 'IANA zone of the scanner\'s clock, such as "Europe/London"; "" wants an offset in each image', ""),
    Setting("issuer", 'who gives patient numbers that come without an issuer; "" refuses them', ""),
    Setting("systems", "what an issuer is called in the record", {}),
    Setting("chest", "every CT that comes is of a chest, whatever its label says", False),
    Setting("quiet_s", "s without a slice after which a series is taken as it is", 60.0),
    Setting("settle_s", "s after an association is released until a series without gaps is measured", 5.0),
    Setting("keep_days", "days that a refused series lies in the spool for replay", 30.0),
    Setting("most_bytes", "bytes of the largest object", 2_000_000_000),
    Setting("free_bytes", "bytes that stay free on the disk: with less, slices are refused", 1_000_000_000),
    Setting("silence_s", "s without a message after which an association is ended", 120.0),
    Setting("associations", "how many at once", 10),
)


class DicomDoor:
    """A storage SCP and a folder watcher; see docs/doors/dicom.md."""

    kind = "dicom"
    title = "DICOM: chest CT by C-STORE or from a folder"
    tier = Tier.PEER
    settings = SETTINGS
    slow = True
    """Decoding takes a minute: whoever calls it from an event loop does so in a thread."""

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        values = given(SETTINGS, settings)
        where = f"door {name} (dicom)"
        callers = tuple(_title(one, where) for one in _words(values["callers"]))
        if not values["spool"] or not (callers or values["folder"]):
            raise DataError(where, seen="no spool, or neither callers nor a folder",
                            wanted="spool, and who may send or where files appear",
                            fix='write spool = "...", and callers = ["..."] or folder = "..."')  # fmt: skip
        self.name = name
        self._folder = Path(str(values["folder"])) if values["folder"] else None
        self._spool = Spool(Path(str(values["spool"])))
        whose = Whose(str(values["issuer"]), dict(values["systems"]), zone_name(str(values["zone"]), where))
        self._site = Site(name, whose, bool(values["chest"]))
        self._how = Listening(
            str(values["host"]), port_number(values["port"], where), _title(str(values["title"]), where), callers,
            networks(_words(values["allow"]), where), int(values["most_bytes"]), float(values["silence_s"]),
            int(values["associations"]),
        )  # fmt: skip
        self._waits = Waits(*(float(values[one]) for one in ("quiet_s", "settle_s", "every_s", "keep_days")))
        self._free_bytes = int(values["free_bytes"])
        self.port = 0
        """The port that is listened at; 0 while none is."""

    @property
    def ports(self) -> tuple[Port, ...]:
        """Where it will listen."""
        return (Port("tcp", self._how.host, self._how.port),) if self._how.callers else ()

    def decode(self, raw: bytes, media: str = MEDIA) -> Decoded:
        """What a series in the spool says, by the form that names it. It is read and measured, which takes long.

        Raises RefusedError for one that cannot be measured; never anything else.
        """
        del media
        form = read_form(raw)
        try:
            return measured(self._spool.place(form.name), form.received, self._site)
        except RefusedError:
            raise
        except Exception as problem:  # an error of ours, or a file that fails in a new way: it waits in quarantine
            fix = "look at the files of the spool with another program; replay after the next version"
            seen = f"{type(problem).__name__} while it was read"
            raise RefusedError(Refusal("the series", seen, "a series that can be read", fix, "processing")) from None

    async def replay(self, raw: bytes, intake: Intake) -> Outcome:
        """Take a quarantined series in again, and clean the spool when it is in the record."""
        outcome = await intake.accept(raw, MEDIA)
        if outcome.result == "accepted":
            await asyncio.to_thread(self.settle, raw)
        return outcome

    def settle(self, raw: bytes) -> None:
        """The series of a quarantined message is in the record: its slices leave the spool."""
        form = read_form(raw)
        self._spool.remove(form.name, len(self._spool.slices(form.name)))

    async def test(self) -> Tested:
        """Whether the spool can be written, the port can be listened at, and the folder is there."""
        sentences = [await asyncio.to_thread(self._spool_state), self._port_state(), self._folder_state()]
        said = [one for one in sentences if one is not None]
        return Tested(all(one.works for one in said), " ".join(one.sentence for one in said))

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Listen and watch until ``stop`` is set; a port that is taken and a disk that is away are tried again."""

        def listening(port: int) -> None:
            self.port = port

        running = Running(
            intake, self._spool, self._waits, lambda name: follows(self._spool.place(name), self._site.chest),
            self.decode, self._free_bytes, listening,
        )  # fmt: skip
        watched = Watched(self._folder, self._spool, self._how.most_bytes) if self._folder is not None else None
        await running.run(self._how if self._how.callers else None, watched, stop)

    def _spool_state(self) -> Tested:
        packages = [name for name in ("pydicom", "pynetdicom") if importlib.util.find_spec(name) is None]
        if packages:
            return Tested(False, f'{" and ".join(packages)} is missing: pip install "caretwin[imaging]".')
        try:
            self._spool.open()
            free = self._spool.free_bytes()
        except OSError as problem:
            return Tested(False, f"The spool cannot be written ({problem.strerror}).")
        waits = len(self._spool.waiting())
        return Tested(free > self._free_bytes, f"The spool has room for {free / 1e9:.0f} GB; {waits} series wait.")

    def _port_state(self) -> Tested | None:
        if not self._how.callers:
            return None
        where = f"{self._how.host}:{self.port or self._how.port}"
        peers = ", ".join(str(one).removesuffix("/32").removesuffix("/128") for one in self._how.allow) or "nobody"
        who = f"{', '.join(self._how.callers)} may send to {self._how.title} from {peers}."
        if self.port:
            return Tested(True, f"It listens at {where}; {who}")
        try:
            with socket.create_server((self._how.host, self._how.port)):
                return Tested(True, f"{where} is free; {who}")
        except OSError as problem:
            return Tested(False, f"Nothing can listen at {where} ({problem.strerror}): choose another host or port.")

    def _folder_state(self) -> Tested | None:
        if self._folder is None:
            return None
        there = self._folder.is_dir()
        return Tested(there, "The folder is there." if there else "The folder is not there: make it.")


def _words(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value]


def _title(text: str, where: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST_TITLE or not text.isascii() or not text.isprintable() or "\\" in text:
        raise DataError(where, seen=f"an AE title of {len(text)} characters", wanted="1 to 16 of ASCII, no backslash",
                        fix="mend title or callers")  # fmt: skip
    return text
