"""Software that nobody here wrote and that the tests speak with: a database, a broker, devices."""
