"""Frames are found however a network cuts them, and whatever stands between them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.ingest.doors.hl7v2.framing import Frame, Framer, framed

body = st.binary(max_size=80).map(lambda raw: bytes(b for b in raw if b not in (0x0B, 0x1C)))
garbage = st.binary(max_size=20).map(lambda raw: bytes(b for b in raw if b != 0x0B))


def fed(framer: Framer, stream: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in pairwise(edges)]
    return [frame.raw for piece in pieces for frame in framer.feed(piece)]


@given(st.lists(st.tuples(garbage, body), max_size=8), st.lists(st.integers(0, 10_000), max_size=20))
def test_every_frame_is_found_wherever_the_stream_is_cut(messages, cuts):
    stream = b"".join(between + framed(raw) for between, raw in messages)
    assert fed(Framer(), stream, cuts) == [raw for _, raw in messages]


@given(st.binary(max_size=400), st.lists(st.integers(0, 10_000), max_size=20))
def test_what_is_found_does_not_depend_on_the_cuts(stream, cuts):
    whole, pieces = Framer(50), Framer(50)
    assert fed(whole, stream, []) == fed(pieces, stream, cuts)
    assert (whole.garbage > 0, whole.broken, whole.inside) == (pieces.garbage > 0, pieces.broken, pieces.inside)


def test_a_message_that_is_too_long_is_told_and_not_held():
    framer = Framer(10)
    assert framer.feed(framed(b"x" * 10)) == [Frame(b"x" * 10)]
    assert framer.feed(framed(b"x" * 11)) == [Frame(b"x" * 10, too_long=True)]
    for _ in range(100):
        framer.feed(b"\x0b" if not framer.inside else b"y" * 1000)
    assert sum(map(len, framer._parts)) == 10


def test_a_message_that_is_begun_anew_counts_once():
    framer = Framer()
    assert [frame.raw for frame in framer.feed(b"\x0bMSH|half" + framed(b"MSH|whole"))] == [b"MSH|whole"]
    assert framer.broken == 1


def test_line_ends_between_frames_are_no_garbage():
    framer = Framer()
    framer.feed(framed(b"a") + b"\r\n" + framed(b"b"))
    assert framer.garbage == 0
    framer.feed(b"GET / HTTP/1.1\r\n")
    assert framer.garbage > 0


@pytest.mark.parametrize("tail", [b"\x1c", b"\x1c\r", b"\x1c\n", b"\x1c\r\n"])
def test_a_sender_that_forgets_the_last_byte_is_understood(tail):
    assert [one.raw for one in Framer().feed(b"\x0ba" + tail + framed(b"b"))] == [b"a", b"b"]
