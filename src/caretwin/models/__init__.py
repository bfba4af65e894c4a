"""Models that come with caretwin. Nothing imports them by name: the registry finds them as it finds a stranger's."""
