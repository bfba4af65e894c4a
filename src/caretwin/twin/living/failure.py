"""A twin that could not be brought up to date: why, and when that is tried again. The others go on meanwhile."""

from __future__ import annotations

from typing import NamedTuple

SECOND = 1_000_000
"""us."""
FIRST_WAIT_US, LONGEST_WAIT_US = 5 * SECOND, 300 * SECOND
"""us between the second and the third try, and at most; the second comes at the next turn, then waits double
(assumed: what is broken for good must not slow a ward, and what mends itself does so within minutes).
"""


class Failure(NamedTuple):
    """What went wrong with one subject.

    reason  in words; tries  how often in a row; again  when it is tried again (us)
    """

    reason: str
    tries: int
    again: int


def failed(before: Failure | None, problem: Exception, now: int) -> Failure:
    """The failure after one more try, at a time (us).

    >>> one = failed(None, ValueError("no"), 0)
    >>> one, failed(failed(one, ValueError("no"), 0), ValueError("no"), 0).again
    (Failure(reason='ValueError: no', tries=1, again=0), 10000000)
    """
    tries = 1 if before is None else before.tries + 1
    wait = 0 if tries == 1 else min(FIRST_WAIT_US * 2 ** min(tries - 2, 10), LONGEST_WAIT_US)
    words = " ".join(str(problem).split())[:200]
    return Failure(f"{type(problem).__name__}: {words}" if words else type(problem).__name__, tries, now + wait)
