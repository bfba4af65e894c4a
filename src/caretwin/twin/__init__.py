"""Bind a model to the record of one subject."""
