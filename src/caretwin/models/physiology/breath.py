"""One breath of a ventilated patient in closed form: pressures, volumes and gas trapping once a setting has settled.

One compartment, the equation of motion of the respiratory system (Otis, Fenn & Rahn 1950, J Appl Physiol 2:592;
Marini & Crooke 1993, Am Rev Respir Dis 147:14):

    Paw = PEEP + v/C + R dv/dt - Pmus           v  volume above the equilibrium at the set PEEP [L]
    Palv = PEEP + v/C - Pmus                    R  Ri while the ventilator inflates, Re while it lets out
    Pmus = effort sin(pi t/(2 ti)) while the ventilator inflates, 0 while it lets out

Expiration is passive, v falls by B' = exp(-te/(Re C)); the same breath comes again and again, so what is left at its
end is what was there at its start. That condition is linear and is solved exactly, no breath is iterated:

    volume control    v0 = VT B'/(1 - B')                                            (any flow that is set)
    pressure control  v1 = C [dP (1 - A') + E (1 + x A')/(1 + x^2)] / (1 - A' B')    (square pressure)
                      v0 = B' v1,   VT = v1 - v0,   A' = exp(-ti/(Ri C)),   x = pi Ri C/(2 ti),   E = effort

v0 is the trapped volume, v0/C the intrinsic PEEP. The effort rises through inspiration, is greatest when the ventilator
cycles off, and is gone then (assumed; a sine because its response is closed, and it adds to the passive one because the
system is linear). Plateau and total PEEP are what holds with relaxed muscles would show: under pressure support the
plateau can lie above the airway pressure, as in patients who pull (Foti 1997, Am J Respir Crit Care Med 156:1210).

Functions are of scalars, pure, differentiable, and finite for every finite input: values that no lung or ventilator has
are moved to the nearest that one could have (the bounds below). NaN in, NaN out: absent stays absent.

Not for: flow limitation and two time constants in COPD (one Re stands for
them), leaks, expiratory effort, cycling off by flow (the inspiratory fraction is given), the ventilator's own circuit.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology.elementary import arctangent
from caretwin.models.physiology.mechanical_power import JOULE_PER_CMH2O_LITRE

Scalar = Float[Array, ""]

# Bounds that keep a division or an exponential finite: assumed, and outside of what patients and machines have.
LEAST_COMPLIANCE, MOST_COMPLIANCE = 1e-3, 1.0  # L/cmH2O
LEAST_RESISTANCE, MOST_RESISTANCE = 0.1, 500.0  # cmH2O s/L
LEAST_RATE, MOST_RATE = 1.0, 200.0  # /min
LEAST_FRACTION, MOST_FRACTION = 0.05, 0.9  # of the breath spent in inspiration; inverse ratio 4:1 is 0.8
MOST_PAUSE = 0.9  # of inspiration spent without flow
LEAST_SLOPE = 1e-6  # of a flow that falls, as a share of it; the crest of a flatter one is at its end
NEWTON_STEPS = 6  # towards the crest of the flow under an effort

_PI = 3.141592653589793
_MEAN_OF_QUARTER_SINE = 2.0 / _PI


class Lung(NamedTuple):
    """The respiratory system as one compartment.

    compliance              of lung and chest wall together [L/cmH2O]
    inspiratory_resistance  of airway and tube [cmH2O s/L]
    expiratory_resistance   the same, outwards, with the expiratory valve [cmH2O s/L]
    """

    compliance: Scalar
    inspiratory_resistance: Scalar
    expiratory_resistance: Scalar


class Breath(NamedTuple):
    """What the ventilator would show and what the alveoli feel, in the steady state of one setting.

    tidal_volume [L], rate [/min], inspiratory_time [s], peak_flow of inspiration [L/s], minute_ventilation [L/min]
    peak_pressure           highest airway pressure [cmH2O]
    plateau_pressure        alveolar pressure at the end of inspiration, muscles relaxed [cmH2O]
    driving_pressure        plateau - total PEEP = tidal volume / compliance [cmH2O]
    total_peep              alveolar pressure at the end of expiration [cmH2O]
    intrinsic_peep          its part above the set PEEP [cmH2O]
    mean_airway_pressure, mean_alveolar_pressure   over the whole breath [cmH2O]
    mechanical_power        done by the ventilator, the patient's own muscles left out [J/min]
    """

    tidal_volume: Scalar
    rate: Scalar
    peak_pressure: Scalar
    plateau_pressure: Scalar
    driving_pressure: Scalar
    total_peep: Scalar
    intrinsic_peep: Scalar
    mean_airway_pressure: Scalar
    mean_alveolar_pressure: Scalar
    inspiratory_time: Scalar
    peak_flow: Scalar
    minute_ventilation: Scalar
    mechanical_power: Scalar


class _Cycle(NamedTuple):
    """One lung in one rhythm: C [L/cmH2O], Ri, Re [cmH2O s/L], f [/min], T, ti, te [s], and what is filled and emptied.

    A = 1 - exp(-ti/(Ri C)), B = 1 - exp(-te/(Re C)); x = pi Ri C/(2 ti)
    """

    C: Scalar
    Ri: Scalar
    Re: Scalar
    f: Scalar
    T: Scalar
    ti: Scalar
    te: Scalar
    A: Scalar
    B: Scalar
    x: Scalar


def volume_control(
    lung: Lung,
    tidal_volume: Scalar,
    rate: Scalar,
    inspiratory_fraction: Scalar,
    peep: Scalar,
    *,
    pause_fraction: Scalar | float = 0.0,
    end_flow: Scalar | float = 1.0,
    effort: Scalar | float = 0.0,
) -> Breath:
    """Volume control with a square flow, or one that falls along a straight line.

    tidal_volume [L], rate [/min], inspiratory_fraction of the breath (pause included), peep [cmH2O],
    pause_fraction of the inspiration, at its end and without flow; end_flow: flow at its end as a share of that at its
    start, 1 for a square and 0 for a full ramp; effort: greatest pressure of the muscles [cmH2O].
    The volume is delivered whatever the pressure: a high-pressure limit is the caller's business.

    Peak pressure: with a square flow the airway pressure is convex in time, so it is highest at an end of the flow or
    of the pause; with a ramp and no effort it is a parabola. Both are exact; with a ramp and an effort the larger of
    these points and of one Newton step is taken: too low by 2 % of the effort in one of 100 random breaths, by 12 % in
    the worst of 20,000.
    Mean airway pressure: its integral over the breath; for a square flow without trapping, pause and effort it is
    PEEP + (ti/T)(R F + VT/2C) (Marini & Ravenscraft 1992, Crit Care Med 20:1461).

    >>> breath = volume_control(Lung(0.05, 10.0, 10.0), 0.5, 15.0, 1 / 3, 5.0)
    >>> round(float(breath.plateau_pressure), 2), round(float(breath.peak_pressure), 2)
    (15.05, 18.8)
    """
    k, VT, E = _cycle(lung, rate, inspiratory_fraction), tidal_volume, effort
    q = 1.0 - jnp.clip(pause_fraction, 0.0, MOST_PAUSE)
    e = jnp.clip(end_flow, 0.0, 1.0)
    tf = q * k.ti
    F = 2.0 * VT / (tf * (1.0 + e))
    PEEPi = VT / k.C * (1.0 - k.B) / k.B
    PEEPtot = peep + PEEPi

    def airway(u: Scalar | float) -> Scalar:  # u of the flow time gone
        filled = u * (2.0 - (1.0 - e) * u) / (1.0 + e)
        return PEEPtot + VT / k.C * filled + k.Ri * F * (1.0 - (1.0 - e) * u) - E * jnp.sin(0.5 * _PI * q * u)

    crest = jnp.clip((1.0 - (1.0 - e) * k.Ri * k.C / tf) / jnp.maximum(1.0 - e, LEAST_SLOPE), 0.0, 1.0)
    a = 0.5 * _PI * q
    bend = 2.0 * (1.0 - e) / (1.0 + e) * VT / k.C - E * a**2 * jnp.sin(a * crest)
    step = jnp.where(bend > 0, E * a * jnp.cos(a * crest) / jnp.where(bend > 0, bend, 1.0), 0.0)
    earlier = jnp.clip(crest - step, 0.0, 1.0)
    peak = jnp.maximum(jnp.maximum(airway(0.0), airway(1.0)), jnp.maximum(airway(crest), airway(earlier)))
    held = PEEPi + VT / k.C * (1.0 - q * (1.0 + 2.0 * e) / (3.0 * (1.0 + e))) - E * _MEAN_OF_QUARTER_SINE
    mean_airway = peep + (held * k.ti + k.Ri * VT) / k.T
    resistive = k.Ri * F**2 * tf * (1.0 + e + e**2) / 3.0
    work = VT * (PEEPtot + 0.5 * VT / k.C) + resistive - E * F * tf * _sine_during_ramp(0.5 * _PI * q, e)
    return _breath(k, VT, peep, PEEPi, peak, mean_airway, F, work)


def pressure_control(
    lung: Lung,
    pressure_above_peep: Scalar,
    rate: Scalar,
    inspiratory_fraction: Scalar,
    peep: Scalar,
    *,
    effort: Scalar | float = 0.0,
) -> Breath:
    """Pressure control: the airway is at peep + pressure_above_peep [cmH2O] during inspiration and at peep afterwards.

    Other arguments as in :func:`volume_control`. The tidal volume follows; the plateau is the alveolar pressure
    that inspiration reaches, below the set pressure when time is short, above it when the patient pulls hard.
    Without trapping and effort VT = C dP (1 - exp(-ti/RC)) (Marini, Crooke & Truwit 1989, J Appl Physiol 67:1081).

    >>> breath = pressure_control(Lung(0.05, 10.0, 10.0), 15.0, 15.0, 1 / 3, 5.0)
    >>> round(float(breath.tidal_volume), 3), round(float(breath.peak_pressure), 1)
    (0.695, 20.0)
    """
    k, dP = _cycle(lung, rate, inspiratory_fraction), pressure_above_peep
    full = k.A + (1.0 - k.A) * k.B  # 1 - A' B', without its cancellation where both are near 1
    v1 = k.C * (dP * k.A + effort * _effort_gain(k)) / full
    VT, PEEPi = v1 * k.B, v1 * (1.0 - k.B) / k.C
    mean_airway = peep + dP * k.ti / k.T
    work = VT * (peep + dP)
    return _breath(k, VT, peep, PEEPi, peep + jnp.maximum(dP, 0.0), mean_airway, _peak_flow(k, dP, PEEPi, effort), work)


def pressure_support(
    lung: Lung, support: Scalar, rate: Scalar, inspiratory_fraction: Scalar, peep: Scalar, effort: Scalar
) -> Breath:
    """Pressure support above peep (0: CPAP), for a patient who breathes at ``rate`` with ``effort`` [cmH2O].

    The equations are those of :func:`pressure_control`; the ventilator's inspiration is taken to last as long as the
    patient's, see :func:`spontaneous_inspiratory_fraction` where the fraction is not known.

    >>> breath = pressure_support(Lung(0.05, 10.0, 10.0), 8.0, 20.0, 0.35, 5.0, 5.0)
    >>> round(float(breath.tidal_volume), 2)
    0.52
    """
    return pressure_control(lung, support, rate, inspiratory_fraction, peep, effort=effort)


def pressure_for_volume(
    lung: Lung,
    tidal_volume: Scalar,
    rate: Scalar,
    inspiratory_fraction: Scalar,
    *,
    effort: Scalar | float = 0.0,
) -> Scalar:
    """Pressure above PEEP [cmH2O] at which :func:`pressure_control` delivers ``tidal_volume`` [L]; never below 0.

    What pressure-regulated volume control and volume support settle on after some breaths. It is the inverse of a
    linear relation; an effort that brings more than the volume by itself leaves 0.

    >>> lung = Lung(0.05, 10.0, 10.0)
    >>> dP = pressure_for_volume(lung, 0.5, 15.0, 1 / 3)
    >>> round(float(pressure_control(lung, dP, 15.0, 1 / 3, 5.0).tidal_volume), 3)
    0.5
    """
    k = _cycle(lung, rate, inspiratory_fraction)
    full = k.A + (1.0 - k.A) * k.B  # 1 - A' B', without its cancellation where both are near 1
    return jnp.maximum((tidal_volume * full / (k.B * k.C) - effort * _effort_gain(k)) / k.A, 0.0)


def one_breath(
    lung: Lung,
    mode: Scalar,
    *,
    tidal_volume: Scalar,
    pressure: Scalar,
    rate: Scalar,
    inspiratory_fraction: Scalar,
    peep: Scalar,
    pause_fraction: Scalar | float = 0.0,
    end_flow: Scalar | float = 1.0,
    effort: Scalar | float = 0.0,
) -> Breath:
    """The breath of any mode; the setting that a mode does not use may be absent (NaN).

    mode  0 not ventilated: the patient's effort alone, no PEEP; 1 volume control; 2 pressure control;
          3 pressure-regulated volume control; 4 pressure support or CPAP; 5 SIMV, of which every breath is taken for a
          mandatory one of volume control (assumed); 6 volume support, as 3; 7 non-invasive, as 4 (no leak). Codes of
          the channel ventilator_mode; any other number is taken for 4 (assumed)
    tidal_volume [L] of modes 1, 3, 5, 6; pressure above PEEP [cmH2O] of modes 2, 4, 7; the rest as above.

    >>> lung = Lung(0.05, 10.0, 10.0)
    >>> absent = float("nan")
    >>> asked = dict(tidal_volume=absent, pressure=15.0, rate=15.0, inspiratory_fraction=1 / 3, peep=5.0)
    >>> round(float(one_breath(lung, 2, **asked).tidal_volume), 3)
    0.695
    """
    mode = jnp.asarray(mode)
    is_volume, is_targeted, ventilated = (mode == 1) | (mode == 5), (mode == 3) | (mode == 6), mode != 0
    VT = jnp.where(is_volume | is_targeted, tidal_volume, 0.0)
    dP = jnp.where(ventilated & ~is_volume & ~is_targeted, pressure, 0.0)
    PEEP = jnp.where(ventilated, peep, 0.0)
    dP = jnp.where(is_targeted, pressure_for_volume(lung, VT, rate, inspiratory_fraction, effort=effort), dP)
    shape = {"pause_fraction": pause_fraction, "end_flow": end_flow}
    by_volume = volume_control(lung, VT, rate, inspiratory_fraction, PEEP, effort=effort, **shape)
    by_pressure = pressure_control(lung, dP, rate, inspiratory_fraction, PEEP, effort=effort)
    return Breath(*(jnp.where(is_volume, v, p) for v, p in zip(by_volume, by_pressure, strict=True)))


def spontaneous_inspiratory_fraction(rate: Scalar) -> Scalar:
    """Share of a breath spent in inspiration by a patient who breathes at ``rate`` [/min]: 0.0125 (f + 4) + 0.125.

    Source: Pulse Physiology Engine 4.2, respiratory methodology (a transcription, not checked against its primary
    source). Held below 0.6, which it passes at 34 /min: assumed.

    >>> round(float(spontaneous_inspiratory_fraction(12.0)), 3)
    0.325
    """
    return jnp.clip(0.0125 * (jnp.asarray(rate) + 4.0) + 0.125, LEAST_FRACTION, 0.6)


def mean_effort(effort: Scalar, inspiratory_fraction: Scalar) -> Scalar:
    """Mean over the whole breath [cmH2O] of the muscles' pressure, whose greatest value is ``effort`` [cmH2O].

    >>> round(float(mean_effort(10.0, 0.35)), 2)
    2.23
    """
    share = jnp.clip(inspiratory_fraction, LEAST_FRACTION, MOST_FRACTION)
    return _MEAN_OF_QUARTER_SINE * share * jnp.asarray(effort)


def inspiratory_fraction_of(inspiratory_expiratory_ratio: Scalar) -> Scalar:
    """Inspiratory share of the breath for an I:E given as one number, 0.5 for 1:2.

    >>> round(float(inspiratory_fraction_of(0.5)), 3)
    0.333
    """
    ratio = jnp.asarray(inspiratory_expiratory_ratio)
    return ratio / (1.0 + ratio)


def _cycle(lung: Lung, rate: Scalar, inspiratory_fraction: Scalar) -> _Cycle:
    C = jnp.clip(lung.compliance, LEAST_COMPLIANCE, MOST_COMPLIANCE)
    Ri = jnp.clip(lung.inspiratory_resistance, LEAST_RESISTANCE, MOST_RESISTANCE)
    Re = jnp.clip(lung.expiratory_resistance, LEAST_RESISTANCE, MOST_RESISTANCE)
    T = 60.0 / jnp.clip(rate, LEAST_RATE, MOST_RATE)
    ti = T * jnp.clip(inspiratory_fraction, LEAST_FRACTION, MOST_FRACTION)
    te = T - ti
    A, B = -jnp.expm1(-ti / (Ri * C)), -jnp.expm1(-te / (Re * C))
    return _Cycle(C, Ri, Re, jnp.maximum(rate, 0.0), T, ti, te, A, B, 0.5 * _PI * Ri * C / ti)


def _sine_during_ramp(a: Scalar, e: Scalar) -> Scalar:
    """Integral over u from 0 to 1 of sin(a u) (1 - (1 - e) u)."""
    return (1.0 - jnp.cos(a)) / a - (1.0 - e) * (jnp.sin(a) / a - jnp.cos(a)) / a


def _effort_gain(k: _Cycle) -> Scalar:
    """End-inspiratory elastic pressure per effort: forced and free part of the response to the rising sine."""
    return (1.0 + k.x * (1.0 - k.A)) / (1.0 + k.x**2)


def _peak_flow(k: _Cycle, dP: Scalar, PEEPi: Scalar, effort: Scalar | float) -> Scalar:
    """Highest inspiratory flow of pressure control: at the start, or near the crest of the effort's own response.

    F(t) = (a - b) exp(-t/tau) + b (cos wt + x sin wt), a = (dP - PEEPi)/Ri, b = C E w/(1 + x^2), w = pi/(2 ti). The
    crest of the second term lies at wt = atan x; Newton steps from there account for the first, each at least as long
    as the time constant where effort alone moves a lung that follows at once. Never above the maximum; below it by
    0.2 % in the worst of 20,000 random breaths, by less than 1e-7 in 99 of 100.
    """
    w, tau = 0.5 * _PI / k.ti, k.Ri * k.C
    a, b = (dP - PEEPi) / k.Ri, k.C * effort * w / (1.0 + k.x**2)

    def flow(t: Scalar) -> Scalar:
        return (a - b) * jnp.exp(-t / tau) + b * (jnp.cos(w * t) + k.x * jnp.sin(w * t))

    crest = t = arctangent(k.x) / w
    steepest = b * w * jnp.sqrt(1.0 + k.x**2)
    for _ in range(NEWTON_STEPS):
        fading = (b - a) * jnp.exp(-t / tau) / tau
        slope = fading - steepest * jnp.sin(w * (t - crest))
        bend = fading / tau + steepest * w * jnp.cos(w * (t - crest))
        step = jnp.where(bend > 0, slope / jnp.where(bend > 0, bend, 1.0), 0.0)
        t = jnp.clip(t + step, 0.0, k.ti)
    return jnp.maximum(a, flow(t))


def _breath(
    k: _Cycle,
    VT: Scalar,
    peep: Scalar,
    PEEPi: Scalar,
    peak: Scalar,
    mean_airway: Scalar,
    peak_flow: Scalar,
    work: Scalar,
) -> Breath:
    """The parts that both modes share. ``work`` [cmH2O L] per breath.

    Mean alveolar = mean airway + (Re - Ri) VT/T: what resistance takes on the way in and gives on the way out
    (Marini & Ravenscraft 1992, Crit Care Med 20:1461, with VE = VT/T).
    """
    return Breath(
        tidal_volume=jnp.asarray(VT),
        rate=k.f,
        peak_pressure=peak,
        plateau_pressure=peep + PEEPi + VT / k.C,
        driving_pressure=VT / k.C,
        total_peep=peep + PEEPi,
        intrinsic_peep=PEEPi,
        mean_airway_pressure=mean_airway,
        mean_alveolar_pressure=mean_airway + (k.Re - k.Ri) * VT / k.T,
        inspiratory_time=k.ti,
        peak_flow=peak_flow,
        minute_ventilation=VT * k.f,
        mechanical_power=JOULE_PER_CMH2O_LITRE * k.f * work,
    )
