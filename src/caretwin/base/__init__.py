"""Ground floor: errors, units, instants, identifiers and random streams. Imports nothing of ours."""
