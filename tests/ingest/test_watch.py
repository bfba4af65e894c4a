"""What doors share: pauses that grow, and folders in which files are left until they lie still."""

import asyncio
import time

from caretwin.ingest.intake import DoorState
from caretwin.ingest.pauses import BackOff, rest
from caretwin.ingest.watch import Still, files_in, watch


def test_pauses_double_up_to_the_longest_and_begin_anew_when_it_works():
    pauses = BackOff(0.5, 3.0)
    assert [pauses.next_s() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    pauses.reset()
    assert pauses.next_s() == 0.5


def test_a_pause_ends_when_it_is_time_to_stop():
    async def inside():
        stop = asyncio.Event()
        assert not await rest(stop, 0.01)
        asyncio.get_running_loop().call_later(0.02, stop.set)
        began = time.monotonic()
        assert await rest(stop, 30.0)
        assert time.monotonic() - began < 5.0

    asyncio.run(inside())


def test_what_changes_is_left_until_it_lies_still_and_is_taken_once():
    still = Still[str]()
    assert [still.ripe("a", mark) for mark in (1, 2, 2, 2)] == [False, False, True, True]
    still.take("a")
    assert not still.ripe("a", 2)
    assert [still.ripe("a", mark) for mark in (3, 3)] == [False, True]
    still.only(())
    assert not still.taken


def test_hidden_and_half_written_files_are_none_of_ours(tmp_path):
    for name in ("a.csv", ".b.csv", "~c.csv", "d.txt"):
        (tmp_path / name).write_text("x")
    assert [path.name for path in files_in(tmp_path, {".csv"})] == ["a.csv"]
    assert files_in(tmp_path / "none.csv", {".csv"}) == []


def test_a_folder_that_cannot_be_read_is_told_and_looked_at_again():
    looks = []

    async def inside():
        state, stop = DoorState(), asyncio.Event()

        async def look() -> str:
            looks.append(state.listening)
            if len(looks) == 2:
                raise PermissionError(13, "Permission denied")
            if len(looks) == 4:
                stop.set()
            return "2 files"

        await watch(look, 0.001, state, stop)
        return state

    state = asyncio.run(inside())
    assert looks == ["", "2 files", "", "2 files"]
    assert (state.trouble, state.listening) == ("the folder cannot be read: Permission denied", "")
