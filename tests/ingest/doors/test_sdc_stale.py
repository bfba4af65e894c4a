"""A signal that is not refreshed in time is stale, whatever the connection says; a repetition is no refreshment."""

import asyncio
import threading
import time

from caretwin.ingest.decoded import MDC
from caretwin.ingest.doors.sdc.handover import Handover
from caretwin.ingest.doors.sdc.report import Coded
from caretwin.ingest.doors.sdc.stale import FreshnessClock, Pace, limit

SECOND = 1_000_000
HEART = (Coded("147842", MDC, "Heart rate"),)
CUFF = (Coded("150021", MDC, "Cuff"),)
STRANGE = (Coded("1", "urn:d"),)


def test_the_devices_own_word_decides_how_long_a_value_is_fresh() -> None:
    assert limit(Pace(period=1.0, life=10.0), HEART, 5.0) == 10.0
    assert limit(Pace(period=1.0), HEART, 5.0) == 3.0
    assert limit(Pace(), HEART, 5.0) == 15.0
    assert limit(Pace(continuous=False), CUFF, 5.0) == 900.0
    assert limit(Pace(continuous=False), STRANGE, 5.0) is None
    assert limit(Pace(setting=True), HEART, 5.0) is None


def test_a_signal_becomes_stale_once_and_fresh_again_with_the_next_value() -> None:
    clock = FreshnessClock()
    clock.refresh("hr", "m", HEART, 3.0, 100, 0)
    assert clock.due(3 * SECOND) == []
    (stale,) = clock.due(3 * SECOND + 1)
    assert (stale.handle, stale.since, stale.until, stale.limit_s) == ("hr", 100, None, 3.0)
    assert clock.stale() == ["Heart rate"] and clock.due(9 * SECOND) == []
    renewed = clock.refresh("hr", "m", HEART, 3.0, 200, 9 * SECOND)
    assert renewed is not None and (renewed.since, renewed.until) == (100, 200)
    assert clock.stale() == []


def test_a_change_of_patient_leaves_nothing_to_wait_for() -> None:
    clock = FreshnessClock()
    clock.refresh("hr", "m", HEART, 3.0, 100, 0)
    clock.refresh("hr2", "n", HEART, 3.0, 100, 0)
    clock.forget("m")
    assert [one.handle for one in clock.due(9 * SECOND)] == ["hr2"]


def test_a_full_queue_drops_waveforms_and_makes_values_wait() -> None:
    async def story() -> tuple[list[bytes | None], int, bool]:
        queue = Handover(asyncio.get_running_loop(), room=4)
        fill = [await asyncio.to_thread(queue.put, b"%d" % i) for i in range(2)]
        dropped = await asyncio.to_thread(queue.put, b"wave", True)
        fill += [await asyncio.to_thread(queue.put, b"%d" % i) for i in range(2, 4)]
        assert all(fill) and not dropped
        waiting = threading.Thread(target=queue.put, args=(b"4",))
        waiting.start()
        await asyncio.sleep(0.1)
        blocked = waiting.is_alive()
        found = [await queue.get() for _ in range(5)]
        await asyncio.to_thread(waiting.join)
        return found, queue.dropped, blocked

    found, dropped, blocked = asyncio.run(story())
    assert found == [b"0", b"1", b"2", b"3", b"4"]
    assert (dropped, blocked) == (1, True)


def test_a_closed_queue_frees_who_waits_and_gives_out_what_it_has() -> None:
    async def story() -> tuple[list[bytes | None], float]:
        queue = Handover(asyncio.get_running_loop(), room=1)
        await asyncio.to_thread(queue.put, b"a")
        waiting = threading.Thread(target=queue.put, args=(b"b",))
        waiting.start()
        begin = time.monotonic()
        queue.close()
        await asyncio.to_thread(waiting.join)
        return [await queue.get(), await queue.get()], time.monotonic() - begin

    found, seconds = asyncio.run(story())
    assert found == [b"a", None] and seconds < 2.0
