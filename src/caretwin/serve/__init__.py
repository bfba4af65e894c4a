"""A site that runs: its doors, its record and its twins, in one process; what people see of it comes on top."""
