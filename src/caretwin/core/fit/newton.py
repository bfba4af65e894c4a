"""Damped Newton steps with exact second derivatives, from several starts, for one subject.

Levenberg's damping (Q Appl Math 1944;2:164-168): the Hessian plus a multiple of the identity, raised until
the step goes down and lowered again after each success; near the optimum the steps are Newton's own and
converge quadratically.

Where a parameter places doses in time (lag, duration), the objective has kinks: the level starts to rise, or an
infusion ends, just when a sample was taken. Often the optimum lies on one. There the gradient jumps; what it
jumps by is normal to the kink, so the search goes on along the kink, with the steps' part across it taken out
(the active-set view of Fletcher, Practical Methods of Optimization, 2nd ed. 1987, ch. 14).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from caretwin.core.fit.objective import derivatives
from caretwin.core.history import History
from caretwin.core.model import Model

GRADIENT_TOLERANCE = 1e-8
SMALLEST_STEP = 1e-12
FIRST_DAMPING = 1e-3
MOST_DAMPING = 1e12
LONGEST_STEP = 3.0  # standard deviations of the prior
WRITTEN_OUT = 6  # up to this size linear algebra is elementwise code; beyond, compiling that would take minutes
AT_A_KINK = 1e-5  # steps shorter than this (in prior standard deviations) that still fail have met a kink


class Optimum(NamedTuple):
    """Where a search ended: z [d], objective, gradient [d], Hessian [d, d], whether it converged, number of steps.

    At a kink the gradient is what is left of it along the kink.
    """

    z: Float[Array, " d"]
    value: Float[Array, ""]
    gradient: Float[Array, " d"]
    hessian: Float[Array, "d d"]
    converged: Bool[Array, ""]
    steps: Int[Array, ""]


class _Search(NamedTuple):
    z: Array
    value: Array
    gradient: Array
    hessian: Array
    damping: Array
    trial: Array
    steps: Array
    done: Array
    normal: Array  # unit vector across the kink that the search follows; zero when there is none


def cholesky(matrix: Float[Array, "d d"]) -> tuple[tuple[tuple[Array, ...], ...], Bool[Array, ""]]:
    """Lower factor as nested scalars, and whether the matrix is positive definite.

    Written out because a batch of thousands of small matrices is faster as elementwise code than as library calls.
    """
    d = matrix.shape[0]
    if d > WRITTEN_OUT:
        lower = jnp.linalg.cholesky(matrix)
        positive = jnp.all(jnp.isfinite(lower))
        lower = jnp.where(positive, lower, jnp.eye(d))
        return tuple(tuple(lower[i, j] for j in range(i + 1)) for i in range(d)), positive
    rows: list[list[Array]] = []
    positive = jnp.asarray(True)
    for i in range(d):
        row: list[Array] = []
        for j in range(i):
            inner = sum((row[k] * rows[j][k] for k in range(j)), jnp.zeros(()))
            row.append((matrix[i, j] - inner) / rows[j][j])
        pivot = matrix[i, i] - sum((value**2 for value in row), jnp.zeros(()))
        positive &= pivot > 0
        row.append(jnp.sqrt(jnp.where(pivot > 0, pivot, 1.0)))
        rows.append(row)
    return tuple(tuple(row) for row in rows), positive


def solve(matrix: Float[Array, "d d"], vector: Float[Array, " d"]) -> tuple[Float[Array, " d"], Bool[Array, ""]]:
    """Solution of a symmetric positive definite system, and whether the matrix was one."""
    if matrix.shape[0] > WRITTEN_OUT:
        factor = jnp.linalg.cholesky(matrix)
        positive = jnp.all(jnp.isfinite(factor))
        factor = jnp.where(positive, factor, jnp.eye(matrix.shape[0]))
        return jax.scipy.linalg.cho_solve((factor, True), vector), positive
    lower, positive = cholesky(matrix)
    d = len(lower)
    forward: list[Array] = []
    for i in range(d):
        forward.append((vector[i] - sum((lower[i][k] * forward[k] for k in range(i)), jnp.zeros(()))) / lower[i][i])
    back: list[Array] = [jnp.zeros(())] * d
    for i in reversed(range(d)):
        known = sum((lower[k][i] * back[k] for k in range(i + 1, d)), jnp.zeros(()))
        back[i] = (forward[i] - known) / lower[i][i]
    return jnp.stack(back), positive


def minimise(
    model: Model,
    z: Float[Array, " d"],
    history: History,
    most_steps: int | Array,
    across: Float[Array, " d"],
    tolerance: float | Array = GRADIENT_TOLERANCE,
) -> Optimum:
    """Newton from one start until the gradient is below ``tolerance``, the step is nothing, or after ``most_steps``.

    across  unit vector [d] along which nothing moves, for the optimum in the plane across it; zeros: everything moves
    """
    d = z.shape[0]
    kinks = history.doses is not None

    def body(s: _Search) -> _Search:
        # Each turn judges the trial point of the turn before (the start itself at first) and proposes the next.
        trial = derivatives(model, s.trial, history)
        finite = jnp.isfinite(trial.value) & jnp.all(jnp.isfinite(trial.hessian))
        better = finite & (trial.value <= s.value)
        z, value, gradient, hessian = jax.tree.map(
            lambda new, old: jnp.where(better, new, old),
            (s.trial, trial.value, trial.gradient, trial.hessian),
            (s.z, s.value, s.gradient, s.hessian),
        )
        damping = jnp.where(better, s.damping * 0.1, jnp.maximum(s.damping, 1e-4) * 8.0)
        damping = jnp.where(damping < 1e-9, 0.0, damping)
        normal = s.normal
        if kinks:
            normal, found = _across(s, trial.gradient, finite & ~better)
            damping = jnp.where(found, FIRST_DAMPING, damping)
        gradient_along = gradient - normal * jnp.sum(normal * gradient)
        step, damping = _step(hessian, gradient_along, damping, normal)
        length = jnp.sqrt(jnp.sum(step**2))
        step = step * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(length, 1e-300))
        flat = jnp.max(jnp.abs(gradient_along)) < tolerance
        done = flat | (length < SMALLEST_STEP) | (damping > MOST_DAMPING)
        return _Search(z, value, gradient, hessian, damping, z + step, s.steps + 1, done, normal)

    def going(s: _Search) -> Array:
        return ~s.done & (s.steps < most_steps)

    nowhere = _Search(
        z, jnp.asarray(jnp.inf), jnp.full(d, jnp.inf), jnp.eye(d), jnp.asarray(10 * FIRST_DAMPING), z,
        jnp.asarray(0), jnp.asarray(False), across,
    )  # fmt: skip
    end = jax.lax.while_loop(going, body, nowhere)
    along = end.gradient - end.normal * jnp.sum(end.normal * end.gradient)
    return Optimum(end.z, end.value, along, end.hessian, end.done, end.steps)


def _across(s: _Search, gradient: Array, failed: Array) -> tuple[Array, Array]:
    """The normal of the kink to follow from now on, and whether it was met just now."""
    step = s.trial - s.z
    jump = gradient - s.gradient - s.hessian @ step
    size = jnp.sqrt(jnp.sum(jump**2))
    along = s.gradient - s.normal * jnp.sum(s.normal * s.gradient)
    # A short step that fails although the gradient promised a descent: the gradient is another on the far side.
    met = failed & (jnp.sqrt(jnp.sum(step**2)) < AT_A_KINK) & (size > 0.1 * jnp.max(jnp.abs(along)))
    met &= jnp.all(s.normal == 0) & jnp.isfinite(size)
    return jnp.where(met, jump / jnp.maximum(size, 1e-300), s.normal), met


def _step(hessian: Array, gradient: Array, damping: Array, normal: Array) -> tuple[Array, Array]:
    """Newton's step with at least ``damping``, never along ``normal``, and the damping needed for a descent."""
    identity = jnp.eye(hessian.shape[0])
    # (1 - n n') H (1 - n n') + n n', written out: with n = 0 it is H.
    towards = jnp.sum(hessian * normal, axis=1)
    both = normal[:, None] * towards
    twice = 1.0 + jnp.sum(towards * normal)
    hessian = hessian - both - both.T + twice * normal[:, None] * normal
    step, positive = solve(hessian + damping * identity, -gradient)
    # Where the surface is not convex, the damping that certainly makes it so (Gershgorin's circles).
    row_sums = jnp.sum(jnp.abs(hessian), axis=1)
    enough = jnp.max(row_sums - jnp.diagonal(hessian) - jnp.abs(jnp.diagonal(hessian))) + 1.0
    damping = jnp.where(positive, damping, jnp.maximum(damping, enough))
    safe, _ = solve(hessian + damping * identity, -gradient)
    return jnp.where(positive, step, safe), damping
