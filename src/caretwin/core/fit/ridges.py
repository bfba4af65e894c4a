"""Where a posterior is a curved ridge: places along it, so that draws can be proposed there too.

One level fixes one combination of the parameters and leaves the others to the prior: the posterior is thin across
and long along a curve, and a normal (or t) around the optimum follows its tangent into the void. Here the search
walks along the two least certain directions, four strides both ways, and after each comes back to the crest by
Newton steps across. What is found is used like further optima of the proposal mixture.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from caretwin.core.fit.newton import Optimum

DIRECTIONS = 2  # of least curvature
STRIDE = 1.5  # standard deviations
MOST_STEPS = 6
NEAR_THE_CREST = 0.05  # gradient across, in prior standard deviations: a place to propose from need not be exact
LEAST_CURVATURE = 0.25  # of a direction, in prior standard deviations (the prior alone: 1): no stride is longer
# Places get at least these shares of the optimum's weight (-ln), one for each stride, so that tails are not missed.
LEAST_WEIGHT = (1.5, 1.5, 3.0, 3.0)
NOWHERE = 30.0  # -ln of the weight below which a place is not worth a draw


def with_ridges(optima: Optimum, crest: Callable[[np.ndarray, np.ndarray], Optimum]) -> Optimum:
    """The optima of P subjects, leaves [P, R, ...], followed by places along the ridges through the best of each.

    crest  the optima, leaves [P, K, ...], of searches that start at z [P, K, d] and move only across [P, K, d]
    """
    here = np.asarray(optima.z[:, :1])
    value = np.asarray(optima.value[:, 0])
    ahead = _tangents(np.asarray(optima.hessian[:, 0]))
    length = np.sqrt(np.sum(ahead**2, axis=-1, keepdims=True))
    here = np.broadcast_to(here, ahead.shape)
    found = [optima]
    for least in LEAST_WEIGHT:
        place = crest(here + ahead, ahead / np.sqrt(np.maximum(np.sum(ahead**2, axis=-1, keepdims=True), 1e-300)))
        # The next stride goes on from the crest, the way this one bent, and as long as the first.
        bent = np.asarray(place.z) - here
        ahead = bent * length / np.sqrt(np.maximum(np.sum(bent**2, axis=-1, keepdims=True), 1e-12))
        here = np.asarray(place.z)
        raised = np.minimum(place.value, value[:, None] + least)
        worth = np.isfinite(place.value) & (place.value < value[:, None] + NOWHERE)
        found.append(place._replace(value=jnp.asarray(np.where(worth, raised, np.inf))))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves, axis=1), *found)


def _tangents(hessian: np.ndarray) -> np.ndarray:
    """First strides [P, 2 x DIRECTIONS, d] both ways along the least certain directions of Hessians [P, d, d]."""
    curvature, axes = np.linalg.eigh(np.where(np.isfinite(hessian), hessian, np.eye(hessian.shape[-1])))
    count = min(DIRECTIONS, hessian.shape[-1])
    step = STRIDE * axes[:, :, :count] / np.sqrt(np.maximum(curvature[:, None, :count], LEAST_CURVATURE))
    return np.swapaxes(np.concatenate([step, -step], axis=2), 1, 2)
