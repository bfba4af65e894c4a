"""Flow and airway pressure of single breaths as a ventilator sampled them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from jaxtyping import Float

from caretwin.record.finding import Finding


@dataclass(frozen=True)
class WaveformBreath:
    """One breath, from the start of its inspiration to the start of the next one.

    number    the ventilator's own count; a jump means that breaths are missing in between
    start_s   [s] since the first sample of the recording, pauses of the recording not counted
    flow      [n] L/s, positive into the patient
    pressure  [n] cmH2O, at the airway
    """

    number: int
    start_s: float
    flow: Float[np.ndarray, " n"]
    pressure: Float[np.ndarray, " n"]


@dataclass(frozen=True)
class VentilatorWaveform:
    """The breaths of one recording, in order.

    samples_per_second  of flow and pressure [/s]
    origin              clock time of the first sample, None when the source does not say
    findings            what the reader saw and did not like; a breath that is not whole is a finding and not a breath
    """

    source: str
    samples_per_second: float
    breaths: tuple[WaveformBreath, ...]
    origin: datetime | None = None
    findings: tuple[Finding, ...] = ()

    def follows(self, index: int) -> bool:
        """Whether breath ``index`` comes straight after the one before it in the list."""
        return index > 0 and self.breaths[index].number == self.breaths[index - 1].number + 1
