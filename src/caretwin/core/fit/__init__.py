"""Batch posteriors for sparse data: most probable parameters, weighted draws, evidence, and how far to trust them."""

from caretwin.core.fit.posterior import Fit, Mode, find_modes, fit, fit_many

__all__ = ["Fit", "Mode", "find_modes", "fit", "fit_many"]
