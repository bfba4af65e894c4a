"""What was recorded about a subject, as plain frozen values."""
