"""One question a clinician asks, one file."""
