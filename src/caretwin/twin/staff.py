"""What staff change meanwhile: pressors and oxygen as they are given, for forecasts of care as it goes on.

A what-if holds its settings. A forecast of what will be charted must not: whoever is on a vasopressor is weaned from
it, sooner while pressure is above its usual, and who is seen to saturate less than usual is given oxygen. Every
particle is a future of its own and is answered by itself.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.ensemble import Ensemble

PRESSORS = ("norepinephrine", "epinephrine", "phenylephrine", "dopamine", "vasopressin")
WEANED_PER_H = 0.12
"""1/h: fall of the logarithm of a vasopressor's rate while pressure is as usual. With the next: least squares on 1,399
changes of charted norepinephrine within an hour in 33 CLIF demo stays, what ended counted as 0.005 ug/kg/min (halves of
the stays: 0.11 and 0.16). The other vasopressors: assumed to be weaned alike."""
RAISED_PER_H = 0.47
"""1/h: rise of that logarithm for each unit by which ln(mean arterial pressure) is below its usual (see above; halves
of the stays: 0.35 and 0.70)."""
OXYGEN_PER_H = 0.05
"""1/h: rise of the logarithm of the inspired fraction of oxygen for each percent (of the oximeter's scale, 98 +- 1) by
which saturation is below its usual, where oxygen is not charted (chosen on CLIF demo stays)."""
LEAST_OXYGEN = 0.21
"""Inspired fraction: air."""
MOST_CHANGE = 3.0
"""In the logarithm, at one look (assumed; only so that no number becomes impossible)."""


class Care(NamedTuple):
    """What staff keep up: usual mean arterial pressure (mmHg), and saturation (%); NaN: what serves it is held."""

    pressure: float
    saturation: float


HELD = Care(float("nan"), float("nan"))
"""All settings stay as they are."""


def for_each(u: Any, count: int, dtype: Any) -> Any:
    """Settings with a row for each of ``count`` particles."""
    return jax.tree.map(lambda leaf: jnp.full(count, leaf, dtype), u)


def answered(model: Any, ensemble: Ensemble, u: Any, body: Any, care: Care, hours: Float[Array, ""]) -> Any:
    """Settings [N] after one look at what every particle would show, when the next look is ``hours`` later."""
    dtype = ensemble.theta.dtype
    names = model.channel_names
    shown = jax.vmap(lambda theta, x, u: model.scaled(model.predict(model.individual(theta, body), x, u)))(
        ensemble.theta, ensemble.x, u
    )
    usual = jnp.ones(len(names)).at[names.index("mean_arterial_pressure")].set(care.pressure)
    below = model.scaled(usual.at[names.index("oxygen_saturation")].set(care.saturation)) - shown
    pressor = RAISED_PER_H * below[:, names.index("mean_arterial_pressure")] - WEANED_PER_H
    oxygen = OXYGEN_PER_H * below[:, names.index("oxygen_saturation")]
    more = _factor(pressor, hours)
    infusions = u.infusions._replace(**{name: more * getattr(u.infusions, name) for name in PRESSORS})
    fio2 = jnp.where(jnp.isnan(oxygen), u.fio2, jnp.clip(_factor(oxygen, hours) * u.fio2, LEAST_OXYGEN, 1.0))
    return jax.tree.map(lambda leaf: leaf.astype(dtype), u._replace(infusions=infusions, fio2=fio2))


def _factor(rate: Float[Array, " N"], hours: Float[Array, ""]) -> Float[Array, " N"]:
    """What a change of the logarithm at ``rate`` (1/h) multiplies with; 1 where the rate is not known."""
    return jnp.where(jnp.isnan(rate), 1.0, jnp.exp(jnp.clip(rate * hours, -MOST_CHANGE, MOST_CHANGE)))
