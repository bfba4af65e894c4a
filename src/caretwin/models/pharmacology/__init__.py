"""Drugs: one declarative file each, and the kinetics that they share."""
