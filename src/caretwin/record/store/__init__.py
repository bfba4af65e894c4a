"""How the record is kept: one set of statements for a file and for a server."""
