"""Models, ensembles, filters, fits, plans, forecasts and scores: pure functions of arrays."""

from caretwin.core import numerics

numerics.configure()
