"""Batch posteriors for sparse data: most probable parameters, weighted draws, evidence, and how far to trust them."""

from caretwin.core.fit.posterior import Fit, find_modes, fit, fit_many
from caretwin.core.fit.search import Mode

__all__ = ["Fit", "Mode", "find_modes", "fit", "fit_many"]
