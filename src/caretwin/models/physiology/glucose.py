"""The glucose twin of an intensive-care patient: ICING-2 with an insulin sensitivity that wanders.

    G, Q, I, P1, P2, S1, S2, L   see :mod:`.glucose_kinetics`
    s = ln SI                    see :mod:`.insulin_sensitivity`; between ln SI_LOW and ln SI_HIGH
    a = ln A                     glucose that enters the blood and that nobody charted, mmol/min, wandering likewise

theta    m_s, m_a: the patient's own levels of s and a (normal prior: the population)
u        insulin [U/h], enteral_glucose [mmol/min, into the stomach], parenteral_glucose [mmol/min, into the blood]; and
         at the beginning of the step insulin_bolus [U, into a vein], insulin_subcutaneous_rapid and _long [U]
y        glucose of the laboratory and of a meter [mmol/L]: Student t of the logarithm, four degrees of freedom
context  uncharted: 1 where feeds and meals are not charted (A counts), 0 where they are (A does not exist)

A is no physiology: it stands for meals, feeds, drugs dissolved in dextrose, and a liver that makes more than EGP says
(the published range of EGP goes to 2.75 mmol/min). With feeds charted it is absent, and the model is ICING-2 as
published. SI, A and flows are held over a transition: give steps of at most one hour.

Not for: children, ketoacidosis, liver failure. Patients with diabetes type 1 secrete nothing: pass constants with
umin = umax = 0.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.core.model import MEASURED, MISSING, Card, Channel, GaussianPrior, Input, Model, Observation, Param
from caretwin.core.robust import student_t4_from_normal, student_t_log_density
from caretwin.models.physiology.glucose_kinetics import (
    LONGEST_STEP,
    MILLIUNITS,
    MINUTES_PER_HOUR,
    Body,
    Constants,
    Flows,
    advance,
    resting,
    step,
)
from caretwin.models.physiology.insulin_sensitivity import Wandering, heavy_tailed, wander

INPUTS = (
    "insulin",
    "enteral_glucose",
    "parenteral_glucose",
    "insulin_bolus",
    "insulin_subcutaneous_rapid",
    "insulin_subcutaneous_long",
)
SI_LOW, SI_HIGH = 1e-6, 1e-2
"""L/mU/min. Assumed: ten times beyond what is reported to be fitted (1e-4 to 1e-3), so that no step is unstable."""
A_HIGH = 10.0
"""mmol/min. Assumed: three times the richest feed; a meal is no faster than the gut, 6.11 mmol/min."""
DEGREES = 4.0
"""Degrees of freedom of the measurement error. Customary for channels with slips (see :mod:`caretwin.core.robust`)."""


class Population(NamedTuple):
    """What is known of patients before one is measured.

    sensitivity  SI [L/mU/min]
    uncharted    A [mmol/min]
    first        median of the first glucose [mmol/L], and standard deviation of its logarithm
    errors       scale of the measurement error of the logarithm: laboratory, meter
    """

    sensitivity: Wandering
    uncharted: Wandering
    first: tuple[float, float]
    errors: tuple[float, float]


FITTED = Population(
    sensitivity=Wandering(centre=4.26e-4, between=0.61, within=0.753, hours=8.92),
    uncharted=Wandering(centre=0.328, between=0.549, within=0.957, hours=7.91),
    first=(7.22, 0.396),
    errors=(0.03, 0.10),
)
"""Fitted to measured glucose: see evidence/physiology/glucose/README.md for the data, the method and the folds."""


class Personal(NamedTuple):
    """Individual parameters: the levels m_s and m_a, and whether uncharted glucose exists (1 or 0)."""

    m_s: Float[Array, ""]
    m_a: Float[Array, ""]
    uncharted: Float[Array, ""]


class GlucoseState(NamedTuple):
    """The body of :mod:`.glucose_kinetics`, s = ln SI [ln L/mU/min] and a = ln A [ln mmol/min]."""

    body: Body
    s: Float[Array, ""]
    a: Float[Array, ""]


class Glucose(Model):
    """See the module. Shapes: () for one particle; vmap makes them [N] in an ensemble and [S, N] in a ward.

    longest_step   minutes; only a search over populations takes longer ones

    Example: ``Glucose.of(FITTED)``.
    """

    prior: GaussianPrior
    population: Population
    constants: Constants
    noise_dimension: int = eqx.field(static=True, default=4)
    longest_step: float = eqx.field(static=True, default=LONGEST_STEP)

    @classmethod
    def of(cls, population: Population = FITTED, constants: Constants = Constants()) -> "Glucose":  # noqa: B008
        """The model of a population; constants others than those of ICING-2 are for other patients."""
        levels = (population.sensitivity, population.uncharted)
        mean = np.log([p.centre for p in levels])
        prior = GaussianPrior(jnp.asarray(mean), jnp.diag(jnp.asarray([p.between for p in levels])))
        numbers = jax.tree.map(jnp.asarray, (population, constants))
        return cls(prior, *numbers)

    def individual(self, theta: Float[Array, " 2"], context: Mapping[str, Array]) -> Personal:
        """The patient's own levels, in a place that charts feeds or does not."""
        return Personal(theta[0], theta[1], jnp.asarray(context["uncharted"], dtype=theta.dtype))

    def initial(self, phi: Personal, z: Float[Array, " 4"]) -> GlucoseState:
        """Before anything was given: a glucose of the population, insulin settled, s and a around their levels."""
        median, spread = self.population.first
        G = median * jnp.exp(spread * jnp.clip(z[2], -4.0, 4.0))
        s = phi.m_s + self.population.sensitivity.within * z[0]
        a = phi.m_a + self.population.uncharted.within * z[1]
        return _bounded(GlucoseState(resting(self.constants, G), s, a))

    def transition(
        self, phi: Personal, x: GlucoseState, u: Mapping[str, Array], w: Float[Array, " 4"], dt: Float[Array, ""]
    ) -> GlucoseState:
        """State ``dt`` hours later: SI and A find their values of this step, then the body follows minute by minute."""
        x = self.of_the_hour(phi, x, w, dt)
        body, flows = self.entering(phi, x, u)
        return x._replace(
            body=advance(self.constants, jnp.exp(x.s), body, flows, dt * MINUTES_PER_HOUR, self.longest_step)
        )

    def course(
        self, phi: Personal, x: GlucoseState, u: Mapping[str, Array], w: Float[Array, " 4"]
    ) -> tuple[GlucoseState, Float[Array, " 60"]]:
        """The same hour as :meth:`transition` with dt = 1, and glucose at the end of each of its minutes [mmol/L]."""
        x = self.of_the_hour(phi, x, w, jnp.ones(()))
        body, flows = self.entering(phi, x, u)

        def minute(body: Body, _: None) -> tuple[Body, Array]:
            body = step(self.constants, jnp.exp(x.s), body, flows, jnp.ones(()))
            return body, body.G

        body, glucose = jax.lax.scan(minute, body, None, length=int(MINUTES_PER_HOUR))
        return x._replace(body=body), glucose

    def of_the_hour(self, phi: Personal, x: GlucoseState, w: Float[Array, " 4"], dt: Float[Array, ""]) -> GlucoseState:
        """The same body with the SI and the A that hold over the next ``dt`` hours."""
        s = wander(self.population.sensitivity, x.s, phi.m_s, heavy_tailed(w[0]), dt)
        a = wander(self.population.uncharted, x.a, phi.m_a, heavy_tailed(w[1]), dt)
        return _bounded(GlucoseState(x.body, s, a))

    def entering(self, phi: Personal, x: GlucoseState, u: Mapping[str, Array]) -> tuple[Body, Flows]:
        """The body just after the injections of a step, and what flows into it from then on."""
        flows = Flows(
            uex=u["insulin"] * MILLIUNITS / MINUTES_PER_HOUR,
            D=u["enteral_glucose"],
            PN=u["parenteral_glucose"] + phi.uncharted * jnp.exp(x.a),
        )
        plasma = x.body.I + u["insulin_bolus"] * MILLIUNITS / self.constants.VI
        rapid = x.body.S1 + u["insulin_subcutaneous_rapid"] * MILLIUNITS
        long = x.body.L + u["insulin_subcutaneous_long"] * MILLIUNITS
        return x.body._replace(I=plasma, S1=rapid, L=long), flows

    def predict(self, phi: Personal, x: GlucoseState, u: Mapping[str, Array]) -> Float[Array, " 2"]:
        """Glucose in blood [mmol/L], for either channel."""
        return jnp.stack([x.body.G, x.body.G])

    def log_observation(
        self, phi: Personal, x: GlucoseState, u: Mapping[str, Array], y: Observation
    ) -> Float[Array, " 2"]:
        """Log density of the laboratory's and of the meter's value; exactly 0 for a missing one."""
        seen = jnp.where(y.kind == MISSING, 1.0, y.value)
        scale = jnp.stack(self.population.errors)
        residual = jnp.log(jnp.maximum(seen, 1e-3)) - jnp.log(jnp.maximum(x.body.G, 1e-3))
        density = student_t_log_density(residual, scale, DEGREES) - jnp.log(jnp.maximum(seen, 1e-3))
        return jnp.where(y.kind == MEASURED, density, 0.0)

    def sample_observation(
        self, phi: Personal, x: GlucoseState, u: Mapping[str, Array], e: Float[Array, " 2"]
    ) -> Float[Array, " 2"]:
        """What the laboratory and the meter would say, given standard normal luck."""
        scale = jnp.stack(self.population.errors)
        return x.body.G * jnp.exp(jnp.clip(scale * student_t4_from_normal(jnp.clip(e, -7.9, 7.9)), -1.0, 1.0))

    def card(self) -> Card:
        """Names, units and sources, for a person to read."""
        return card(self.population, self.constants)


def _bounded(x: GlucoseState) -> GlucoseState:
    s = jnp.clip(x.s, jnp.log(SI_LOW), jnp.log(SI_HIGH))
    return x._replace(s=s, a=jnp.minimum(x.a, jnp.log(A_HIGH)))


def card(population: Population = FITTED, constants: Constants = Constants()) -> Card:  # noqa: B008
    """The model's card: what a person reads before trusting it."""
    published = "ICING-2, manuscript TBME-01160-2016, Table II, as one public implementation quotes it"
    fitted = "fitted by caretwin, evidence/physiology/glucose"

    def wandering(name: str, unit: str, p: Any) -> Param:
        spread = f"log sd {float(p.between):.2g} between and {float(p.within):.2g} within, {float(p.hours):.3g} h"
        return Param(name, unit, f"{float(p.centre):.3g}", spread, fitted)

    units = {
        "pG": "/min", "EGP": "mmol/min", "CNS": "mmol/min", "VG": "L", "aG": "L/m[iU]", "nI": "/min", "nC": "/min",
        "nK": "/min", "nL": "/min", "aI": "L/m[iU]", "VI": "L", "xL": "1", "d1": "/min", "d2": "/min",
        "Pmax": "mmol/min", "k1": "m[iU].L/mmol/min", "k2": "m[iU]/min", "umin": "m[iU]/min", "umax": "m[iU]/min",
        "tmax": "min", "tlong": "min",
    }  # fmt: skip
    params = {
        name: Param(name, units[name], f"{float(value):.4g}", "same for all", published)
        for name, value in constants._asdict().items()
    }
    skin = "Hovorka et al., Physiol Meas 2004;25:905-920, insulin under the skin"
    params["tmax"] = Param("tmax", "min", f"{float(constants.tmax):g}", "same for all", skin)
    params["tlong"] = Param("tlong", "min", f"{float(constants.tlong):g}", "same for all", "assumed", assumed=True)
    params["SI"] = wandering("SI", "L/m[iU]/min", population.sensitivity)
    params["A"] = wandering("A", "mmol/min", population.uncharted)
    low, high = 0.5, 60.0
    return Card(
        name="glucose.icing2",
        version="1",
        params=params,
        states={"G": "mmol/L", "Q": "m[iU]/L", "I": "m[iU]/L", "P1": "mmol", "P2": "mmol", "S1": "m[iU]", "S2": "m[iU]",
                "L": "m[iU]", "s": "ln(L/m[iU]/min)", "a": "ln(mmol/min)"},
        inputs={
            "insulin": Input("insulin into a vein", "[iU]/h"),
            "insulin_bolus": Input("insulin into a vein at once", "[iU]"),
            "insulin_subcutaneous_rapid": Input("regular or rapid-acting insulin under the skin", "[iU]"),
            "insulin_subcutaneous_long": Input("long-acting insulin under the skin", "[iU]"),
            "enteral_glucose": Input("glucose into the stomach", "mmol/min"),
            "parenteral_glucose": Input("glucose into the blood", "mmol/min"),
        },
        channels={
            "glucose": Channel("glucose, laboratory", "mmol/L", "2345-7", low, high),
            "glucose_meter": Channel("glucose, bedside meter", "mmol/L", "41653-7", low, high),
        },
        sources=(
            "Lin et al., Comput Methods Programs Biomed 2011;102:192-205 (ICING)",
            published,
            "J Diabetes Sci Technol 2020, doi:10.1177/1932296820922842 (EGP)",
            "Hovorka et al., Physiol Meas 2004;25:905-920, doi:10.1088/0967-3334/25/4/010 (insulin under the skin)",
        ),
    )  # fmt: skip
