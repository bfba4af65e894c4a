"""A number of things in words: one row, two rows."""


def counted(number: int, name: str, several: str = "") -> str:
    """A number of things.

    name  of one of them; several  of more, where an s does not do it

    >>> counted(1, "value"), counted(12000, "value"), counted(0, "entry", "entries")
    ('1 value', '12,000 values', '0 entries')
    """
    return f"{number:,} {name if number == 1 else several or name + 's'}"
