"""Waveforms of a Puritan Bennett 840 ventilator, breath by breath, from the text that its serial port writes.

    2016-02-17-08-43-02.525325      clock time of the first sample (may be missing)
    BS, S:54042,                    a breath starts; its number on the ventilator
    0.87, 7.04                      flow [L/min], airway pressure [cmH2O]; 50 rows a second
    BE                              the breath has ended

A breath that is not whole, or holds a row that is no pair of plausible numbers, becomes a finding and is left out.
Format: Adams 2017, Sci Rep 7:14980, doi:10.1038/s41598-017-15052-x (ventMAP).
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from pathlib import Path

import numpy as np

from caretwin.base.counted import counted
from caretwin.ingest.findings import Findings, TableError
from caretwin.record.ventilator_waveform import VentilatorWaveform, WaveformBreath

SAMPLES_PER_SECOND = 50.0
SECONDS_PER_MINUTE = 60.0
FEWEST_SAMPLES = 10  # 0.2 s: shorter than any breath; assumed
MOST_FLOW_L_MIN = 250.0  # beyond what the ventilator can deliver or measure (200 L/min); assumed
LOWEST_PRESSURE, HIGHEST_PRESSURE = -40.0, 120.0  # cmH2O; a ventilator gives at most 100; assumed

_START = re.compile(r"BS\s*,\s*S\s*:\s*(\d+)\s*,?")
_CLOCK = "%Y-%m-%d-%H-%M-%S.%f"


def read_ventilator_waveform(path: str | Path, *, samples_per_second: float = SAMPLES_PER_SECOND) -> VentilatorWaveform:
    """Read a recording; flow becomes L/s. Raises TableError when there is no whole breath in it.

    The text must be UTF-8; a byte-order mark and Windows line ends are accepted.
    """
    path = Path(path)
    reader = _Reader(samples_per_second)
    for row, line in enumerate(path.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        reader.take(row, line.strip())
    reader.finish()
    if not reader.breaths:
        reader.findings.error(
            None,
            None,
            seen="no whole breath",
            wanted="lines 'BS, S:<number>,', then 'flow, pressure' in L/min and cmH2O, then 'BE'",
            fix="export the waveform again, or name the right reader for this file",
        )
        raise TableError(path.name, reader.findings.all)
    return VentilatorWaveform(path.name, samples_per_second, tuple(reader.breaths), reader.origin, reader.findings.all)


class _Reader:
    """Takes one line after the other; knows whether it is inside a breath."""

    def __init__(self, samples_per_second: float) -> None:
        self.findings = Findings()
        self.breaths: list[WaveformBreath] = []
        self.origin: datetime | None = None
        self._per_second = samples_per_second
        self._samples = 0  # of the whole recording, those of refused breaths included
        self._number: int | None = None
        self._opened = 0
        self._rows: list[tuple[float, float]] = []
        self._trouble: tuple[int, str] | None = None
        self._stray: list[tuple[int, str]] = []

    def take(self, row: int, line: str) -> None:
        """One line of the file, without its line end."""
        if not line:
            return
        start = _START.fullmatch(line)
        if start:
            self._abandon()
            self._number, self._opened, self._rows, self._trouble = int(start[1]), row, [], None
        elif line.rstrip(",") == "BE":
            self._close(row)
        elif self._number is not None:
            self._sample(row, line)
        elif not self._is_clock(row, line):
            self._stray.append((row, line[:40]))

    def finish(self) -> None:
        """The end of the file."""
        self._abandon()
        if self._stray:
            row, text = self._stray[0]
            seen = f"{counted(len(self._stray), 'row')} outside a breath, the first {text!r}"
            self.findings.warning(row, None, seen=seen, wanted="rows between BS and BE", fix="left out")

    def _is_clock(self, row: int, line: str) -> bool:
        try:
            stamp = datetime.strptime(line, _CLOCK)
        except ValueError:
            return False
        if self.origin is None and not self.breaths:
            self.origin = stamp
        return True

    def _sample(self, row: int, line: str) -> None:
        pair = _pair(line)
        self._samples += 1
        if pair is None:
            self._trouble = self._trouble or (row, f"{line[:40]!r}")
        else:
            self._rows.append(pair)

    def _close(self, row: int) -> None:
        if self._number is None:
            self.findings.warning(row, None, seen="an end without a start", wanted="BS before BE", fix="left out")
            return
        if self._trouble is not None:
            at, seen = self._trouble
            self._refuse(at, seen, "flow within 250 L/min and pressure from -40 to 120 cmH2O")
        elif len(self._rows) < FEWEST_SAMPLES:
            self._refuse(self._opened, f"{len(self._rows)} samples", f"at least {FEWEST_SAMPLES}")
        else:
            self._keep()
        self._number = None

    def _keep(self) -> None:
        assert self._number is not None
        flow, pressure = np.array(self._rows).T
        start = (self._samples - len(self._rows)) / self._per_second
        if self.breaths and self._number != self.breaths[-1].number + 1:
            self.findings.info(
                self._opened,
                None,
                seen=f"breath {self._number} after {self.breaths[-1].number}",
                wanted="one breath after the other",
                fix="the two are not taken for neighbours",
            )
        self.breaths.append(WaveformBreath(self._number, start, flow / SECONDS_PER_MINUTE, pressure))

    def _abandon(self) -> None:
        if self._number is not None:
            self._refuse(self._opened, "a start without an end", "BE before the next BS")
            self._number = None

    def _refuse(self, row: int, seen: str, wanted: str) -> None:
        self.findings.warning(row, None, seen=f"breath {self._number}: {seen}", wanted=wanted, fix="breath left out")


def _pair(line: str) -> tuple[float, float] | None:
    """Flow [L/min] and pressure [cmH2O], or None when the line is no plausible pair."""
    cells = line.rstrip(",").split(",")
    if len(cells) != 2:
        return None
    try:
        flow, pressure = float(cells[0]), float(cells[1])
    except ValueError:
        return None
    if not (math.isfinite(flow) and math.isfinite(pressure)):
        return None
    plausible = abs(flow) <= MOST_FLOW_L_MIN and LOWEST_PRESSURE <= pressure <= HIGHEST_PRESSURE
    return (flow, pressure) if plausible else None
