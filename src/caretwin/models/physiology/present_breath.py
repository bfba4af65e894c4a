"""The breath of one particle now: the ventilator's, the patient's or both, and how it stretches the lung."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.models.physiology import (
    lung,
    vasoactive,
)
from caretwin.models.physiology import respiratory_drive as drive_
from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.breath import Breath, Lung, one_breath, spontaneous_inspiratory_fraction
from caretwin.models.physiology.individual import Values
from caretwin.models.physiology.parameters import Body

STRONGEST_EFFORT = 60.0
"""cmH2O of the respiratory muscles, breath after breath (assumed; a single maximal effort reaches 80-120)."""
HIGHEST_RATE = 60.0
"""1/min that any breathing reaches (assumed)."""
HIGHEST_PRESSURE = 60.0
"""cmH2O in the lung at which a ventilator ends a breath whatever volume is set (assumed limit)."""
STIFFENING_ROUNDS = 4
"""After which elastance at a set pressure is within 0.4 % (1 % above 45 cmH2O) of that at the volume it brings, for all
severities and PEEP 0 to 20 (measured)."""


def breath_now(v: Values, body: Body, x: State, u: Settings) -> Breath:
    """The breath under these settings: the ventilator's, the patient's, or both."""
    aerated = 1.0 - v.collapsible * (1.0 - x.open_fraction)
    alone = u.mode < 0.5
    volume_set = (jnp.abs(u.mode - 1.0) < 0.5) | (jnp.abs(u.mode - 3.0) < 0.5) | (jnp.abs(u.mode - 5.5) < 1.0)
    soft = v.compliance * aerated
    start = jnp.where(alone, 0.0, u.peep)
    above = jnp.where(alone, 0.0, jnp.where(volume_set, u.tidal_volume / soft, u.pressure))
    stiffer = _stiffer(start, above, volume_set | alone, v.collapsible)
    compliance = soft / stiffer
    tube = jnp.where(alone, 0.3, 1.0)
    mechanics = Lung(compliance, v.resistance * tube, 1.2 * v.resistance * tube)
    awake = awake_now(v, body, x, u)
    own = own_rate_now(v, body, x, u)
    assisted = alone | (u.mode > 3.5)
    triggered = jnp.maximum(u.rate, own)
    rate = jnp.clip(
        jnp.where(alone | (jnp.abs(u.mode - 4.0) < 0.5), jnp.maximum(own, 1e-3), triggered), 1e-3, HIGHEST_RATE
    )
    effort = (
        awake
        * jnp.minimum(drive_.kept_up(v.effort, x.drive.effort), STRONGEST_EFFORT)
        * jnp.where(assisted, jnp.where(alone, 1.0, 0.5), 0.0)
    )
    fraction = jnp.where(
        (u.inspiratory_fraction > 0.0) & ~assisted,
        u.inspiratory_fraction,
        spontaneous_inspiratory_fraction(jnp.where(assisted, rate, 16.0)),
    )
    # What is trapped counts too: plateau = PEEP + VT / (C (1 - exp(-te / Re C))).
    emptied = -jnp.expm1(-60.0 / rate * (1.0 - fraction) / (mechanics.expiratory_resistance * compliance))
    room = compliance * emptied * jnp.maximum(HIGHEST_PRESSURE - u.peep, 1.0)
    return one_breath(
        mechanics,
        jnp.where(alone, 4.0, u.mode),
        tidal_volume=jnp.clip(u.tidal_volume, 0.0, room),
        pressure=jnp.where(alone, 0.0, u.pressure),
        rate=rate,
        inspiratory_fraction=fraction,
        peep=jnp.where(alone, 0.0, u.peep),
        effort=effort,
    )


def _stiffer(start: Float[Array, ""], above: Float[Array, ""], known: Array, collapsible) -> Float[Array, ""]:
    """Factor by which over-distension stiffens the lung, in every mode as in one where the volume is set.

    start  cmH2O before inspiration
    above  cmH2O that inspiration adds: without stiffening where ``known`` (volume is set), else as it is (pressure is)
    :func:`lung.stiffening` asks for the pressure x without stiffening. Of a real one x s(x) = above is solved; a round
    takes the mean of the logarithms of x and above / s(x), which converges while s grows with less than the cube of x.
    """
    x = above
    for _ in range(STIFFENING_ROUNDS):
        s = lung.stiffening(start, jnp.minimum(start + x, HIGHEST_PRESSURE), collapsible)
        x = jnp.where(known, above, jnp.sqrt(x * above / s))
    return lung.stiffening(start, jnp.minimum(start + x, HIGHEST_PRESSURE), collapsible)


def awake_now(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """0-1: what sedation and muscle relaxants leave of the drive to breathe."""
    return (1.0 - u.relaxed) * (1.0 - vasoactive.effects(x.drugs, v.pressor_half, body.weight).sedation)


def own_rate_now(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """1/min: breaths that the patient would take; the ventilator may add to them."""
    awake = awake_now(v, body, x, u)
    return drive_.kept_up(v.own_rate, x.drive.rate) * (0.4 + 0.6 * awake) * (1.0 - u.relaxed)


def regulated_rate(v: Values, body: Body, x: State, u: Settings) -> Float[Array, ""]:
    """1/min: the rate that gas stores see. A patient who breathes regulates it more tightly than the rate one counts;
    of breaths above a set rate only a share ventilates; where the ventilator sets the volume, effort changes nothing.
    """
    own = own_rate_now(v, body, x, u) * jnp.exp(-v.rate_unseen)
    above = jnp.maximum(own - u.rate, 0.0)
    alone, controlled = (u.mode < 0.5) | (jnp.abs(u.mode - 4.0) < 0.5), (u.mode > 0.5) & (u.mode < 3.5)
    rate = jnp.where(alone, own, u.rate + jnp.where(controlled, v.triggered_share, 1.0) * above)
    rate = jnp.clip(rate, 1e-3, HIGHEST_RATE)
    return jnp.where(controlled, rate, rate * jnp.exp(-v.depth_unseen))


def envelope_now(v: Values, u: Settings, breath: Breath) -> lung.Envelope:
    """Pressures between which this breath opens and closes lung."""
    recoil = jnp.where(u.mode < 0.5, lung.SPONTANEOUS_RECOIL, 0.0)
    bottom = lung.superimposed(v.collapsible)
    return lung.envelope(breath.plateau_pressure + recoil, breath.total_peep + recoil, v.opening_shift, bottom)
