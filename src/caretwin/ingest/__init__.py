"""Readers that turn a source into records, and doors that take in what other systems send."""
