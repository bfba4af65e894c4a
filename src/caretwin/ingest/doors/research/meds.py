"""The MEDS door: event data of the Medical Event Data Standard, for research and replay.

A MEDS data set is one Parquet file, or a folder of them (``data/*/*.parquet``), with ``subject_id``, ``time``, ``code``
and a number. What a code means is said by a table: ours for MIMIC-IV, or one of your own (docs/doors/research.md).
Source of the format: Medical Event Data Standard 0.4, https://github.com/Medical-Event-Data-Standard/meds.
"""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from caretwin.base.counted import counted
from caretwin.base.errors import CaretwinError, DataError
from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.door import Setting, Tested, Tier, given, zone_name
from caretwin.ingest.doors.research.loading import Known, keep_all, load_once
from caretwin.ingest.doors.research.meds_codes import Meanings, read_codes
from caretwin.ingest.doors.research.meds_events import parts_of
from caretwin.ingest.doors.tables.grid import MOST_BYTES
from caretwin.ingest.intake import Intake

PARQUET = "application/vnd.apache.parquet"
NUMBERS = ("numeric_value", "value")
"""The column with the number: its name in the standard, and an older one."""
SUBJECTS_AT_ONCE = 20
"""Subjects whose events are kept together; a subject's events stand together in a file (MEDS 0.4)."""


class MedsDoor:
    """A MEDS file or folder.

    name  of the door; settings  see :attr:`settings`
    """

    shifted = True  # it judges times by itself: research data have dates of another century
    kind, title, tier = "meds", "MEDS event data: research data of any hospital", Tier.PEER
    settings = (
        Setting("path", "a Parquet file, or the folder of a data set", path=True),
        Setting("codes", "mimic_iv, or a TOML file that says what codes mean", "mimic_iv", path=True),
        Setting("zone", "IANA zone of its times, which carry none", "UTC"),
        Setting("system", "who gives subjects their numbers", "local:meds"),
        Setting("unmapped", "true: keep codes too that the table does not know, as they came", False),
        Setting("as_charted", "true: received when available at the source, for research and replay", False),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        said = given(self.settings, settings)
        self.name, self.path = name, Path(str(said["path"]))
        self.zone, self.system = str(said["zone"]), str(said["system"])
        self.unmapped, self.as_charted = bool(said["unmapped"]), bool(said["as_charted"])
        zone_name(self.zone, f"door {name} (meds)")
        self.meanings: Meanings = read_codes(str(said["codes"]))
        self.left: Counter[str] = Counter()

    def decode(self, raw: bytes, media: str) -> Decoded:
        """See :class:`caretwin.ingest.door.Door`; the message is a Parquet file."""
        found, left = self._understood(_frame(io.BytesIO(raw), "the file"))
        return Decoded(tuple(one.part for one in found), ignored=tuple(f"code {code}" for code in left))

    def _understood(self, frame: Any) -> tuple[list[Known], Counter[str]]:
        """What a frame says, and which codes were left out. Raises RefusedError."""
        left: Counter[str] = Counter()
        try:
            found = list(parts_of(frame, self.meanings, self.name, self.system, self.zone, self.unmapped, left))
        except (CaretwinError, ValueError, OverflowError) as problem:
            seen = problem.seen if isinstance(problem, CaretwinError) else "a subject or a time that cannot be"
            wanted, fix = "numbers of subjects, and times of a calendar", "export it again"
            raise RefusedError(Refusal("the file", seen, wanted, fix)) from None
        return found, left

    async def test(self) -> Tested:
        """Whether the files are there and can be read, and how many events they have."""
        try:
            files = self._files()
            rows = await asyncio.to_thread(lambda: sum(_rows(path) for path in files))
        except (DataError, OSError) as problem:
            return Tested(False, str(problem))
        return Tested(
            rows > 0,
            f"{counted(len(files), 'file')} with {counted(rows, 'event')}; codes with a meaning: {len(self.meanings)}",
        )

    async def run(self, intake: Intake, stop: asyncio.Event) -> None:
        """Load the data once, then wait: research data do not change."""
        await load_once(self.load, self.path, intake, stop)

    async def load(self, intake: Intake, stop: asyncio.Event) -> None:
        """Take every event in that has a meaning. Raises DataError where there is no data set."""
        for path in self._files():
            intake.state.counters["messages"] += 1
            try:
                await self._load_file(path, intake, stop)
            except RefusedError as error:
                small = path.read_bytes() if path.stat().st_size <= MOST_BYTES else b""
                await intake.accept_decoded(Decoded((), (error.refusal,)), small, PARQUET)

    async def _load_file(self, path: Path, intake: Intake, stop: asyncio.Event) -> None:
        frame = await asyncio.to_thread(_frame, path, path.name)
        for some in _groups(frame):
            parts, left = await asyncio.to_thread(self._understood, some)
            self.left += left
            if stop.is_set():
                return
            await keep_all(intake, parts, self.as_charted, stop)

    def _files(self) -> Sequence[Path]:
        found = sorted(self.path.rglob("*.parquet")) if self.path.is_dir() else [self.path]
        events = [path for path in found if path.is_file() and "metadata" not in path.parts and _has_events(path)]
        if not events:
            seen = "no Parquet file with subject_id, time and code"
            fix = "name the folder of the data set, or its file"
            raise DataError(f"MEDS {self.path.name}", seen=seen, wanted="events", fix=fix)
        return events


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError:
        fix = "pip install 'caretwin[data]'"
        raise DataError("reading MEDS", seen=f"no module {name}", wanted="pandas and pyarrow", fix=fix) from None


def _has_events(path: Path) -> bool:
    try:
        names = set(_module("pyarrow.parquet").read_schema(path).names)
    except (OSError, ValueError):
        return True  # it is refused when it is read, with the reason
    return {"subject_id", "time", "code"} <= names


def _rows(path: Path) -> int:
    try:
        return int(_module("pyarrow.parquet").read_metadata(path).num_rows)
    except (OSError, ValueError):
        raise DataError(path.name, seen="no Parquet file", wanted="Parquet", fix="export it again") from None


def _frame(source: Any, name: str) -> Any:
    """The four columns as a pandas frame: subject_id, time, code, number. Raises RefusedError."""
    parquet = _module("pyarrow.parquet")
    try:
        table = parquet.read_table(source)
        number = next(column for column in NUMBERS if column in table.column_names)
        frame = table.select(["subject_id", "time", "code", number]).to_pandas(ignore_metadata=True)
        frame.columns = ["subject_id", "time", "code", "number"]
        pd = _module("pandas")
        frame["time"] = pd.to_datetime(frame["time"])
        frame["number"] = pd.to_numeric(frame["number"])
        frame["code"] = frame["code"].astype(str)
        frame = frame[frame["subject_id"].notna()]
    except Exception as problem:  # whatever is wrong inside, the libraries raise as it comes
        seen = f"no MEDS data ({type(problem).__name__})"
        wanted = "Parquet with subject_id, time, code and numeric_value"
        raise RefusedError(Refusal(name, seen, wanted, "export it again", "structure")) from None
    return frame


def _groups(frame: Any) -> Iterator[Any]:
    subjects = frame["subject_id"].unique()
    for begin in range(0, len(subjects), SUBJECTS_AT_ONCE):
        yield frame[frame["subject_id"].isin(subjects[begin : begin + SUBJECTS_AT_ONCE])]
