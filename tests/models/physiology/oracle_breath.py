"""The equation of motion integrated in time, breath after breath until it repeats: what the closed form must equal.

Shares no formula with the model: volume is stepped by scipy's adaptive Runge-Kutta method and by nothing else.
"""

from typing import NamedTuple

import numpy as np
from scipy.integrate import solve_ivp


class Integrated(NamedTuple):
    tidal_volume: float
    peak_pressure: float
    plateau_pressure: float
    total_peep: float
    mean_airway_pressure: float
    mean_alveolar_pressure: float
    peak_flow: float
    work: float


def integrate(
    compliance, Ri, Re, rate, fraction, peep, *, flow=None, pressure=None, pause=0.0, end_flow=1.0, effort=0.0
):
    """The repeating breath with a given initial inspiratory flow [L/s] or pressure above PEEP [cmH2O]."""
    period = 60.0 / rate
    ti = fraction * period
    flow_time = ti * (1.0 - pause)

    def muscles(t):
        return effort * np.sin(0.5 * np.pi * t / ti)

    def falling(t):
        return np.where(t <= flow_time, flow * (1.0 - (1.0 - end_flow) * t / flow_time), 0.0)

    def inspire(t, v):
        return [falling(t)] if flow is not None else [(pressure - v[0] / compliance + muscles(t)) / Ri]

    def expire(t, v):
        return [-v[0] / compliance / Re]

    def run(rhs, duration, start, step):
        grid = np.linspace(0.0, duration, 4001)
        return grid, solve_ivp(rhs, (0.0, duration), [start], t_eval=grid, rtol=1e-9, atol=1e-12, max_step=step).y[0]

    trapped = 0.0
    for _ in range(4000):
        t_in, v_in = run(inspire, ti, trapped, ti / 20)
        t_out, v_out = run(expire, period - ti, v_in[-1], np.inf)
        if abs(v_out[-1] - trapped) < 1e-10:
            break
        trapped = v_out[-1]
    else:
        raise AssertionError("the breath does not come to repeat itself")
    f_in = falling(t_in) if flow is not None else (pressure - v_in / compliance + muscles(t_in)) / Ri
    p_in = peep + v_in / compliance + Ri * f_in - muscles(t_in)
    f_out = -v_out / compliance / Re
    alveolar_in, alveolar_out = p_in - Ri * f_in, peep - Re * f_out
    return Integrated(
        tidal_volume=v_in[-1] - v_in[0],
        peak_pressure=p_in.max(),
        plateau_pressure=peep + v_in[-1] / compliance,
        total_peep=peep + v_out[-1] / compliance,
        mean_airway_pressure=(np.trapezoid(p_in, t_in) + peep * t_out[-1]) / period,
        mean_alveolar_pressure=(np.trapezoid(alveolar_in, t_in) + np.trapezoid(alveolar_out, t_out)) / period,
        peak_flow=f_in.max(),
        work=np.trapezoid(p_in * f_in, t_in),
    )
