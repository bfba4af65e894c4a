"""What can go wrong, each error saying three things: what was seen, what was wanted, and what to do about it.

A caller who wants to catch everything of ours catches :class:`CaretwinError`. A numerical failure is not
here: it is a value with a sentence (a status), so that one patient's trouble never stops the ward.
"""


class CaretwinError(Exception):
    """Something that a person can put right.

    where   what was being read or computed; a subject by internal id, never by name
    seen    what was found there
    wanted  what would have been right
    fix     what the reader can do now

    Example::

        vancomycin level of subject 7f3c at 06:10
          seen    8.6 umol/L, an amount of substance per volume
          wanted  a mass per volume, such as mg/L
          fix     name the substance, or let the laboratory send mg/L
    """

    def __init__(self, where: str, *, seen: str, wanted: str, fix: str) -> None:
        super().__init__(where, seen, wanted, fix)
        self.where = where
        self.seen = seen
        self.wanted = wanted
        self.fix = fix

    def __str__(self) -> str:
        """Four lines: the place, then seen, wanted and fix. The class is for programs: a person is not told it."""
        return f"{self.where}\n  seen    {self.seen}\n  wanted  {self.wanted}\n  fix     {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        """Keyword-only arguments survive pickling, so an error crosses a process border unchanged."""
        return (_rebuild, (type(self), self.where, self.seen, self.wanted, self.fix))


def _rebuild(kind: type[CaretwinError], where: str, seen: str, wanted: str, fix: str) -> CaretwinError:
    return kind(where, seen=seen, wanted=wanted, fix=fix)


class UnitError(CaretwinError):
    """Raised when a unit is unknown or ambiguous, or when one unit cannot become another."""


class TimeError(CaretwinError):
    """Raised when a text is not one instant: no time of day, no zone, or a clock time that does not exist."""


class DataError(CaretwinError):
    """Raised when recorded data contradict themselves or lack what a question needs."""


class DomainError(CaretwinError):
    """Raised when a patient, a dose or a value lies outside what a model was made for."""


class DrugFileError(CaretwinError):
    """Raised when a drug file cannot be read: ``where`` names the file, the line and the column."""


class ModelError(CaretwinError):
    """Raised when a model is unknown, incomplete, or used in a way that its structure does not allow."""


class PlanError(CaretwinError):
    """Raised when a plan cannot be carried out: an unknown target, or an end before its start."""
