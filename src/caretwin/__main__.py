"""``python -m caretwin`` is the same as ``caretwin``."""

from caretwin.cli import main

if __name__ == "__main__":
    main()
