"""Doors: one module for each kind of system that sends us data (see :mod:`caretwin.ingest.door`)."""
