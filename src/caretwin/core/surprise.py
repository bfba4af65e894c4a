"""How unlikely each channel's value was beforehand, judged by what the particles expected to be measured."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from caretwin.core.ensemble import weights
from caretwin.core.model import ABOVE_LIMIT, BELOW_LIMIT, MISSING, Observation


def surprise(expected: Float[Array, "N C"], logw: Float[Array, " N"], y: Observation) -> Float[Array, " C"]:
    """-log10 of the two-sided predictive tail probability of each channel [C]; 0 for a missing one.

    0 is as expected, 1 one chance in ten, 2 one in a hundred. With F = P(predicted < y) + P(predicted = y) /
    2 (the probability integral transform), the tail is 2 min(F, 1 - F); for a value reported as below a limit
    it is P(predicted < limit), and above likewise.

    expected  [N, C] one predicted measurement per particle, with measurement noise
    logw      [N]    weights before the datum

    A count of N draws cannot show a probability below 1/N, so the tail is (N p + 1) / (N + 1): never zero, at
    most log10(N + 1) of surprise. Phipson & Smyth, Stat Appl Genet Mol Biol 2010;9:39,
    doi:10.2202/1544-6115.1585.
    Source of the transform: Dawid, J R Stat Soc A 1984;147:278-292, doi:10.2307/2981683.
    """
    w = weights(logw)[:, None]
    below = jnp.sum(jnp.where(expected < y.value, w, 0.0), axis=0)
    above = jnp.sum(jnp.where(expected > y.value, w, 0.0), axis=0)
    level = jnp.clip(0.5 * (1 + below - above), 0.0, 1.0)  # equals go half to each side
    two_sided = 2 * jnp.minimum(level, 1 - level)
    tail = jnp.select([y.kind == BELOW_LIMIT, y.kind == ABOVE_LIMIT], [below, above], two_sided)
    count = expected.shape[0]
    tail = (count * jnp.clip(tail, 0.0, 1.0) + 1) / (count + 1)
    return jnp.where(y.kind == MISSING, 0.0, -jnp.log10(tail))
