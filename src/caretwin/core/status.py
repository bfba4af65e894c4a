"""What a computation says about its own trustworthiness: a code that travels through compiled programs, and a
sentence.

A numerical failure is a value (architecture, rule 5): it never raises inside a ward and never hides as a NaN.
Codes rise with severity, so the status of several steps together is simply their maximum.
"""

from enum import IntEnum
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Int


class Status(IntEnum):
    """How far a posterior may be trusted; below ``UNRELIABLE`` it may be used, with its sentence beside
    it."""

    OK = 0
    PRIOR_ONLY = 10
    TEMPERED = 20
    SURPRISING_DATUM = 30
    PARTICLES_LOST = 40
    FALLBACK_SAMPLER = 50
    UNRELIABLE = 100
    PARETO_K_BAD = 110
    OPTIMISER_NOT_CONVERGED = 120
    WEIGHTS_COLLAPSED = 130
    DATUM_IMPOSSIBLE = 140
    NON_FINITE = 150


_SENTENCES = {
    Status.OK: "The posterior is well represented.",
    Status.PRIOR_ONLY: "Nothing was measured yet: this describes the population, not this person.",
    Status.TEMPERED: "The datum was informative and was taken in several small steps.",
    Status.SURPRISING_DATUM: "The datum was very unlikely: check the sample, its time and the doses.",
    Status.PARTICLES_LOST: "Some particles gave a result that is not a number; they were removed.",
    Status.FALLBACK_SAMPLER: "Importance sampling was not reliable; a slower sampler was used instead.",
    Status.UNRELIABLE: "The posterior is not reliable.",
    Status.PARETO_K_BAD: "A few draws dominate (Pareto k above its limit): the posterior is not reliable.",
    Status.OPTIMISER_NOT_CONVERGED: "The search for the most probable parameters did not converge.",
    Status.WEIGHTS_COLLAPSED: "Very few particles explain the data: spread and quantiles are not reliable.",
    Status.DATUM_IMPOSSIBLE: "No particle can explain the datum; it was left out.",
    Status.NON_FINITE: "No particle gave a result that is a number; the state before this step was kept.",
}


def sentence(code: int | Array) -> str:
    """The sentence for one status code (an ``int``, a :class:`Status` or a scalar array).

    Raises ValueError for a code that does not exist. Example: ``sentence(Status.OK)``.
    """
    return _SENTENCES[Status(int(code))]


def usable(code: Any) -> Any:
    """True where a posterior with this status may be used, elementwise for arrays of codes."""
    return code < int(Status.UNRELIABLE)


def worst(*codes: Int[Array, "..."] | Status) -> Int[Array, "..."]:
    """The most severe of several codes, elementwise."""
    severest = jnp.asarray(int(Status.OK))
    for code in codes:
        severest = jnp.maximum(severest, jnp.asarray(code, dtype=severest.dtype))
    return severest


def when(condition: Array, status: Status) -> Int[Array, "..."]:
    """``status`` where the condition holds and ``OK`` elsewhere."""
    return jnp.where(condition, int(status), int(Status.OK))
