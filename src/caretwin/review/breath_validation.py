"""Breath by breath on real waveforms: mechanics of the breaths so far must foretell the pressures of the next one.

Forecast of breath n: the median parameters of the usable fits among the RECENT breaths before it, and the flow that the
ventilator delivers in it; from them its highest pressure, its pressure at the end of the flow and, where it was held
there, its plateau. The other way round, for modes that set the pressure: from its airway pressure (and how long it
lasts), its volume. Breaths with effort are forecast as well: nothing is left out of the score because it is hard.

Baselines repeat the breath before (for a plateau the last held one). Under pressure support the peak is a setting, so
repetition is hard to beat there, and the volume is the honest question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from caretwin.record.ventilator_waveform import VentilatorWaveform
from caretwin.review.breath_mechanics import (
    BreathFit,
    Inspiration,
    Intercept,
    driven_volume,
    fit_breath,
    inspiration,
    typical,
)

RECENT, FEWEST = 10, 3  # breaths that the parameters come from; assumed
CHANGED = 0.2  # relative change of volume that counts as a step; assumed
QUANTITIES = ("peak", "end_inspiratory", "plateau", "volume")

Triple = tuple[float, float, float | None]  # forecast, measured, what the baseline would have said (None: nothing)


@dataclass(frozen=True)
class BreathForecast:
    """One breath foretold from those before it; pressures [cmH2O], volume [L].

    plateau        None where there was no hold
    volume_change  relative to the breath before
    usable         whether this breath itself was fitted well
    """

    number: int
    peak: Triple
    end_inspiratory: Triple
    plateau: Triple | None
    volume: Triple
    volume_change: float
    usable: bool


@dataclass(frozen=True)
class ErrorLine:
    """Errors of one quantity over n breaths: median and 90th percentile of |error|, and the mean signed error.

    In cmH2O for pressures and L for the volume; the baseline's beside ours, None where it had nothing to say.
    """

    quantity: str
    breaths: int
    median: float
    ninety: float
    mean: float
    baseline_median: float | None
    baseline_ninety: float | None


def forecast_breaths(
    waveform: VentilatorWaveform, intercept: Intercept = "fitted"
) -> tuple[list[BreathForecast], list[BreathFit | None]]:
    """A forecast of every breath that follows another and has FEWEST usable fits before it; and the fits of all."""
    taken = [inspiration(breath, waveform.samples_per_second) for breath in waveform.breaths]
    fits = [None if one is None else fit_breath(one, intercept) for one in taken]
    forecasts = []
    for n in range(1, len(taken)):
        now, before = taken[n], taken[n - 1]
        used = usable(fits[max(0, n - RECENT) : n])
        if now is None or before is None or not waveform.follows(n) or len(used) < FEWEST:
            continue
        held = [one.plateau for one in taken[:n] if one is not None and one.plateau is not None]
        good = bool(usable(fits[n : n + 1]))
        number = waveform.breaths[n].number
        forecasts.append(_forecast(number, now, before, typical(used), intercept, held[-1] if held else None, good))
    return forecasts, fits


def usable(fits: Sequence[BreathFit | None]) -> list[BreathFit]:
    """The fits that were not refused."""
    return [fit for fit in fits if fit is not None and not fit.refused]


def _forecast(
    number: int,
    now: Inspiration,
    before: Inspiration,
    mechanics: BreathFit,
    intercept: Intercept,
    held: float | None,
    good: bool,
) -> BreathForecast:
    pressure = mechanics.pressure(now, intercept)
    VT, previous = float(now.volume[-1]), float(before.volume[-1])
    resting = mechanics.start(now, intercept) + VT / mechanics.compliance
    return BreathForecast(
        number=number,
        peak=(float(pressure[now.fitted].max()), now.peak, before.peak),
        end_inspiratory=(float(pressure[-1]), float(now.pressure[-1]), float(before.pressure[-1])),
        plateau=None if now.plateau is None else (resting, now.plateau, held),
        volume=(driven_volume(now, mechanics, intercept), VT, previous),
        volume_change=VT / previous - 1.0,
        usable=good,
    )


def errors(forecasts: Sequence[BreathForecast]) -> tuple[ErrorLine, ...]:
    """One line per quantity that was foretold at least once."""
    lines = []
    for quantity in QUANTITIES:
        triples = [triple for f in forecasts if (triple := getattr(f, quantity)) is not None]
        if triples:
            lines.append(error_line(quantity, triples))
    return tuple(lines)


def error_line(quantity: str, triples: Sequence[Triple]) -> ErrorLine:
    """Errors of one quantity, the baseline's over the breaths for which it had something to say."""
    ours = np.array([forecast - measured for forecast, measured, _ in triples])
    repeated = np.abs([last - measured for _, measured, last in triples if last is not None])
    median, ninety = (float(np.quantile(np.abs(ours), q)) for q in (0.5, 0.9))
    baseline = [float(np.quantile(repeated, q)) if len(repeated) else None for q in (0.5, 0.9)]
    return ErrorLine(quantity, len(ours), median, ninety, float(ours.mean()), baseline[0], baseline[1])


def summary(waveform: VentilatorWaveform, intercept: Intercept = "fitted") -> dict[str, Any]:
    """Everything that a table shows of one recording, as JSON.

    breaths, forecasts; refused fits by reason; quartiles of the usable parameters; error lines of all breaths, of
    those that looked passive, and of those whose volume changed by more than CHANGED.
    """
    forecasts, fits = forecast_breaths(waveform, intercept)
    groups: dict[str, Callable[[BreathForecast], bool]] = {
        "all": lambda f: True,
        "usable": lambda f: f.usable,
        "volume_changed": lambda f: abs(f.volume_change) > CHANGED,
    }
    good = usable(fits)
    return {
        "source": waveform.source,
        "intercept": intercept,
        "breaths": len(waveform.breaths),
        "findings": len(waveform.findings),
        "no_inspiration": sum(fit is None for fit in fits),
        "refused": dict(Counter(fit.refused for fit in fits if fit is not None and fit.refused)),
        "usable": len(good),
        "parameters": {name: _quartiles(good, name) for name in ("compliance", "resistance", "start_pressure")},
        "forecasts": len(forecasts),
        "errors": {name: [asdict(e) for e in errors([f for f in forecasts if g(f)])] for name, g in groups.items()},
    }


def _quartiles(fits: Sequence[BreathFit], name: str) -> list[float] | None:
    """25th, 50th and 75th percentile, None without fits."""
    return [float(q) for q in np.quantile([getattr(f, name) for f in fits], (0.25, 0.5, 0.75))] if fits else None
