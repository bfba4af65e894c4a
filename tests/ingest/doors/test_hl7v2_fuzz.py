"""Whatever the bytes are, a message is read or refused: nothing else happens, and nothing hangs."""

import math
import subprocess
import sys
import textwrap

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.ingest.doors.hl7v2_lines import NOW, OBR, PID, message, obx, oru
from tests.paths import shared

from caretwin.ingest.decoded import CodedValue, RefusedError
from caretwin.ingest.doors.hl7v2.answer import answer
from caretwin.ingest.doors.hl7v2.context import Options
from caretwin.ingest.doors.hl7v2.decoding import decode_message
from caretwin.ingest.doors.hl7v2.message import split
from caretwin.ingest.intake import Outcome
from caretwin.record.entry import Event, Link

SEEDS = [path.read_bytes() for path in sorted(shared("data", "interop", "hl7v2").glob("*.hl7"))] + [
    oru(obx(), obx("<1", "SN", sub="1.2.3", code="147842^HR^MDC")),
    oru(obx(), pid=PID + "|" * 21 + "20240101|Y"),
    message(r"MSH|^~\&|P|N|||20240301061500||RAS^O17|1|P|2.5", PID, "ORC|RE|1|2", "RXA|0|1|202403010610||A^B^L|1|mg"),
    message(r"MSH|^~\&|P|N|||20240301061500||ADT^A40|1|P|2.5", PID, "MRG|9^^^N", PID, OBR),
]
PIECES = (b"|", b"^", b"~", b"&", b"\\", b"\r", b'""', b"", b"\x00", b"\xff", b"9", b"-")
OPTIONS = Options(zone="Europe/London", processing="PDT")
ANY = Options(processing="".join(map(chr, range(33, 127))))


def check(raw: bytes, options: Options = OPTIONS) -> None:
    """Reads a message without the door's net below it: an error of ours shows."""
    try:
        decoded, _ = decode_message(raw, options, "fuzz")
    except RefusedError as error:
        assert error.refusal.seen and error.refusal.fix
        refused = (error.refusal,)
    else:
        refused = decoded.refused
        for part in decoded.parts:
            assert isinstance(part, CodedValue | Event | Link)
            if isinstance(part, CodedValue):
                assert part.codes
                assert part.value is None or math.isfinite(part.value)
                assert part.value is not None or {"text", "absent"} & part.note.keys()
            orjson.dumps([getattr(part, "note", None), getattr(part, "body", None), getattr(part, "source_id", "")])
    split(answer(raw, Outcome("refused", None, refused), NOW, 1).raw or b"MSH|^~\\&|")


@given(st.binary(max_size=300))
@example(b"MSH|^~\\&|" + b"|" * 1000)
@example(b"MSH|\r")
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(raw):
    check(raw)
    check(b"MSH|^~\\&|A|B|C|D|20240301061500||ORU^R01|1|P|2.5\r" + raw, ANY)


@given(st.sampled_from(SEEDS), st.data())
@settings(max_examples=500)
def test_a_message_with_bytes_changed_is_read_or_refused(seed, data):
    raw = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 12))):
        at = data.draw(st.integers(0, max(len(raw) - 1, 0)))
        new = data.draw(st.sampled_from(PIECES))
        raw[at : at + data.draw(st.integers(0, 30))] = new
    check(bytes(raw))


WORDS = ("", '""', "F", "NM", "SN", "X", "20240301", "20240301061000+0000", "1e400")
KINDS = ("ORU^R01", "OUL^R22", "ADT^A01", "ADT^A40", "ADT^A45", "RDE^O11", "RAS^O17", "RDS^O13", "ORM^O01")
NAMES = ("PID", "PV1", "EVN", "OBR", "ORC", "OBX", "OBX", "SPM", "MRG", "RXA", "RXE", "RXO", "RXD", "RXR", "TQ1", "NTE")
_text = st.text(max_size=12) | st.sampled_from(WORDS)


@given(st.sampled_from(KINDS), st.lists(st.tuples(st.sampled_from(NAMES), st.lists(_text, max_size=26)), max_size=8))
@settings(max_examples=500)
def test_any_fields_in_any_segments_are_read_or_refused(kind, segments):
    header = rf"MSH|^~\&|A|B|C|D|20240301061500+0000||{kind}|1|P|2.5.1"
    check(message(header, PID, *("|".join((name, *fields)) for name, fields in segments)))


@given(st.sampled_from(SEEDS), st.integers(0, 10_000))
def test_a_message_that_was_cut_is_read_or_refused(seed, length):
    check(seed[:length])


FUZZER = """
    import sys
    import atheris
    with atheris.instrument_imports(include=["caretwin.ingest.doors"]):
        from tests.ingest.doors.test_hl7v2_fuzz import check
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()
"""


@pytest.mark.slow
def test_a_fuzzer_that_sees_the_branches_finds_nothing(tmp_path):
    pytest.importorskip("atheris")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / str(number)).write_bytes(seed)
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(FUZZER),
        str(corpus),
        "-max_total_time=20",
        "-timeout=10",
        "-max_len=20000",
        f"-artifact_prefix={tmp_path}/",
        "-print_final_stats=1",
        "-rss_limit_mb=0",
    ]  # fmt: skip  (a child of a large process is counted as large as that)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    runs = int(done.stderr.split("stat::number_of_executed_units:")[1].split()[0])
    assert runs > 500
