"""caretwin: a living, calibrated, personal model of a patient, a resident and the place that cares for them."""

__version__ = "0.1.0"
