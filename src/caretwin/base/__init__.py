"""Ground floor: errors, units, instants, identifiers and random streams. Imports nothing of ours and reads no data."""
