"""One to three compartments in closed form, for any dose history and parameters that change between steps.

    dA1/dt = r - (k10 + k12 + k13) A1 + k21 A2 + k31 A3      k10 = CL/V1   k12 = Q2/V1   k21 = Q2/V2   k13, k31 likewise
    dA2/dt = k12 A1 - k21 A2      dA3/dt = k13 A1 - k31 A3    C = A1/V1
    depot:  dA0/dt = r0 - ka A0, and ka A0 flows into A1

The solution over a step of any length is A(t) = sum_i P_i [...] with the rates lambda_i of the disposition and their
projectors P_i = prod_{j!=i} (M + lambda_j)/(lambda_j - lambda_i) (Sylvester's formula; Gibaldi & Perrier,
Pharmacokinetics, 2nd ed. 1982, ch. 2 and app. B). It is exact: there is no step size, and two steps of 1 h equal one
of 2 h. Where two rates meet (absorption as fast as elimination) the divided difference is used, so nothing is divided
by zero.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]
Vector = tuple[Scalar, ...]

_SERIES_BELOW = 1e-5  # dimensionless; the series' next term, z^3/24, is then below 1e-16


Matrix = tuple[Vector, ...]


class Disposition(NamedTuple):
    """Rates lambda_i [n] (1/h) of the compartments that exchange drug, and what their projectors P_i follow from.

    independent  of every projector but the last, all elements [n][n] but the last diagonal one: each projector has
                 trace 1, and all of them sum to the identity. Fewer numbers to differentiate and to look up.
    """

    rates: Vector
    independent: tuple[Matrix, ...]

    @property
    def projectors(self) -> tuple[Matrix, ...]:
        """P_i [n][n][n]."""
        n = len(self.rates)
        if n == 1:
            return (((jnp.ones_like(self.rates[0]),),),)
        whole = [(*p[:-1], (*p[-1], 1.0 - sum((p[r][r] for r in range(1, n - 1)), p[0][0]))) for p in self.independent]
        total = tuple(tuple(sum((p[r][c] for p in whole[1:]), whole[0][r][c]) for c in range(n)) for r in range(n))
        last = tuple(tuple((1.0 if r == c else 0.0) - total[r][c] for c in range(n)) for r in range(n))
        return (*whole, last)


def disposition(p: Mapping[str, Scalar], compartments: int) -> Disposition:
    """Rates and projectors for individual clearances (L/h) and volumes (L) of 1, 2 or 3 compartments."""
    k10 = p["CL"] / p["V1"]
    if compartments == 1:
        return Disposition((k10,), ())
    k12, k21 = p["Q2"] / p["V1"], p["Q2"] / p["V2"]
    if compartments == 2:
        rates = _two_rates(k10, k12, k21)
        matrix = ((-(k10 + k12), k21), (k12, -k21))
        return Disposition(rates, _independent(matrix, rates))
    k13, k31 = p["Q3"] / p["V1"], p["Q3"] / p["V3"]
    rates = _three_rates(k10, k12, k21, k13, k31)
    zero = jnp.zeros_like(k10)
    matrix = ((-(k10 + k12 + k13), k21, k31), (k12, -k21, zero), (k13, zero, -k31))
    return Disposition(rates, _independent(matrix, rates))


def _two_rates(k10: Scalar, k12: Scalar, k21: Scalar) -> Vector:
    difference = jnp.sqrt((k10 + k12 - k21) ** 2 + 4 * k12 * k21)
    alpha = 0.5 * (k10 + k12 + k21 + difference)
    return alpha, k10 * k21 / alpha


def _three_rates(k10: Scalar, k12: Scalar, k21: Scalar, k13: Scalar, k31: Scalar) -> Vector:
    # Roots of x^3 - a2 x^2 + a1 x - a0 by Viete's trigonometric formula: all three are real and positive.
    a2 = k10 + k12 + k13 + k21 + k31
    a1 = k10 * k21 + k10 * k31 + k21 * k31 + k12 * k31 + k13 * k21
    a0 = k10 * k21 * k31
    shift = a2 / 3
    radius = jnp.sqrt(jnp.maximum(shift**2 - a1 / 3, 1e-300))
    cosine = (2 * shift**3 - shift * a1 + a0) / (2 * radius**3)
    angle = jnp.arccos(jnp.clip(cosine, -1 + 1e-15, 1 - 1e-15)) / 3
    first = shift + 2 * radius * jnp.cos(angle)
    second = shift + 2 * radius * jnp.cos(angle - 2 * jnp.pi / 3)
    return first, second, a0 / (first * second)  # the smallest from the product: no cancellation


def _independent(matrix: Matrix, rates: Vector) -> tuple[Matrix, ...]:
    """Sylvester's formula for every projector but the last, without its last element."""
    n = len(rates)
    found = []
    for i in range(n - 1):
        product = _shifted(matrix, rates, i, 0 if i else 1)
        for j in range(n):
            if j not in (i, 0 if i else 1):
                product = _times(product, _shifted(matrix, rates, i, j))
        found.append((*product[:-1], product[-1][:-1]))
    return tuple(found)


def _shifted(matrix: Matrix, rates: Vector, i: int, j: int) -> Matrix:
    """(M + lambda_j) / (lambda_j - lambda_i)."""
    gap = rates[j] - rates[i]
    n = len(rates)
    return tuple(tuple((matrix[r][c] + (rates[j] if r == c else 0.0)) / gap for c in range(n)) for r in range(n))


def _times(a: Matrix, b: Matrix) -> Matrix:
    n = len(a)
    return tuple(
        tuple(sum((a[r][k] * b[k][c] for k in range(1, n)), a[r][0] * b[0][c]) for c in range(n)) for r in range(n)
    )


def convolved(a: Scalar, b: Scalar, t: Scalar) -> Scalar:
    """Integral over s in (0, t) of exp(-a (t - s)) exp(-b s) ds (h), for rates a and b (1/h) that may be equal."""
    slow, gap = jnp.minimum(a, b), jnp.abs(a - b) * t
    small = gap < _SERIES_BELOW
    safe = jnp.where(small, 1.0, gap)
    ratio = jnp.where(small, 1 - gap / 2 + gap**2 / 6, -jnp.expm1(-safe) / safe)
    return t * jnp.exp(-slow * t) * ratio


def step(
    d: Disposition,
    amounts: Vector,
    rate: Scalar,
    dt: Scalar,
    ka: Scalar | None = None,
    depot: Scalar | None = None,
    depot_rate: Scalar | None = None,
) -> tuple[Vector, Scalar | None]:
    """Amounts [n] and depot after ``dt`` h with constant input rates (dose unit/h) into central and depot."""
    n = len(d.rates)
    flow, surge = rate, None
    if ka is not None:
        # What leaves the depot is depot_rate + (ka A0 - depot_rate) exp(-ka s): a constant and one exponential.
        flow, surge = rate + depot_rate, ka * depot - depot_rate
    after = [jnp.zeros_like(dt)] * n
    projectors = d.projectors
    for i, lam in enumerate(d.rates):
        decay = jnp.exp(-lam * dt)
        filled = flow * (1 - decay) / lam
        if surge is not None:
            filled = filled + surge * convolved(lam, ka, dt)
        for r in range(n):
            row = projectors[i][r]
            kept = sum((row[c] * amounts[c] for c in range(1, n)), row[0] * amounts[0])
            after[r] = after[r] + decay * kept + row[0] * filled
    if ka is None:
        return tuple(after), None
    left = jnp.exp(-ka * dt)
    return tuple(after), depot * left + depot_rate * (1 - left) / ka


def downstream(
    d: Disposition, amounts: Vector, rate: Scalar, dt: Scalar, inflow: Scalar, outflow: Scalar, level: Scalar
) -> Scalar:
    """A one-way compartment fed by A1: dx/dt = inflow A1 - outflow x (effect site, metabolite), after ``dt`` h."""
    n = len(d.rates)
    steady = jnp.zeros_like(dt)
    moved = level * jnp.exp(-outflow * dt)
    for lam, projector in zip(d.rates, d.projectors, strict=True):
        row = projector[0]
        kept = sum((row[c] * amounts[c] for c in range(1, n)), row[0] * amounts[0])
        resting = row[0] * rate / lam
        steady = steady + resting
        moved = moved + inflow * (kept - resting) * convolved(outflow, lam, dt)
    return moved + inflow * steady * -jnp.expm1(-outflow * dt) / outflow
