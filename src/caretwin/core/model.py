"""What a model is: a prior, a transition and an observation model, each a pure function of arrays.

A model's numbers are the leaves of a pytree and only its structure is static, so that twenty drugs of one
structure share one compiled program. Names, units and sources live beside it in a :class:`Card`.

Words: theta, what differs between subjects (on a scale where the prior is normal); phi, the individual parameters
that follow from theta and a context (covariates, occasion); x, state; u, inputs held constant over a step;
w, exogenous noise (an argument, never drawn inside); y, observations.
"""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

Theta = Any
State = Any
Inputs = Any
Context = Any
Individual = Any

MISSING, MEASURED, BELOW_LIMIT, ABOVE_LIMIT = 0, 1, 2, 3


class Observation(NamedTuple):
    """The channels of one observation time.

    value  [C]  in the channel's unit; the limit itself when censored; any finite number when missing
    kind   [C]  MISSING, MEASURED, BELOW_LIMIT or ABOVE_LIMIT
    """

    value: Float[Array, " C"]
    kind: Int[Array, " C"]


class GaussianPrior(eqx.Module):
    """Normal prior of theta: mean [d] and lower Cholesky factor of the covariance [d, d]."""

    mean: Float[Array, " d"]
    cholesky: Float[Array, "d d"]

    def sample(self, key: Array, count: int) -> Float[Array, "count d"]:
        """``count`` independent draws, shape [count, d]."""
        standard = jax.random.normal(key, (count, self.mean.shape[-1]))
        return self.mean + standard @ self.cholesky.T

    def quadratic(self, theta: Float[Array, " d"]) -> Float[Array, ""]:
        """(theta - mean)' Omega^-1 (theta - mean)."""
        standard = jax.scipy.linalg.solve_triangular(self.cholesky, theta - self.mean, lower=True)
        return jnp.sum(standard**2)

    def log_normaliser(self) -> Float[Array, ""]:
        """ln of (2 pi)^(d/2) |Omega|^(1/2)."""
        log_root_determinant = jnp.sum(jnp.log(jnp.abs(jnp.diagonal(self.cholesky))))
        return log_root_determinant + 0.5 * self.mean.shape[-1] * jnp.log(2 * jnp.pi)

    def log_density(self, theta: Float[Array, " d"]) -> Float[Array, ""]:
        """Log density of one theta [d]."""
        return -0.5 * self.quadratic(theta) - self.log_normaliser()

    def flattened(self, weight: Float[Array, ""] | float) -> "GaussianPrior":
        """The prior with covariance Omega / weight: weight < 1 trusts the population less, 1 changes nothing."""
        return GaussianPrior(self.mean, self.cholesky / jnp.sqrt(weight))


class Model(eqx.Module):
    """One subject-level state-space model. Everything is for one particle; ``vmap`` makes ensembles and wards.

    prior   distribution of theta [d]; parameters are positive functions of it where they must be
    """

    prior: eqx.AbstractVar[GaussianPrior]

    @property
    @abstractmethod
    def noise_dimension(self) -> int:
        """How many standard normal numbers a transition needs (0 when it is deterministic)."""

    @abstractmethod
    def individual(self, theta: Theta, context: Context) -> Individual:
        """Individual parameters phi for one theta in one context (covariates, occasion)."""

    @abstractmethod
    def initial(self, phi: Individual, z: Float[Array, " n"]) -> State:
        """State before anything was given; z [noise_dimension] standard normal, ignored when the start is known."""

    @abstractmethod
    def transition(self, phi: Individual, x: State, u: Inputs, w: Float[Array, " n"], dt: Float[Array, ""]) -> State:
        """State after ``dt`` with inputs ``u`` held constant; w [noise_dimension] standard normal."""

    @abstractmethod
    def predict(self, phi: Individual, x: State, u: Inputs) -> Float[Array, " C"]:
        """Expected value of every channel, in the channels' units."""

    @abstractmethod
    def log_observation(self, phi: Individual, x: State, u: Inputs, y: Observation) -> Float[Array, " C"]:
        """Log density of each channel; exactly 0 for a missing one."""

    def simplified(self, history: Any) -> "Model":
        """A model that gives the same densities for this history with less work; itself, unless it knows better."""
        return self

    def schedule(self, phis: Individual, history: Any) -> Any:
        """The history with inputs placed in time; only models with lag times or unknown durations change it."""
        return history

    def exposure(
        self, phi: Individual, before: State, after: State, u: Inputs, dt: Float[Array, ""]
    ) -> Float[Array, ""]:
        """Area under the first channel over a step (unit times h); 0 for models to which it means nothing."""
        return jnp.zeros(())

    @abstractmethod
    def sample_observation(self, phi: Individual, x: State, u: Inputs, e: Float[Array, " C"]) -> Float[Array, " C"]:
        """One observation per channel given standard normal ``e`` [C] (measurement noise as an argument)."""


@dataclass(frozen=True)
class Param:
    """One parameter on its card: unit, typical value as written, variability, and where it comes from."""

    name: str
    unit: str
    typical: str
    variability: str
    source: str
    assumed: bool = False


@dataclass(frozen=True)
class Channel:
    """An observable: its code, unit and plausible range."""

    name: str
    unit: str
    code: str | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Input:
    """Something that acts on the state: a dose, an infusion, a covariate."""

    name: str
    unit: str


@dataclass(frozen=True)
class Card:
    """Names, units and sources of a model: what a person reads before trusting it."""

    name: str
    version: str
    params: Mapping[str, Param] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Input] = field(default_factory=dict)
    channels: Mapping[str, Channel] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
