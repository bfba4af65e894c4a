"""The lung that opens and closes: recruitment, derecruitment and over-distension.

Collapsible units lie in layers under superimposed pressure; each has an opening and a closing pressure. One number,
the open fraction F of the collapsible units, moves between two envelopes:

    closed from above   F <= C(PEEP)          units whose closing pressure lies below PEEP stay open
    opened from below   F >= O(Pplat, PEEP)   units that inspiration opens and PEEP then holds

which is hysteresis with one state instead of two per layer.

Sources: Crotti et al., Am J Respir Crit Care Med 2001;164:131 (threshold opening pressures normal with mode 20, closing
with mode 5 cmH2O, in 5 patients); Bates & Irvin, J Appl Physiol 2002;93:705, doi:10.1152/japplphysiol.01274.2001
(opening and closing take time, the faster the further the pressure is from its critical value).
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Values = Float[Array, "..."]

OPENING_MODE, OPENING_SPREAD = 20.0, 6.0
"""cmH2O: mode from Crotti 2001; the spread is assumed, none is given there."""
CLOSING_MODE, CLOSING_SPREAD = 5.0, 4.0
"""cmH2O: mode from Crotti 2001; the spread is assumed."""
LAYERS = (0.1, 0.3, 0.5, 0.7, 0.9)
"""Middles of five layers between the top and the bottom of the lung."""
HEALTHY_SUPERIMPOSED, INJURED_SUPERIMPOSED = 2.6, 10.0
"""cmH2O of superimposed pressure at the bottom: Pelosi et al., Am J Respir Crit Care Med 1994;149:8, in health and in
severe ARDS."""
HEALTHY_COLLAPSIBLE, INJURED_COLLAPSIBLE = 0.12, 0.45
"""Collapsible share of lungs as heavy as those (assumed): between and beyond them the weight follows the share."""
OPENING_RATE, CLOSING_RATE = 0.5, 1.0
"""Per min towards each envelope: recruitment continues for minutes, collapse is faster (assumed)."""
STRESS_KNEE, STRESS_SCALE, STRESS_GAIN = 22.0, 4.0, 1.4
"""cmH2O of pressure in the lung from which injured open lung stiffens, its scale, and the gain per scale (assumed, to
meet the compliance of Pavlovsky 2022; the upper bend of pressure-volume curves in ARDS lies at 25-30 cmH2O, Amato et
al., N Engl J Med 1998;338:347)."""
SPONTANEOUS_RECOIL = 11.0
"""cmH2O of transpulmonary pressure that holds the lung of a patient who breathes alone, as PEEP does under positive
pressure: pleural pressure of -5 at the end of expiration, and the tone of the muscles, which holds 0.4-0.5 L that are
lost under anaesthesia (Hedenstierna & Edmark, Intensive Care Med 2005;31:1327; taken for 6 cmH2O, assumed)."""
_LOGISTIC = 1.702  # logistic(1.702 z) is the normal distribution function within 0.0095


def _share_below(pressure: Values, mode: Values | float, spread: float) -> Values:
    return jax.nn.sigmoid(_LOGISTIC * (pressure - mode) / spread)


class Envelope(NamedTuple):
    """Bounds of the open fraction (0-1): ``opened`` at least, once inspiration has worked; ``held`` at most."""

    opened: Values
    held: Values


def superimposed(collapsible: Values) -> Values:
    """cmH2O at the bottom of a lung of which this share (0-1) can collapse: a wet lung is heavy."""
    steep = (INJURED_SUPERIMPOSED - HEALTHY_SUPERIMPOSED) / (INJURED_COLLAPSIBLE - HEALTHY_COLLAPSIBLE)
    return jnp.clip(HEALTHY_SUPERIMPOSED + steep * (collapsible - HEALTHY_COLLAPSIBLE), 2.0, 13.0)


def envelope(
    plateau: Values, total_peep: Values, opening_shift: Values | float = 0.0, bottom: Values | float = 10.0
) -> Envelope:
    """What one pair of pressures (cmH2O) opens and holds open.

    opening_shift  cmH2O added to every opening pressure: this patient's lung is harder to open
    bottom         cmH2O of superimposed pressure at the bottom of the lung

    Example: PEEP 5 holds few dependent units, PEEP 15 nearly all that were opened.
    """
    opened, held = jnp.zeros_like(plateau), jnp.zeros_like(plateau)
    for share in LAYERS:
        layer = share * bottom
        stays = _share_below(total_peep - layer, CLOSING_MODE, CLOSING_SPREAD)
        opens = _share_below(plateau - layer, OPENING_MODE + opening_shift, OPENING_SPREAD)
        held = held + stays / len(LAYERS)
        opened = opened + stays * opens / len(LAYERS)
    return Envelope(opened, held)


def open_fraction(before: Values, bounds: Envelope, minutes: Values) -> Values:
    """F after ``minutes`` at constant pressures: an exact exponential towards whichever envelope it violates."""
    short = jnp.maximum(bounds.opened - before, 0.0) * -jnp.expm1(-OPENING_RATE * minutes)
    above = jnp.maximum(before - bounds.held, 0.0) * -jnp.expm1(-CLOSING_RATE * minutes)
    return jnp.clip(before + short - above, 0.0, 1.0)


def stiffening(low: Values, high: Values, collapsible: Values) -> Values:
    """Factor (>= 1) by which over-distension raises the elastance of open lung, averaged over a breath.

    low, high    cmH2O, before and at the end of inspiration, as they would be without stiffening: so nothing feeds back
    collapsible  share of the lung that can collapse: what is left open of an injured lung is small, and reaches its
                 limit first; in health the gain is a third
    Simpson's rule over the three pressures. Example: 1.1 from 5 to 19 cmH2O and 2.0 from 15 to 28 in severe injury.
    """
    ends = jax.nn.softplus((low - STRESS_KNEE) / STRESS_SCALE) + jax.nn.softplus((high - STRESS_KNEE) / STRESS_SCALE)
    middle = jax.nn.softplus((0.5 * (low + high) - STRESS_KNEE) / STRESS_SCALE)
    injury = jnp.clip(collapsible / INJURED_COLLAPSIBLE, 0.1, 1.3)
    return 1.0 + STRESS_GAIN * injury * (ends + 4.0 * middle) / 6.0


def over_distension(plateau: Values) -> Values:
    """0-1: how much of the open lung is stretched so far that its capillaries are squeezed (raises dead space)."""
    return jax.nn.sigmoid((plateau - STRESS_KNEE - 8.0) / STRESS_SCALE)
