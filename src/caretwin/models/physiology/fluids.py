"""Fluids and bleeding: plasma, the space beside it, red cells.

Crystalloid leaves the plasma for the tissue and the urine with the constants of volume kinetics; colloid follows
slowly, red cells stay. Plasma that was bled is refilled slowly. Every millilitre is accounted for: what is in the body
is what was there, plus what was given, less what was bled and passed as urine.

Source: Hahn, Acta Anaesthesiol Scand 2020;64:570, doi:10.1111/aas.13533 (while it runs half of it stays in the
plasma, 15-20 % 30 min later); the rate constants are fitted to those two facts. Volumes L, rates L/min, time min.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]

TO_TISSUE, TO_PLASMA = 0.050, 0.0080
"""Per min: exchange of crystalloid excess between plasma and tissue; 50 % at the end of 1 L in 30 min."""
REFILL = 0.003
"""Per min: plasma drawn back for plasma bled (assumed: half in four hours; Skillman et al., Ann Surg 1967;166:865 saw
restitution over 24-40 h, fastest at the start)."""


LEAK = 0.6931472 / 150.0
"""Per min: plasma above the usual blood volume leaves for the tissue; half-life of colloid 2-3 h (Hahn 2020)."""


class Volumes(NamedTuple):
    """L. plasma_excess and tissue_excess: crystalloid above what is usual; plasma and red_cells: the rest of the
    blood."""

    plasma_excess: Values
    tissue_excess: Values
    plasma: Values
    red_cells: Values


class Given(NamedTuple):
    """L/min. red_cells counts the whole bag, of which CELLS_OF_BAG is cells; bleeding is whole blood."""

    crystalloid: Values
    colloid: Values
    red_cells: Values
    bleeding: Values
    urine_above_usual: Values


TISSUE_RESERVE = 3.0
"""L that tissue can give to plasma before nothing more comes (assumed: a quarter of the interstitial fluid)."""
LEAST_HAEMOGLOBIN = 0.5
"""g/dL: below it nobody lives; a floor for what divides by it."""
CELLS_OF_BAG = 0.6
"""Haematocrit of a bag of red cells (assumed)."""
CELL_HAEMOGLOBIN = 33.0
"""g/dL of packed cells: mean corpuscular haemoglobin concentration."""


class Moved(NamedTuple):
    """L that left during a step: blood, and urine above the usual."""

    bled: Values
    urine: Values


def blood_volume(v: Volumes) -> Values:
    """L."""
    return v.plasma_excess + v.plasma + v.red_cells


def haemoglobin(v: Volumes) -> Values:
    """g/dL of whole blood."""
    return jnp.maximum(CELL_HAEMOGLOBIN * v.red_cells / jnp.maximum(blood_volume(v), 1e-6), LEAST_HAEMOGLOBIN)


def start(blood: Values, haemoglobin_: Values) -> Volumes:
    """Volumes of a person with this blood volume (L) and haemoglobin (g/dL)."""
    cells = blood * haemoglobin_ / CELL_HAEMOGLOBIN
    zero = jnp.zeros_like(blood)
    return Volumes(zero, zero, blood - cells, cells)


def step(v: Volumes, given: Given, usual_blood: Values, minutes: Values) -> tuple[Volumes, Moved]:
    """Volumes after ``minutes``, and what left the body.

    usual_blood  L: what refilling aims at; it replaces lost cells by plasma

    Bleeding takes each part in proportion, implicitly, so no part goes below nothing.
    """
    blood = blood_volume(v)
    share = given.bleeding * minutes / jnp.maximum(blood, 1e-6)
    left = 1.0 / (1.0 + share)
    lost = blood * (1.0 - left)
    excess = v.plasma_excess * left + minutes * given.crystalloid
    # Two pools with implicit exchange: the sum changes by nothing but urine.
    a, b = TO_TISSUE * minutes, TO_PLASMA * minutes
    out = jnp.minimum(given.urine_above_usual * minutes, jnp.maximum(excess, 0.0))
    whole = excess - out + v.tissue_excess
    # Where tissue has given more than it got, crystalloid goes there, but never more than there is.
    plasma_excess = jnp.maximum((excess - out + b * whole) / (1.0 + a + b), 0.0)
    plasma = v.plasma * left + minutes * (given.colloid + (1.0 - CELLS_OF_BAG) * given.red_cells)
    cells = v.red_cells * left + minutes * CELLS_OF_BAG * given.red_cells
    left_in_tissue = jnp.clip(1.0 + v.tissue_excess / TISSUE_RESERVE, 0.0, 1.0)
    missing = usual_blood - plasma - cells
    refill = jnp.maximum(missing, 0.0) * -jnp.expm1(-REFILL * minutes) * left_in_tissue
    # Too much blood: plasma leaves, as colloid does, but cells stay.
    refill = refill - jnp.minimum(jnp.maximum(-missing, 0.0), plasma) * -jnp.expm1(-LEAK * minutes)
    after = Volumes(plasma_excess, whole - plasma_excess - refill, plasma + refill, cells)
    return after, Moved(lost, out)
