"""WFDB records in a folder: headers, the segments of a record, and whether the files are what the headers say.

A header is text that anybody may have written. Names in it are names of files beside it, nothing else: the library
would follow a path or an address. Lengths and checksums that it states are held against the files.
"""

from __future__ import annotations

import contextlib
import math
import re
import warnings
from collections.abc import Iterator
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from caretwin.ingest.decoded import Refusal, RefusedError

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library makes tables at import in a way that pandas warns of
    import wfdb

NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
SLOWEST_HZ, LONGEST_S, LARGEST_GAIN = 1e-5, 3.2e9, 1e12
"""Frames/s of the slowest signal (one a day); s of the longest record (a century); steps in a unit (assumed)."""
LONGEST_HEADER = 1_000_000
"""Bytes of a header: a longer one is none (assumed; the longest of PhysioNet have some 10,000 segments)."""
SAMPLE_BYTES: dict[str, Fraction] = {
    "8": Fraction(1),
    "80": Fraction(1),
    "16": Fraction(2),
    "61": Fraction(2),
    "160": Fraction(2),
    "24": Fraction(3),
    "32": Fraction(4),
    "212": Fraction(3, 2),
    "310": Fraction(4, 3),
    "311": Fraction(4, 3),
}
"""Bytes of a sample by format (WFDB Applications Guide, signal(5))."""

COMPRESSED = frozenset({"508", "516", "524"})
"""FLAC formats, which need a further library (soundfile) and have no fixed size."""


class Segment(NamedTuple):
    """A stretch of a record in files of its own. first  its first frame in the record; name  of its header"""

    name: str
    first: int


class Header(NamedTuple):
    """What a record's header says.

    fs        frames/s; began  clock time of the first frame, None where no date is written
    segments  in order; gaps  frames that no segment has
    """

    name: str
    fs: float
    began: datetime | None
    segments: tuple[Segment, ...]
    gaps: int = 0


def records(folder: Path) -> list[str]:
    """Names of the records of a folder: headers that are no segment of another."""
    names = sorted(path.stem for path in folder.glob("*.hea") if path.is_file())
    parts = {part for name in names for part in _segments_named(folder / f"{name}.hea")}
    return [name for name in names if name not in parts]


def read_header(folder: Path, name: str) -> Header:
    """The header of a record. Raises RefusedError for one that is missing, unreadable, or points elsewhere."""
    found = _header(folder, name)
    if isinstance(found, wfdb.MultiRecord):
        return _multi(name, found)
    return Header(name, float(found.fs), found.base_datetime, (Segment(name, 0),))


def check(folder: Path, segment: str) -> Any:
    """A segment's header after its files were measured: there, and as long as the header says.

    Raises RefusedError otherwise; the checksums are compared by :func:`samples`.
    """
    header = _header(folder, segment)
    if isinstance(header, wfdb.MultiRecord):
        raise refused(segment, "a segment that has segments", "signals", "the header is broken", "structure")
    if not header.n_sig:
        raise refused(segment, "no signal", "at least one", "nothing can be read from it", "required")
    if len(header.file_name or ()) != header.n_sig:
        seen = f"{header.n_sig} signals and {len(header.file_name or ())} lines that tell of one"
        raise refused(segment, seen, "a line for each signal", "mend the header", "structure")
    for file in dict.fromkeys(header.file_name):
        _measure(folder, segment, header, file)
    return header


def samples(folder: Path, segment: str) -> Any:
    """A segment with its signals as the library reads them: digital, each at its own rate.

    Raises RefusedError for files that are not what the header says, or that cannot be read.
    """
    check(folder, segment)
    try:
        record = wfdb.rdrecord(str(folder / segment), physical=False, smooth_frames=False)
        sums = record.calc_checksum(expanded=True)
    except Exception as problem:  # whatever a broken file makes of the library
        raise refused(
            segment, f"files that cannot be read ({type(problem).__name__})", "signals in the format of the header",
            "copy the record again",
        ) from problem  # fmt: skip
    for name, stated, counted in zip(record.sig_name, record.checksum, sums, strict=True):
        if stated is not None and (int(stated) - int(counted)) % 65536:
            raise refused(
                f"{segment}, signal {name}", f"checksum {int(counted) % 65536}", f"{int(stated) % 65536}, as stated",
                "the samples are not those of this header: copy both again",
            )  # fmt: skip
    return record


def physical(segment: str, record: Any) -> list[Any]:
    """The signals of a record in the units of its header, one array each. Raises RefusedError where they have none."""
    try:
        found: list[Any] = record.dac(expanded=True)
    except Exception as problem:  # whatever a baseline or a gain of a broken header makes of the library
        raise refused(
            segment, f"numbers that cannot be computed with ({type(problem).__name__})",
            "gains and baselines of signals", "mend the header", "structure",
        ) from problem  # fmt: skip
    return found


def files_of(folder: Path, name: str) -> list[Path]:
    """Headers and signal files of a record, there or not; only its header where that cannot be read."""
    found = [folder / f"{name}.hea"] if NAME.fullmatch(name) else []
    with contextlib.suppress(RefusedError):
        for segment in read_header(folder, name).segments:
            found.append(folder / f"{segment.name}.hea")
            with contextlib.suppress(RefusedError):
                found += [folder / file for file in dict.fromkeys(_names(_header(folder, segment.name)))]
    return found


def refused(place: str, seen: str, wanted: str, fix: str, code: Any = "value") -> RefusedError:
    """Why a record, or a part of one, cannot be accepted."""
    return RefusedError(Refusal(f"WFDB record {place}", seen, wanted, fix, code))


def _header(folder: Path, name: str) -> Any:
    if not NAME.fullmatch(name):
        raise refused("with a strange name", "a name with other characters", "letters, digits, - and _", "rename it")
    path = folder / f"{name}.hea"
    if not path.is_file():
        raise refused(name, "no header", f"{name}.hea beside the others", "copy it there", "not-found")
    if path.stat().st_size > LONGEST_HEADER:
        raise refused(name, f"a header of {path.stat().st_size} bytes", "a header", "it is none", "structure")
    try:
        found = wfdb.rdheader(str(folder / name))
    except Exception as problem:  # whatever a broken header makes of the library
        raise refused(
            name, f"a header that cannot be read ({type(problem).__name__})", "a header of the WFDB format",
            "see header(5) of the WFDB Applications Guide", "structure",
        ) from problem  # fmt: skip
    strange = [one for one in _names(found) if not NAME.fullmatch(one)]
    if strange or not found.fs or not SLOWEST_HZ <= found.fs < 1e7:
        raise refused(
            name, "a file name that leads elsewhere" if strange else "no usable sampling frequency",
            "names of files beside the header, and a frequency above 0", "mend the header", "structure",
        )  # fmt: skip
    _measurable(name, found)
    return found


def _measurable(name: str, header: Any) -> None:
    """Raises RefusedError for numbers of a header that no record has: they would overflow, or make endless values."""
    lengths = header.seg_len if isinstance(header, wfdb.MultiRecord) else [header.sig_len or 0]
    if min(lengths, default=0) < 0 or sum(lengths) > LONGEST_S * header.fs:
        raise refused(
            name, "a length that no record has", "frames of at most a century", "mend the header", "structure"
        )
    gains = [] if isinstance(header, wfdb.MultiRecord) else header.adc_gain or []
    if not all(gain is None or (math.isfinite(gain) and 0 <= abs(gain) < LARGEST_GAIN) for gain in gains):
        raise refused(name, "a gain that no signal has", "a number of steps per unit", "mend the header", "structure")


def _names(header: Any) -> list[str]:
    if isinstance(header, wfdb.MultiRecord):
        return [one for one in header.seg_name if one != "~"]
    return [one for one in header.file_name or () if one != "~"]


def _multi(name: str, found: Any) -> Header:
    segments, first, gaps = [], 0, 0
    for part, length in zip(found.seg_name, found.seg_len, strict=True):
        if part == "~":
            gaps += length
        elif length:  # the layout of a variable record has no frames
            segments.append(Segment(part, first))
        first += length
    return Header(name, float(found.fs), found.base_datetime, tuple(segments), gaps)


def _segments_named(path: Path) -> Iterator[str]:
    """Names in the first column of a header of a record with segments; none of another's."""
    try:
        lines = [line.split() for line in path.read_text("latin-1").splitlines() if line.strip()[:1] not in ("", "#")]
    except OSError:
        return
    if lines and "/" in lines[0][0]:
        yield from (line[0] for line in lines[1:])


def _measure(folder: Path, segment: str, header: Any, file: str) -> None:
    """Compare the length of a signal file with what the header says. A format without fixed size is not compared."""
    path = folder / file
    if not path.is_file():
        raise refused(segment, f"no file {file}", "the file that its header names", "copy it there", "not-found")
    signals = [i for i, one in enumerate(header.file_name) if one == file]
    kinds = {str(header.fmt[i]) for i in signals}
    if strange := kinds - SAMPLE_BYTES.keys() - COMPRESSED:
        raise refused(
            segment, f"format {min(strange)[:10]}", "a format of the WFDB library", "mend the header", "not-supported"
        )
    if header.sig_len is None or not kinds <= SAMPLE_BYTES.keys() or len(kinds) != 1:
        return
    count = header.sig_len * sum(header.samps_per_frame[i] for i in signals)
    wanted = math.ceil(count * SAMPLE_BYTES[kinds.pop()]) + (header.byte_offset[signals[0]] or 0)
    if path.stat().st_size < wanted:
        raise refused(
            segment, f"{file} with {path.stat().st_size} bytes", f"{wanted}, as its header says",
            "copy it again: it was cut short, or the header is another's",
        )  # fmt: skip
