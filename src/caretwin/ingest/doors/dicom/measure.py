"""From the slices of a series to what the record keeps: an event with the figures, and what a lung model may observe.

Everything here may take a minute and runs in a thread. What cannot be measured is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from caretwin.base.errors import CaretwinError
from caretwin.ingest.decoded import Decoded, Refusal, RefusedError
from caretwin.ingest.dicom.files import NO_STACK, ImageFile, image_files
from caretwin.ingest.dicom.frames import frames_of
from caretwin.ingest.dicom.geometry import FEWEST_SLICES, GAP, Stack, stacked
from caretwin.ingest.dicom.series import read_chest_ct
from caretwin.ingest.doors.dicom.person import Slice, Whose, read_slice, subject_of
from caretwin.ingest.doors.dicom.said import Series, said_of
from caretwin.ingest.findings import Findings
from caretwin.ingest.lung_ct.aeration import lung_aeration
from caretwin.record.finding import Finding

AHEAD_US = 300_000_000
"""us that the scanner's clock may be ahead of ours; more is a wrong clock or a wrong zone (assumed)."""
LONGEST_US = 1_800_000_000
"""us between the first and the last slice of one scan; more are two scans (assumed)."""
AXIAL = 0.8
"""Cosine between the normal of a slice and the long axis of the body, as in the reader of files."""


class Site(NamedTuple):
    """What a door's series have in common. door: its name; chest: all of them are chests, whatever their label says."""

    door: str
    whose: Whose
    chest: bool = False


def measured(folder: Path, received: int, site: Site) -> Decoded:
    """What the series in a folder says.

    received  when its last slice came (us)
    Raises RefusedError for one that cannot be measured, or whose patient or time is not known.
    """
    if not any(folder.glob("*.dcm")):
        raise _refused("no slice in the spool: it was measured, or lay there for too long", "its slices",
                       "send the series again", "not-found")  # fmt: skip
    files, refused = image_files(folder, chest=site.chest)
    if not files:
        return _nothing(refused)
    broken = [reason for reason in refused if reason.startswith("not ")]
    if broken:
        raise _refused(f"{len(broken)} slices that cannot be read", "whole slices", "send the series again")
    slices = [read_slice(file.path, site.whose) for file in files]
    subject, taken = subject_of(slices), _taken(slices, received)
    _whole(files)
    try:
        aeration = lung_aeration(read_chest_ct(folder, chest=site.chest), time_h=0.0)
    except CaretwinError as problem:
        raise RefusedError(Refusal("the series", problem.seen, problem.wanted, problem.fix, "processing")) from None
    numbers = {one.acquisition for one in slices}
    series = Series(
        site.door, subject, taken, slices[0].study, slices[0].series, numbers.pop() if len(numbers) == 1 else "",
        zone="" if slices[0].said_offset else site.whose.zone,
    )  # fmt: skip
    return said_of(series, aeration)


def follows(folder: Path, chest: bool) -> bool:
    """Whether the slices of a folder are a stack without a gap, as far as their headers tell."""
    files, refused = image_files(folder, chest=chest)
    if refused or not files:
        return False
    findings = Findings()
    frames = frames_of(files, findings)
    stack = stacked(frames, findings) if len(frames) >= FEWEST_SLICES and not findings.has_errors else None
    return stack is not None and not findings.has_errors and not _gaps(stack)


def _nothing(refused: Sequence[str]) -> Decoded:
    """No slice to measure: overviews and projections are none of ours, everything else is refused."""
    kinds = sorted(set(refused))
    if all(one in NO_STACK.values() for one in kinds):
        return Decoded((), ignored=tuple(kinds))
    raise _refused("; ".join(kinds), "CT images of a chest",
                   "send the chest series; if a chest is labelled wrongly, set chest = true and replay",
                   "not-supported")  # fmt: skip


def _taken(slices: Sequence[Slice], received: int) -> int:
    """When the scan began (us)."""
    first, last = min(one.taken for one in slices), max(one.taken for one in slices)
    if last - first > LONGEST_US:
        raise _refused(f"slices taken over {(last - first) / 60e6:.0f} min", "one scan", "send each scan as a series",
                       "conflict")  # fmt: skip
    if last > received + AHEAD_US:
        ahead = (last - received) / 60e6
        raise _refused(f"slices taken {ahead:.0f} min after they came", "a time in the past",
                       "look at the scanner's clock, and at zone of this door")  # fmt: skip
    return first


def _whole(files: Sequence[ImageFile]) -> None:
    """Raise RefusedError for slices that are mixed, not axial, or not all there."""
    findings = Findings()
    frames = frames_of(files, findings)
    stack = None if findings.has_errors else stacked(frames, findings)
    if stack is None:
        raise _of(next(one for one in findings.all if one.severity == "error"), len(findings.all))
    if abs(float(stack.directions[0, 2])) < AXIAL:
        raise _refused("slices that are not axial", "axial slices", "send the axial reconstruction")
    missing = _gaps(stack)
    if missing:
        seen = f"gaps that {missing} slices would fill, besides {len(frames)} slices"
        raise _refused(seen, "slices that follow one another", "send the missing slices: the series is then taken in")


def _gaps(stack: Stack) -> int:
    """How many slices are missing."""
    steps = np.diff(stack.places_mm)
    return int(np.round(steps[steps > GAP * stack.spacing_mm[0]] / stack.spacing_mm[0] - 1).sum())


def _of(finding: Finding, count: int) -> RefusedError:
    more = f" (and {count - 1} more findings)" if count > 1 else ""
    return RefusedError(Refusal("the series", finding.seen + more, finding.wanted, finding.fix))


def _refused(seen: str, wanted: str, fix: str, code: str = "value") -> RefusedError:
    return RefusedError(Refusal("the series", seen, wanted, fix, code))  # type: ignore[arg-type]
