"""Glucose, insulin and nutrition in the body: the equations of ICING-2, and how they are stepped through time.

    G'  = -pG G - SI G Q/(1 + aG Q) + (P + PN + EGP - CNS)/VG         glucose in blood, mmol/L
    Q'  = nI (I - Q) - nC Q/(1 + aG Q)                                 insulin between the cells, mU/L
    I'  = -nK I - nL I/(1 + aI I) - nI (I - Q) + uex/VI + (1 - xL) uen/VI     insulin in plasma, mU/L
    P1' = D - d1 P1                                                    nutrition in the stomach, mmol
    P2' = d1 P1 - P                                                    nutrition in the gut, mmol
    P   = min(d2 P2, Pmax),   uen = min(max(umin, k1 G + k2), umax)

Time in minutes, D, P, PN, EGP, CNS in mmol/min, uex, uen in mU/min, SI in L/mU/min.
Source: Lin et al., Comput Methods Programs Biomed 2011;102:192-205 (ICING); constants of ICING-2 as one public
implementation quotes Table II of IEEE Trans Biomed Eng manuscript TBME-01160-2016. EGP 1.16 mmol/min is confirmed by a
second source, J Diabetes Sci Technol 2020, doi:10.1177/1932296820922842; the other constants have one source and wait
for a reader with the paper.

One part is added that ICING-2 does not have: insulin under the skin, which joins uex. Rapid-acting: two compartments of
equal rate 1/tmax, Hovorka et al., Physiol Meas 2004;25:905-920, doi:10.1088/0967-3334/25/4/010 (tmax,I = 55 min).
Long-acting: one compartment, mean stay 12 h, assumed. All of it is assumed to arrive.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

LONGEST_STEP = 1.0
"""Minutes. P and uen have kinks: a step of higher order gains nothing there, and a longer one rounds them."""
MINUTES_PER_HOUR = 60.0
MILLIUNITS = 1000.0
"""mU per U."""
MMOL_PER_GRAM = 5.551
"""mmol of glucose in 1 g of anhydrous dextrose (molar mass 180.156 g/mol)."""


class Constants(NamedTuple):
    """The population constants of ICING-2, each with its unit; see the module for their source.

    >>> round(Constants().aG * 65, 3)
    1.0
    """

    pG: float = 0.006  # 1/min     glucose cleared whatever the insulin
    EGP: float = 1.16  # mmol/min  made by the liver
    CNS: float = 0.3  # mmol/min  used by the brain
    VG: float = 13.3  # L
    aG: float = 1 / 65  # L/mU      saturation of the effect of insulin
    nI: float = 0.0075  # 1/min     plasma to the space between cells
    nC: float = 0.0075  # 1/min     insulin taken in by cells
    nK: float = 0.0542  # 1/min     kidney
    nL: float = 0.1578  # 1/min     liver
    aI: float = 0.0017  # L/mU      saturation of the liver
    VI: float = 4.0  # L
    xL: float = 0.67  # 1         first pass of the patient's own insulin through the liver
    d1: float = 0.034657359  # 1/min     ln 2 / 20 min, stomach to gut
    d2: float = 0.0069314718  # 1/min     ln 2 / 100 min, gut to blood
    Pmax: float = 6.11  # mmol/min  most that the gut takes up
    k1: float = 14.9  # mU L/(mmol min)  secretion per glucose
    k2: float = -49.9  # mU/min
    umin: float = 16.7  # mU/min
    umax: float = 266.7  # mU/min
    tmax: float = 55.0  # min       rapid insulin under the skin, each of two compartments (Hovorka 2004)
    tlong: float = 720.0  # min       long-acting insulin under the skin: assumed


class Body(NamedTuple):
    """The deterministic state of one patient.

    G mmol/L   Q, I mU/L   P1, P2 mmol   S1, S2, L mU (rapid and long-acting insulin under the skin)
    """

    G: Float[Array, ""]
    Q: Float[Array, ""]
    I: Float[Array, ""]  # noqa: E741  the paper's letter
    P1: Float[Array, ""]
    P2: Float[Array, ""]
    S1: Float[Array, ""]
    S2: Float[Array, ""]
    L: Float[Array, ""]


class Flows(NamedTuple):
    """What enters the body, held over a step: uex mU/min, D mmol/min (into the stomach), PN mmol/min (into blood)."""

    uex: Float[Array, ""]
    D: Float[Array, ""]
    PN: Float[Array, ""]


def change(c: Constants, SI: Float[Array, ""], x: Body, u: Flows) -> Body:
    """The rates of change of the state per minute (see the module's equations)."""
    effect = x.Q / (1 + c.aG * x.Q)
    P = jnp.minimum(c.d2 * x.P2, c.Pmax)
    uen = jnp.clip(c.k1 * x.G + c.k2, c.umin, c.umax)
    under_skin = x.S2 / c.tmax + x.L / c.tlong
    return Body(
        G=-c.pG * x.G - SI * x.G * effect + (P + u.PN + c.EGP - c.CNS) / c.VG,
        Q=c.nI * (x.I - x.Q) - c.nC * effect,
        I=-c.nK * x.I
        - c.nL * x.I / (1 + c.aI * x.I)
        - c.nI * (x.I - x.Q)
        + (u.uex + under_skin + (1 - c.xL) * uen) / c.VI,
        P1=u.D - c.d1 * x.P1,
        P2=c.d1 * x.P1 - P,
        S1=-x.S1 / c.tmax,
        S2=(x.S1 - x.S2) / c.tmax,
        L=-x.L / c.tlong,
    )


def step(c: Constants, SI: Float[Array, ""], x: Body, u: Flows, h: Float[Array, ""]) -> Body:
    """The state ``h`` minutes later, by the midpoint rule (second order)."""
    half = jax.tree.map(lambda value, rate: value + 0.5 * h * rate, x, change(c, SI, x, u))
    return jax.tree.map(lambda value, rate: value + h * rate, x, change(c, SI, half, u))


def advance(
    c: Constants, SI: Float[Array, ""], x: Body, u: Flows, minutes: Float[Array, ""], longest: float = LONGEST_STEP
) -> Body:
    """The state after ``minutes`` of constant SI and flows, in equal steps of at most ``longest`` minutes."""
    count = jnp.ceil(minutes / longest - 1e-9).astype(int)
    h = minutes / jnp.maximum(count, 1)
    return jax.lax.fori_loop(0, count, lambda _, state: step(c, SI, state, u, h), x)


def resting(c: Constants, G: Float[Array, ""]) -> Body:
    """A body that was at glucose ``G`` long enough for insulin to settle, nothing given, stomach and skin empty.

    I and Q are the fixed point of their equations at the secretion that G calls for; SI plays no part in them.
    """
    uen = jnp.clip(c.k1 * G + c.k2, c.umin, c.umax)

    def settle(_: int, pair: tuple[Array, Array]) -> tuple[Array, Array]:
        plasma, between = pair
        between = c.nI * plasma / (c.nI + c.nC / (1 + c.aG * between))
        plasma = ((1 - c.xL) * uen / c.VI + c.nI * between) / (c.nK + c.nL / (1 + c.aI * plasma) + c.nI)
        return plasma, between

    plasma, between = jax.lax.fori_loop(0, 20, settle, (0.35 * uen, 0.2 * uen))
    zero = jnp.zeros_like(G)
    return Body(G, between, plasma, zero, zero, zero, zero, zero)
