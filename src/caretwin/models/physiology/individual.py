"""The personal parameters of one particle: every value by name, in its unit, from where it stands between patients."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from caretwin.models.physiology.parameters import (
    FLUTTER_UNSEEN,
    FLUTTERING,
    INDEX,
    PERSONAL,
    WANDER_UNSEEN,
    WANDERING,
    Body,
    counted_weight,
    from_scale,
    surface_area,
    to_scale,
)


def individual(theta, wander, flutter, person: Body):
    """Every parameter by name, in its unit, for one particle."""
    size = {
        "predicted weight": person.predicted_weight,
        "weight": (counted_weight(person) / 70.0) ** 0.75 * 70.0,
        "surface": surface_area(person),
    }
    slow = {k: wander[j] for j, k in enumerate(WANDERING)}
    fast = {k: flutter[j] for j, k in enumerate(FLUTTERING)}
    values = {}
    for i, p in enumerate(PERSONAL):
        z = to_scale(p.typical, p.scale) + person.shift[i] + p.spread * theta[i]
        if i in slow:
            z = z + p.wander * slow[i]
        if i in fast:
            z = z + p.flutter * fast[i]
        value = from_scale(z, p.scale)
        values[p.name] = value * size[p.per] if p.per != "none" else value
    rate, depth = (
        WANDER_UNSEEN * PERSONAL[i].wander * slow[i] + FLUTTER_UNSEEN * PERSONAL[i].flutter * fast[i]
        for i in (INDEX["own_rate"], INDEX["effort"])
    )
    return Values(**values, rate_unseen=rate, depth_unseen=depth)


_UNSEEN = tuple((name, Float[Array, ""]) for name in ("rate_unseen", "depth_unseen"))
_FIELDS = [*((p.name, Float[Array, ""]) for p in PERSONAL), *_UNSEEN]
Values = NamedTuple("Values", _FIELDS)  # type: ignore[misc]
"""Every personal parameter in its unit; ``rate_unseen``, ``depth_unseen``: ln of what of the present rate and effort
gas stores do not see.
"""


def values_of(theta: Float[Array, "N d"], x: Any, person: Body) -> dict[str, np.ndarray]:
    """Personal parameters [N] of particles by name, in their units, without what flutters.

    theta, x  parameters and states of the particles; person  whose they are
    """
    still = jnp.zeros(len(FLUTTERING))
    found = jax.vmap(lambda theta, wander: individual(theta, wander, still, person))(theta, x.wander)
    return {p.name: np.asarray(getattr(found, p.name)) for p in PERSONAL}
