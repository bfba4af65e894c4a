"""Stays of a CLIF 2.1 folder as bedside records."""
