"""MIMIC-III: bedside records, blood gases and drug monitoring."""
