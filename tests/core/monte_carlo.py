"""How far a Monte Carlo average may lie from the truth."""

import numpy as np


def agree(estimates, truth, errors=4.0, slack=0.0):
    """Assert that the mean of independent estimates is within ``errors`` standard errors (plus ``slack``) of the truth.

    Four standard errors: a right program fails once in 16,000 tries, and our keys are fixed.
    """
    estimates = np.asarray(estimates)
    allowed = errors * estimates.std(ddof=1) / np.sqrt(len(estimates)) + slack
    assert abs(estimates.mean() - truth) < allowed, (estimates.mean(), truth, allowed)
