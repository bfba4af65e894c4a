"""A drug in a person as a model of the engine: parameters, amounts in compartments, levels and effects."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from caretwin.core.history import History
from caretwin.core.model import MEASURED, GaussianPrior, Model, Observation
from caretwin.models.pharmacology import linear, nonlinear, placement, response
from caretwin.models.pharmacology.placement import DoseInputs
from caretwin.models.pharmacology.residual import ResidualError
from caretwin.models.pharmacology.structure import Structure

Scalar = Float[Array, ""]


class DoseContext(NamedTuple):
    """What individual parameters depend on besides theta.

    basis     [T P] log of the typical terms (log-affine drugs), or [C] covariates in the file's units (the others)
    occasion  index of the occasion
    """

    basis: Float[Array, " B"]
    occasion: Int[Array, ""]


class LogAffine(eqx.Module):
    """phi = sum over terms of exp(basis + loading eta + occasion_loading kappa): nearly every published model.

    The loadings [T, P, d] and [T, P, q] are data, so that drugs of one structure share one compiled program. Most
    models have one term; a parameter with fewer terms than there is room for has a basis of -inf there.
    """

    loading: Float[Array, "T P d"]
    occasion_loading: Float[Array, "T P q"]

    def __check_init__(self) -> None:
        """Raises ValueError for loadings without terms: their parameters would be taken for terms."""
        shapes = np.shape(self.loading), np.shape(self.occasion_loading)
        if any(len(shape) != 3 for shape in shapes):
            raise ValueError(f"loadings have shapes {shapes[0]} and {shapes[1]}; wanted [T, P, d] and [T, P, q]")

    def __call__(
        self, eta: Float[Array, " d"], kappa: Float[Array, " q"], basis: Float[Array, " TP"]
    ) -> Float[Array, " P"]:
        """Individual parameters [P]."""
        room = self.loading.shape[0]
        found = jnp.exp(basis.reshape(room, -1) + self.loading @ eta + self.occasion_loading @ kappa)
        return found[0] if room == 1 else jnp.sum(found, axis=0)


@dataclass(frozen=True)
class Formula:
    """The formulas of one drug file, named by its content, so that the same file means the same compiled program."""

    fingerprint: str
    individual: Callable[..., Any] = dataclasses.field(repr=False, compare=False)


class ByFormula(eqx.Module):
    """phi from the drug file's own formulas: for effects that do not multiply (an additive slope, a sum of two)."""

    formula: Formula = eqx.field(static=True)

    def __call__(
        self, eta: Float[Array, " d"], kappa: Float[Array, " q"], basis: Float[Array, " C"]
    ) -> Float[Array, " P"]:
        """Individual parameters [P]."""
        return self.formula.individual(eta, basis, kappa if kappa.shape[0] else None)


class Body(NamedTuple):
    """Individual parameters by name, and the disposition worked out from them once per context."""

    p: dict[str, Scalar]
    disposition: linear.Disposition | None


class DrugModel(Model):
    """One drug model; theta is (eta [d], kappa [occasions, q] flattened)."""

    prior: GaussianPrior
    individualise: LogAffine | ByFormula
    error: ResidualError
    structure: Structure = eqx.field(static=True)
    effects: int = eqx.field(static=True)
    occasions: int = eqx.field(static=True, default=0)

    @property
    def noise_dimension(self) -> int:
        """Drug kinetics are deterministic between doses."""
        return 0

    @property
    def linear_kinetics(self) -> bool:
        """Whether amounts have a closed form (else they are integrated), whatever they make the body do."""
        s = self.structure
        driven = s.response not in ("none", "sigmoid")
        return s.elimination == "linear" and (s.downstream == "none" or not (driven or s.absorption != "none"))

    @property
    def proportional(self) -> bool:
        """Whether levels add up over doses and scale with them, so that unit responses can be combined."""
        s = self.structure
        return s.elimination == "linear" and s.response == "none" and "PRODUCTION" not in s.optional

    @property
    def room(self) -> int:
        """How many terms of a parameter there is room for."""
        return self.individualise.loading.shape[-3] if isinstance(self.individualise, LogAffine) else 1

    @property
    def movable(self) -> bool:
        """Whether doses are placed in time by a lag or an estimated duration."""
        return any(name in self.structure.optional for name in ("LAG1", "LAG2", "D1", "D2"))

    def simplified(self, history: History) -> "DrugModel":
        """Without the likelihood of censored values, when the history (with or without a leading axis) has none."""
        if np.any(np.asarray(history.y.kind) > MEASURED):
            return self
        return dataclasses.replace(self, error=dataclasses.replace(self.error, censored=False))

    def individual(self, theta: Float[Array, " d"], context: DoseContext) -> Body:
        """Individual parameters for one theta in one context."""
        eta, rest = theta[: self.effects], theta[self.effects :]
        kappa = rest
        if self.occasions:
            kappa = jnp.take(rest.reshape(self.occasions, -1), context.occasion, axis=0, mode="clip")
        values = self.individualise(eta, kappa, context.basis)
        p = {name: values[i] for i, name in enumerate(self.structure.parameters)}
        return Body(p, linear.disposition(p, self.structure.compartments) if self.linear_kinetics else None)

    def initial(self, phi: Body, z: Float[Array, " n"]) -> dict[str, Scalar]:
        """Nothing given yet: empty compartments, or the equilibrium of endogenous production; responses at baseline."""
        s, p = self.structure, phi.p
        zero = jnp.zeros_like(p["V1"])
        x = {"A0": zero} if s.absorption == "first_order" else {}
        level = p["PRODUCTION"] / p["CL"] if "PRODUCTION" in s.optional else zero
        x |= {f"A{i}": level * p[f"V{i}"] for i in range(1, s.compartments + 1)}
        if s.downstream == "effect_site":
            x["effect_site"] = level
        if s.downstream == "metabolite":
            x["metabolite"] = level * p["FM"] * p["CL"] * p["VM"] / p["CLM"]
        if s.response == "turnover":
            x["response"] = p["R0"]
        if s.response == "coagulation":
            x |= {f"{chain}{place}": jnp.ones_like(zero) for chain in ("FAST", "SLOW") for place in (1, 2, 3)}
        if not self.linear_kinetics:
            x["area"] = zero
        return x

    def transition(
        self, phi: Body, x: dict[str, Scalar], u: DoseInputs, w: Float[Array, " n"], dt: Scalar
    ) -> dict[str, Scalar]:
        """Amounts after ``dt`` h: the bolus enters first, then the rates hold."""
        s, p = self.structure, phi.p
        x = dict(x)
        central = len(s.inputs) - 1
        bolus, rate = self._available(p, u.bolus), self._available(p, u.rate)
        x["A1"] = x["A1"] + bolus[central]
        depot_rate = None
        if s.absorption == "first_order":
            x["A0"] = x["A0"] + bolus[0]
            depot_rate = rate[0]
        inflow = rate[central] + (p["PRODUCTION"] if "PRODUCTION" in s.optional else 0.0)
        if not self.linear_kinetics:
            return nonlinear.integrate(s, p, x, inflow, depot_rate, dt)
        return self._closed_form(phi, x, inflow, depot_rate, dt)

    def _available(self, p: dict[str, Scalar], amounts: Float[Array, " I"]) -> list[Scalar]:
        return [placement.available(p, i, amounts[i]) for i in range(len(self.structure.inputs))]

    def _closed_form(
        self, phi: Body, x: dict[str, Scalar], rate: Scalar, depot_rate: Scalar | None, dt: Scalar
    ) -> dict[str, Scalar]:
        s, p, d = self.structure, phi.p, phi.disposition
        amounts = tuple(x[f"A{i}"] for i in range(1, s.compartments + 1))
        after, depot = linear.step(d, amounts, rate, dt, p.get("KA"), x.get("A0"), depot_rate)
        found = {f"A{i + 1}": amount for i, amount in enumerate(after)}
        if depot is not None:
            found["A0"] = depot
        if s.downstream == "effect_site":
            ke0 = p["KE0"]
            found["effect_site"] = linear.downstream(d, amounts, rate, dt, ke0 / p["V1"], ke0, x["effect_site"])
        if s.downstream == "metabolite":
            formed, cleared = p["FM"] * p["CL"] / p["V1"], p["CLM"] / p["VM"]
            found["metabolite"] = linear.downstream(d, amounts, rate, dt, formed, cleared, x["metabolite"])
        if s.response in ("turnover", "coagulation"):
            found |= response.respond(s, p, d, x, rate, depot_rate, dt)
        return found

    def exposure(
        self, phi: Body, before: dict[str, Scalar], after: dict[str, Scalar], u: DoseInputs, dt: Scalar
    ) -> Scalar:
        """Area under the level over the step (dose unit h/L): what was eliminated, divided by the clearance."""
        if not self.linear_kinetics:
            return after["area"] - before["area"]
        p = phi.p
        given = sum(self._available(p, u.bolus)) + sum(self._available(p, u.rate)) * dt
        if "PRODUCTION" in self.structure.optional:
            given = given + p["PRODUCTION"] * dt
        held = [name for name in after if name in ("A0", "A1", "A2", "A3")]
        return (given - sum(after[name] - before[name] for name in held)) / p["CL"]

    def predict(self, phi: Body, x: dict[str, Scalar], u: DoseInputs) -> Float[Array, " C"]:
        """Level, then metabolite level or effect, in dose unit/L and the effect's own unit."""
        s, p = self.structure, phi.p
        level = x["A1"] / p["V1"]
        found = [level]
        if s.downstream == "metabolite":
            found.append(x["metabolite"] / p["VM"])
        if s.response == "sigmoid":
            found.append(_sigmoid(p, x.get("effect_site", level)))
        if s.response == "turnover":
            found.append(x["response"])
        if s.response == "coagulation":
            found.append(p["BASE"] + p["INRMAX"] * (1 - 0.5 * (x["FAST3"] + x["SLOW3"])))
        return jnp.stack(found)

    def log_observation(self, phi: Body, x: dict[str, Scalar], u: DoseInputs, y: Observation) -> Float[Array, " C"]:
        """Log density of each channel."""
        return self.error.log_density(self.predict(phi, x, u), y)

    def sample_observation(
        self, phi: Body, x: dict[str, Scalar], u: DoseInputs, e: Float[Array, " C"]
    ) -> Float[Array, " C"]:
        """One measurement of each channel, with standard normal error e [C]."""
        return self.error.sample(self.predict(phi, x, u), e)

    def schedule(self, phis: Body, history: History) -> History:
        """Places movable doses in time, in rows of their own."""
        if history.doses is None:
            return history
        return placement.as_rows(self.structure, phis.p, history, history.doses)


def _sigmoid(p: dict[str, Scalar], c: Scalar) -> Scalar:
    # Eleveld et al., Br J Anaesth 2018;120:942-959: the slope differs below and above EC50; the switch is smooth.
    switch = jax.nn.sigmoid(30.0 * (c - p["EC50"]))
    hill = p["HILL_LOW"] * (1 - switch) + p["HILL_HIGH"] * switch
    return p["E0"] + (p["EMAX"] - p["E0"]) * nonlinear.saturation(c, p["EC50"], hill)
