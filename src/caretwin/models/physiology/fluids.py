"""Fluids and bleeding: plasma, the space beside it, red cells.

Crystalloid leaves the plasma for the tissue and the urine with the constants of volume kinetics; colloid and red
cells stay. Plasma that was bled is refilled slowly. Every millilitre is accounted for: what is in the body is what
was there, plus what was given, less what was bled and passed as urine.

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


CELLS_OF_BAG = 0.6
"""Haematocrit of a bag of red cells (assumed)."""
CELL_HAEMOGLOBIN = 33.0
"""g/dL of packed cells: mean corpuscular haemoglobin concentration."""


def blood_volume(v: Volumes) -> Values:
    """L."""
    return v.plasma_excess + v.plasma + v.red_cells


def haemoglobin(v: Volumes) -> Values:
    """g/dL of whole blood."""
    return CELL_HAEMOGLOBIN * v.red_cells / blood_volume(v)


def start(blood: Values, haemoglobin_: Values) -> Volumes:
    """Volumes of a person with this blood volume (L) and haemoglobin (g/dL)."""
    cells = blood * haemoglobin_ / CELL_HAEMOGLOBIN
    zero = jnp.zeros_like(blood)
    return Volumes(zero, zero, blood - cells, cells)


def step(v: Volumes, given: Given, usual_blood: Values, minutes: Values) -> tuple[Volumes, Values]:
    """Volumes after ``minutes``, and the blood (L) that was really lost.

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
    plasma_excess = (excess - out + b * whole) / (1.0 + a + b)
    plasma = v.plasma * left + minutes * (given.colloid + (1.0 - CELLS_OF_BAG) * given.red_cells)
    cells = v.red_cells * left + minutes * CELLS_OF_BAG * given.red_cells
    refill = jnp.maximum(usual_blood - plasma - cells, 0.0) * -jnp.expm1(-REFILL * minutes)
    return Volumes(plasma_excess, whole - plasma_excess - refill, plasma + refill, cells), lost
