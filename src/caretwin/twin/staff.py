"""What staff do meanwhile: vasopressors as they are weaned, saturation as it is kept, for forecasts of care as given.

A what-if holds its settings. A forecast of what will be charted must not. Whoever is on a vasopressor is weaned from
it, sooner while pressure is above its usual; every particle is a future of its own and is answered by itself. Who
saturates less than usual is given oxygen, is suctioned, turned, recruited: hardly any of it is charted, so it enters as
evidence that saturation is near its usual, and more of it the longer care has had time.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.ensemble import Ensemble
from caretwin.core.ensemble_kalman import KalmanSettings, correct_with_past
from caretwin.core.model import MEASURED, Observation

PRESSORS = ("norepinephrine", "epinephrine", "phenylephrine", "dopamine", "vasopressin")
WEANED_PER_H = 0.12
"""1/h: fall of the logarithm of a vasopressor's rate while pressure is as usual. With the next: least squares on 1,399
changes of charted norepinephrine within an hour in 33 CLIF demo stays, what ended counted as 0.005 ug/kg/min (halves of
the stays: 0.11 and 0.16). The other vasopressors: assumed to be weaned alike."""
RAISED_PER_H = 0.47
"""1/h: rise of that logarithm for each unit by which ln(mean arterial pressure) is below its usual (see above; halves
of the stays: 0.35 and 0.70)."""
KEPT_VARIANCE_H = 64.0
"""h, of the oximeter's error variance: divided by the hours that care had, it is the variance with which saturation is
known to be at its usual: a standard deviation of 2 on the oximeter's scale (98 +- 2, 86 +- 5) after 4 h (chosen on
CLIF demo stays)."""
MOST_CHANGE = 3.0
"""In the logarithm, at one look (assumed; only so that no number becomes impossible)."""


class Care(NamedTuple):
    """What staff keep up: usual mean arterial pressure (mmHg), and saturation (%); NaN: nothing is done for it."""

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
    below = model.scaled(usual) - shown
    pressor = RAISED_PER_H * below[:, names.index("mean_arterial_pressure")] - WEANED_PER_H
    more = _factor(pressor, hours)
    infusions = u.infusions._replace(**{name: more * getattr(u.infusions, name) for name in PRESSORS})
    return jax.tree.map(lambda leaf: leaf.astype(dtype), u._replace(infusions=infusions))


def kept(
    model: Any,
    settings: KalmanSettings,
    ensemble: Ensemble,
    u: Any,
    body: Any,
    care: Care,
    hours: Float[Array, ""],
) -> Ensemble:
    """The ensemble when care had ``hours`` to keep saturation near its usual; as it was where that is not known.

    u  settings that all particles share: what each weaned meanwhile moves pressure, and hardly saturation
    What was kept at one moment of a forecast is so at the next: each adds the evidence of its own hours only.
    """
    dtype = ensemble.theta.dtype
    names = model.channel_names
    place = names.index("oxygen_saturation")
    value = jnp.ones(len(names)).at[place].set(jnp.where(jnp.isnan(care.saturation), 1.0, care.saturation))
    kind = jnp.zeros(len(names), int).at[place].set(jnp.where(jnp.isnan(care.saturation), 0, MEASURED))
    u, body = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), (u, body))
    error = (KEPT_VARIANCE_H / jnp.maximum(hours, 0.01)).astype(dtype)
    told = Observation(value, kind)
    return correct_with_past(model, settings, ensemble, u, body, told, None, error=error, most=1)[0]


def _factor(rate: Float[Array, " N"], hours: Float[Array, ""]) -> Float[Array, " N"]:
    """What a change of the logarithm at ``rate`` (1/h) multiplies with; 1 where the rate is not known."""
    return jnp.where(jnp.isnan(rate), 1.0, jnp.exp(jnp.clip(rate * hours, -MOST_CHANGE, MOST_CHANGE)))
