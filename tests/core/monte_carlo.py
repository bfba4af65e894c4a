"""How far a Monte Carlo average may lie from the truth."""

import numpy as np


def agree(estimates, truth, errors=4.0, sharp=np.inf):
    """Assert that the mean of independent estimates is within ``errors`` standard errors of the truth.

    Four standard errors: a right program fails once in 16,000 tries, and our keys are fixed. ``sharp`` is the largest
    standard error with which the comparison still means something.
    """
    estimates = np.asarray(estimates)
    error = estimates.std(ddof=1) / np.sqrt(len(estimates))
    assert error < sharp, f"standard error {error}, wanted below {sharp}"
    assert abs(estimates.mean() - truth) < errors * error, (estimates.mean(), truth, error)
