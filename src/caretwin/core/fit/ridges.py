"""Where a posterior is a curved ridge: places along it, so that draws can be proposed there too.

One level fixes one combination of the parameters and leaves the others to the prior: the posterior is thin across
and long along a curve, and a normal (or t) around the optimum follows its tangent into the void. Here the search
walks along the two least certain directions, four strides both ways, and after each comes back to the crest by
Newton steps across. What is found is used like further optima of the proposal mixture.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array

from caretwin.core.fit.newton import Optimum, minimise
from caretwin.core.history import History
from caretwin.core.model import Model

DIRECTIONS = 2  # of least curvature
STRIDE = 1.5  # standard deviations
MOST_STEPS = 12
LEAST_CURVATURE = 0.25  # of a direction, in prior standard deviations (the prior alone: 1): no stride is longer
# Places get at least these shares of the optimum's weight (-ln), one for each stride, so that tails are not missed.
LEAST_WEIGHT = (1.5, 1.5, 3.0, 3.0)


def with_ridges(model: Model, optima: Optimum, history: History) -> Optimum:
    """The optima of one subject, leaves [R, ...], followed by places along the ridges through the best of them."""
    best = jax.tree.map(lambda leaf: leaf[0], optima)
    curvature, axes = jnp.linalg.eigh(best.hessian)
    count = min(DIRECTIONS, best.z.shape[0])
    step = STRIDE * axes[:, :count] / jnp.sqrt(jnp.maximum(curvature[:count], LEAST_CURVATURE))
    tangents = jnp.concatenate([step, -step], axis=1).T

    def walk(tangent: Array) -> Optimum:
        def stride(here: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], Optimum]:
            z, ahead = here
            across = ahead / jnp.sqrt(jnp.sum(ahead**2))
            found = minimise(model, z + ahead, history, MOST_STEPS, across)
            # The next stride goes on from the crest, the way this one bent, and as long as the first.
            bent = found.z - z
            longer = jnp.sqrt(jnp.sum(tangent**2) / jnp.maximum(jnp.sum(bent**2), 1e-12))
            return (found.z, bent * longer), found

        _, found = jax.lax.scan(stride, (best.z, tangent), length=len(LEAST_WEIGHT))
        return found

    places = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), jax.vmap(walk)(tangents))
    raised = jnp.minimum(places.value, best.value + jnp.tile(jnp.asarray(LEAST_WEIGHT), tangents.shape[0]))
    places = places._replace(value=jnp.where(places.value < best.value + 30.0, raised, jnp.inf))
    return jax.tree.map(lambda first, more: jnp.concatenate([first, more]), optima, places)
