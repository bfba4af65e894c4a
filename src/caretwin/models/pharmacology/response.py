"""Responses that a level drives through linear equations, exact but for one integral over the step.

    turnover      dR/dt = R0 KOUT (1 - s) - KOUT R           s = EMAX C^HILL/(EC50^HILL + C^HILL)
    coagulation   two chains of three transit compartments, x1' = k (1 - s - x1), x2' = k (x1 - x2), ..., k = 3/MTT

Both are linear in their states, so over a step of length h

    R(h) = R(0) e^-kh + R0 (1 - e^-kh) - R0 k integral over (0, h) of s(t) e^-k(h - t) dt

and likewise with gamma kernels for a chain. The level C(t) has a closed form, and the integral is taken by
Gauss-Legendre quadrature on panels that are graded towards both ends of the step: the start, where doses make s move
fastest, and the end, which a fast response remembers best (Davis & Rabinowitz, Methods of Numerical Integration,
2nd ed. 1984, ch. 2). A test holds the result against an adaptive Runge-Kutta method, up to rates of 30 per hour.
Equations: see :mod:`.nonlinear`.
"""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.models.pharmacology.linear import Disposition, Vector, step
from caretwin.models.pharmacology.nonlinear import saturation
from caretwin.models.pharmacology.structure import Structure

Scalar = Float[Array, ""]
States = dict[str, Scalar]

LONGEST_STEP = 24.0  # h between rows for such models; the panels are chosen for it
_PANELS = (0, 1 / 256, 1 / 64, 1 / 16, 1 / 4, 3 / 4, 15 / 16, 63 / 64, 255 / 256, 1)  # of the step
_ORDER = 8  # nodes per panel: exact for polynomials of degree 15


def _rule() -> tuple[np.ndarray, np.ndarray]:
    nodes, weights = np.polynomial.legendre.leggauss(_ORDER)
    begin, width = np.asarray(_PANELS[:-1]), np.diff(_PANELS)
    return (begin[:, None] + width[:, None] * (nodes + 1) / 2).ravel(), (width[:, None] * weights / 2).ravel()


NODES, WEIGHTS = _rule()


def respond(
    s: Structure,
    p: Mapping[str, Scalar],
    d: Disposition,
    x: Mapping[str, Scalar],
    rate: Scalar,
    depot_rate: Scalar | None,
    dt: Scalar,
) -> States:
    """The states of the response after ``dt`` h (at most LONGEST_STEP), amounts ``x`` and inputs being those at its
    start."""
    amounts: Vector = tuple(x[f"A{i}"] for i in range(1, s.compartments + 1))
    moments, weights = dt * NODES, dt * WEIGHTS
    after, _ = step(d, amounts, rate, moments, p.get("KA"), x.get("A0"), depot_rate)
    drive = saturation(after[0] / p["V1"], p["EC50"], p["HILL"])
    if s.response == "turnover":
        k = p["KOUT"]
        inhibited = p["EMAX"] * jnp.sum(weights * drive * k * jnp.exp(-k * (dt - moments)))
        left = jnp.exp(-k * dt)
        return {"response": x["response"] * left + p["R0"] * (-jnp.expm1(-k * dt) - inhibited)}
    found: States = {}
    for chain in ("FAST", "SLOW"):
        found |= _chain(chain, 3.0 / p[f"MTT_{chain}"], x, drive, dt, moments, weights)
    return found


def _chain(
    name: str, k: Scalar, x: Mapping[str, Scalar], drive: Array, dt: Scalar, moments: Array, weights: Array
) -> States:
    # y = 1 - x, what is missing, obeys y1' = k (s - y1), y2' = k (y1 - y2), y3' = k (y2 - y3).
    missing = [1.0 - x[f"{name}{place}"] for place in (1, 2, 3)]
    ahead = k * (dt - moments)
    kernel = weights * drive * k * jnp.exp(-ahead)
    passed = [1.0, k * dt, (k * dt) ** 2 / 2]
    fed = [jnp.sum(kernel), jnp.sum(kernel * ahead), jnp.sum(kernel * ahead**2) / 2]
    left = jnp.exp(-k * dt)
    return {
        f"{name}{place + 1}": 1.0 - left * sum(missing[m] * passed[place - m] for m in range(place + 1)) - fed[place]
        for place in range(3)
    }
