"""What a minute of a channel comes to does not depend on the order in which it came."""

import itertools

import pytest

from caretwin.record.bedside import Quality
from caretwin.twin.living.track import Track, Value


@pytest.mark.parametrize("held", [True, False])
def test_of_two_sources_that_say_the_same_at_the_same_time_the_better_counts_whichever_came_first(held: bool) -> None:
    for qualities in itertools.permutations([Quality.GOOD, Quality.SUSPECT]):
        track = Track()
        for number, quality in enumerate(qualities):
            track.put(1, Value("peep", 60_000_000, 14.0, quality, number))
        assert track.of_minute(1, held=held) == (14.0, Quality.GOOD)
