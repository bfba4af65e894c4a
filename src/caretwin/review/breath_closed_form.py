"""The closed-form breath against a real ventilator in volume control: settings and earlier mechanics in, pressures out.

Unlike :mod:`caretwin.review.breath_validation` the flow is not taken from the waveform: only what a person sets goes in
(volume, rate, times, the shape of the flow, PEEP), and the model makes the breath. For passive patients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from caretwin.record.ventilator_waveform import VentilatorWaveform, WaveformBreath
from caretwin.review.breath_mechanics import FLOWING, BreathFit, Inspiration, fit_breath, inspiration, typical
from caretwin.review.breath_validation import FEWEST, RECENT, ErrorLine, Triple, error_line, usable

# (compliance, resistance, volume, rate, inspiratory fraction, peep, pause fraction, end flow) -> a breath with
# peak_pressure, plateau_pressure, mean_airway_pressure [cmH2O] and peak_flow [L/s]
MakeBreath = Callable[[float, float, float, float, float, float, float, float], Any]

QUANTITIES = ("peak_pressure", "plateau_pressure", "mean_airway_pressure", "peak_flow")
_ENDS = 0.1  # s at both ends of the flow that its shape is read from; assumed


def closed_form_errors(waveform: VentilatorWaveform, make_breath: MakeBreath) -> tuple[ErrorLine, ...]:
    """Errors of the model's breath; the baseline repeats the breath before (the last held one for a plateau).

    Parameters: medians of the usable fits with a measured start among the RECENT breaths before; the last breath of
    the recording is left out, because its expiration is not whole.
    """
    found: dict[str, list[Triple]] = {name: [] for name in QUANTITIES}
    last: dict[str, float | None] = dict.fromkeys(QUANTITIES)
    fits: list[BreathFit | None] = []
    for n, breath in enumerate(waveform.breaths[:-1]):
        taken = inspiration(breath, waveform.samples_per_second)
        used = usable(fits[-RECENT:])
        fits.append(None if taken is None else fit_breath(taken, "measured"))
        if taken is None:
            continue
        measured = _measured(breath, taken)
        if len(used) >= FEWEST and waveform.follows(n):
            mechanics = typical(used)
            settings = _settings(breath, taken, waveform.samples_per_second)
            made = make_breath(mechanics.compliance, mechanics.resistance, *settings)
            for name, value in measured.items():
                found[name].append((float(getattr(made, name)), value, last[name]))
        last |= measured
    return tuple(error_line(name, triples) for name, triples in found.items() if triples)


def _measured(breath: WaveformBreath, taken: Inspiration) -> dict[str, float]:
    found = {
        "peak_pressure": float(breath.pressure.max()),
        "mean_airway_pressure": float(breath.pressure.mean()),
        "peak_flow": float(breath.flow.max()),
    }
    return found if taken.plateau is None else found | {"plateau_pressure": taken.plateau}


def _settings(
    breath: WaveformBreath, taken: Inspiration, samples_per_second: float
) -> tuple[float, float, float, float, float, float]:
    """Volume, rate, inspiratory fraction, PEEP, pause fraction and end flow, as this breath shows that they are set."""
    period = len(breath.flow) / samples_per_second
    outward = np.flatnonzero(breath.flow < -FLOWING)
    ti = float(outward[0]) / samples_per_second if len(outward) else float(taken.seconds[-1])
    few = max(1, round(_ENDS * samples_per_second))
    end_flow = float(taken.flow[-few:].mean() / taken.flow[:few].mean())
    pause = max(0.0, 1.0 - float(taken.seconds[-1]) / ti)
    return float(taken.volume[-1]), 60.0 / period, ti / period, taken.start_pressure, pause, end_flow
