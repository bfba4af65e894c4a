"""A second, independent opinion: the bootstrap filter of the textbook in NumPy, with multinomial resampling.

Gordon, Salmond & Smith, IEE Proc F 1993;140:107-113. It shares no code and no random numbers with caretwin.
"""

import numpy as np


def bootstrap_filter(rng, particles, initial, transition, log_density, observations):
    """Log evidence, and mean and variance of the first state component after the last observation.

    initial      (rng, N) -> state [N, k]
    transition   (rng, state, t) -> state [N, k], into observation t
    log_density  (state, t) -> [N]
    """
    x = initial(rng, particles)
    log_evidence = 0.0
    for t in range(len(observations)):
        if t > 0:
            x = transition(rng, x, t)
        density = log_density(x, t)
        peak = density.max()
        w = np.exp(density - peak)
        log_evidence += peak + np.log(w.mean())
        w /= w.sum()
        mean = w @ x[:, 0]
        variance = w @ (x[:, 0] - mean) ** 2
        x = x[rng.choice(particles, size=particles, p=w)]
    return log_evidence, mean, variance


def many(seed, replicates, *arguments):
    """Rows of (log evidence, mean, variance), one per replicate."""
    rng = np.random.default_rng(seed)
    return np.array([bootstrap_filter(rng, *arguments) for _ in range(replicates)])
