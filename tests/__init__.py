"""Claims about caretwin, each able to fail."""
