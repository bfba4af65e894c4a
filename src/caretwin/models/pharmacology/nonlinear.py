"""Kinetics without a closed form, and responses to them, integrated by an adaptive Runge-Kutta method.

Responses to linear kinetics are taken from :mod:`.response`, which is much faster.

Michaelis-Menten elimination   VMAX C/(KM + C)         amount/h
turnover (indirect response)   dR/dt = R0 KOUT (1 - s) - KOUT R      s = EMAX C^HILL/(EC50^HILL + C^HILL)
                               Dayneka, Garg & Jusko, J Pharmacokinet Biopharm 1993;21:457-478, model I
coagulation                    two chains of three transit compartments, first x' = k (1 - s - x), next x' =
                               k (x_prev - x),
                               k = 3/MTT; Hamberg et al., Clin Pharmacol Ther 2010;87:727-734
effect site, metabolite        as in :mod:`linear`

The tolerance is tight enough for comparison with references to five digits. Solver: Tsitouras, Comput Math Appl
2011;62:770-775, by the library diffrax; derivatives go forward through it.
"""

from collections.abc import Mapping

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.pharmacology.structure import Structure

Scalar = Float[Array, ""]
States = dict[str, Scalar]

RELATIVE_TOLERANCE = 1e-7
ABSOLUTE_TOLERANCE = 1e-9
MOST_STEPS = 4096  # per interval between two records; reached only by parameters that no patient has


def saturation(c: Scalar, ec50: Scalar, hill: Scalar) -> Scalar:
    """c^h/(EC50^h + c^h), 0 to 1, with finite derivatives at c = 0."""
    safe = jnp.maximum(c, 1e-12 * ec50)
    return 1.0 / (1.0 + jnp.exp(hill * (jnp.log(ec50) - jnp.log(safe))))


def elimination(s: Structure, p: Mapping[str, Scalar], c: Scalar) -> Scalar:
    """Amount per hour that leaves the body at level c (amount/L)."""
    linear = p["CL"] * c if s.elimination in ("linear", "mixed") else 0.0
    saturable = p["VMAX"] * c / (p["KM"] + c) if s.elimination != "linear" else 0.0
    return linear + saturable


def derivative(s: Structure, p: Mapping[str, Scalar], x: States, rate: Scalar, depot_rate: Scalar | None) -> States:
    """Time derivative (per h) of every state, all inputs held constant."""
    c = x["A1"] / p["V1"]
    gain = rate
    dx: States = {}
    if s.absorption == "first_order":
        dx["A0"] = depot_rate - p["KA"] * x["A0"]
        gain = gain + p["KA"] * x["A0"]
    dx["A1"] = gain - elimination(s, p, c)
    for peripheral in range(2, s.compartments + 1):
        q, v = p[f"Q{peripheral}"], p[f"V{peripheral}"]
        exchange = q * (c - x[f"A{peripheral}"] / v)
        dx["A1"] = dx["A1"] - exchange
        dx[f"A{peripheral}"] = exchange
    if s.downstream == "effect_site":
        dx["effect_site"] = p["KE0"] * (c - x["effect_site"])
    if s.downstream == "metabolite":
        dx["metabolite"] = p["FM"] * p["CL"] * c - p["CLM"] / p["VM"] * x["metabolite"]
    driver = x["effect_site"] if s.downstream == "effect_site" else c
    if s.response == "turnover":
        inhibition = p["EMAX"] * saturation(driver, p["EC50"], p["HILL"])
        dx["response"] = p["KOUT"] * (p["R0"] * (1 - inhibition) - x["response"])
    if s.response == "coagulation":
        dx |= _chains(p, x, saturation(driver, p["EC50"], p["HILL"]))
    dx["area"] = c
    return dx


def _chains(p: Mapping[str, Scalar], x: States, inhibition: Scalar) -> States:
    dx: States = {}
    for chain in ("FAST", "SLOW"):
        k = 3.0 / p[f"MTT_{chain}"]
        before = 1.0 - inhibition
        for place in (1, 2, 3):
            name = f"{chain}{place}"
            dx[name] = k * (before - x[name])
            before = x[name]
    return dx


def integrate(
    s: Structure, p: Mapping[str, Scalar], x: States, rate: Scalar, depot_rate: Scalar | None, dt: Scalar
) -> States:
    """States after ``dt`` h; ``dt`` = 0 returns them unchanged."""
    import diffrax  # here, because most drugs need no solver and its import takes a second

    still = dt <= 0
    span = jnp.where(still, 1.0, dt)  # time is scaled to (0, 1), so that a step of length zero needs no solver branch

    def field(_: Scalar, y: States, args: None) -> States:
        slopes = derivative(s, p, y, rate, depot_rate)
        return {name: jnp.where(still, 0.0, span * slopes[name]) for name in y}

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=0.0,
        t1=1.0,
        dt0=None,
        y0=x,
        saveat=diffrax.SaveAt(t1=True),
        stepsize_controller=diffrax.PIDController(rtol=RELATIVE_TOLERANCE, atol=ABSOLUTE_TOLERANCE),
        adjoint=diffrax.ForwardMode(),
        max_steps=MOST_STEPS,
        throw=False,
    )
    return {name: values[0] for name, values in solution.ys.items()}
