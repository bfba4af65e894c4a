"""People and settings for the tests of the coupled model."""

import jax
import jax.numpy as jnp
import numpy as np

import caretwin.core  # noqa: F401  double precision
from caretwin.models.physiology import bedside_state, conditions
from caretwin.models.physiology import cardiorespiratory as coupled
from caretwin.models.physiology.parameters import PERSONAL, body
from caretwin.models.physiology.readings import COLUMNS, readings
from caretwin.models.physiology.vasoactive import Infusions

MODEL = coupled.cardiorespiratory()
QUIET = jnp.zeros(MODEL.noise_dimension)
TOGETHER = 24
"""Cases in one call of the program, so that it is compiled once whatever their number."""
USUAL = {
    "mode": 1.0, "fio2": 0.4, "peep": 5.0, "tidal_volume": 0.5, "rate": 15.0, "pressure": 12.0,
    "inspiratory_fraction": 1 / 3, "relaxed": 1.0, "crystalloid": 0.0, "colloid": 0.0, "red_cells": 0.0,
    "bleeding": 0.0, "temperature": 37.0, "inspired_carbon_dioxide": 0.0,
}  # fmt: skip


def settings(dtype=float, **given):
    """Settings of the model; what is not named is usual, no infusion runs. Values may be arrays of one shape."""
    unknown = set(given) - set(USUAL) - set(Infusions._fields)
    assert not unknown, unknown
    shape = np.broadcast_shapes(*(np.shape(v) for v in given.values()))

    def full(value):
        return np.broadcast_to(np.asarray(value, dtype), shape)

    infusions = Infusions(*(full(given.get(name, 0.0)) for name in Infusions._fields))
    return bedside_state.Settings(infusions=infusions, **{n: full(given.get(n, v)) for n, v in USUAL.items()})


def person(condition="healthy", severity=0.0, *, age=44.0, female=False, height=180.2, weight=75.3, personal=None):
    """The body of a typical patient."""
    shift = conditions.shift(condition, severity, age=age, female=female, personal=personal)
    return body(female=female, age=age, height=height, weight=weight, shift=shift)


def stacked(trees):
    """Trees of equal structure as one with a leading axis."""
    return jax.tree.map(lambda *leaves: jnp.stack([jnp.asarray(leaf, float) for leaf in leaves]), *trees)


@jax.jit
def _settled(bodies, u, hours):
    def one(b, u):
        phi = (jnp.zeros(len(PERSONAL)), b)
        move = lambda _, x: MODEL.transition(phi, x, u, QUIET, hours / 24)  # noqa: E731
        x = jax.lax.fori_loop(0, 24, move, MODEL.initial(phi, QUIET))
        return x, readings(MODEL, phi, x, u).values

    return jax.vmap(one)(bodies, u)


def settled(cases, hours=12.0):
    """States and readings by column [n] of (body, settings) pairs after ``hours`` at these settings."""
    filled = list(cases) + [cases[-1]] * (TOGETHER - len(cases))
    x, values = _settled(stacked([c[0] for c in filled]), stacked([c[1] for c in filled]), jnp.asarray(hours))
    x = jax.tree.map(lambda leaf: leaf[: len(cases)], x)
    return x, {name: np.asarray(values[: len(cases), i]) for i, name in enumerate(COLUMNS)}
