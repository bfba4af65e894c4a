"""Readers that turn a source into records: one source, one file."""
