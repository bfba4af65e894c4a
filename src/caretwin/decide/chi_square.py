"""Upper tail of the chi-square distribution for whole degrees of freedom, in closed form.

    k even: exp(-x/2) sum_{i=0}^{k/2-1} (x/2)^i / i!
    k odd:  erfc(sqrt(x/2)) + exp(-x/2) sum_{i=1}^{(k-1)/2} (x/2)^(i-1/2) / Gamma(i + 1/2)

Abramowitz & Stegun, Handbook of Mathematical Functions, 1964, 26.4.4 and 26.4.5. Written out because the general
incomplete gamma function takes longer to load than a whole answer may take to be computed.
"""

import math

import numpy as np

_erfc = np.frompyfunc(math.erfc, 1, 1)


def upper_tail(degrees: int, x: np.ndarray) -> np.ndarray:
    """Probability of more than ``x`` (any shape) with ``degrees`` of freedom, at least 1.

    Example: ``upper_tail(2, np.array([0.0]))`` is 1.
    """
    half = np.maximum(np.asarray(x, dtype=np.float64), 0.0) / 2
    odd = degrees % 2
    total = np.asarray(_erfc(np.sqrt(half)), dtype=np.float64) if odd else np.zeros_like(half)
    first = 0.5 if odd else 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        log_half = np.log(half)
        for i in range(degrees // 2):
            power = i + first
            term = np.where(power > 0, power * log_half, 0.0) - half - math.lgamma(power + 1)
            total = total + np.where((half == 0) & (power > 0), 0.0, np.exp(term))
    return np.where(np.isfinite(half), total, 0.0)
