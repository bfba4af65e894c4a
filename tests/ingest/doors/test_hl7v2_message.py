"""A message is split as an independent library splits it, whatever its bytes and delimiters are."""

import hl7
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ingest.doors.hl7v2_lines import MSH, PID, message, obx, oru, value
from tests.paths import shared

from caretwin.ingest.decoded import RefusedError
from caretwin.ingest.doors.hl7v2.message import split
from caretwin.ingest.doors.hl7v2.text import escaped, read_text, unescape

SAMPLES = shared("data", "interop", "hl7v2")
ODD = {
    "sample_unix.hl7",
    "sample_win.hl7",
}  # MSH-2 with a doubled escape character: the library takes it for five signs


def ours(raw: bytes) -> list[list[str]]:
    return [segment.fields for segment in split(raw).segments]


def theirs(raw: bytes) -> list[list[str]]:
    text = raw.decode("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r").strip()
    return [[str(field) for field in segment] for segment in hl7.parse(text)]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.hl7")), ids=lambda path: path.stem)
def test_every_sample_is_split_as_an_independent_library_splits_it(path):
    raw = path.read_bytes()
    if path.name in ODD:
        assert [segment[0] for segment in ours(raw)] == [segment[0] for segment in theirs(raw)]
    else:
        assert ours(raw) == [[field.strip("\r") for field in segment] for segment in theirs(raw)]


@pytest.mark.parametrize(
    "path", [one for one in sorted(SAMPLES.glob("*.hl7")) if one.name not in ODD], ids=lambda path: path.stem
)
def test_every_component_and_subcomponent_of_every_sample_is_where_the_library_finds_it(path):
    raw = path.read_bytes()
    text = raw.decode("utf-8-sig").replace("\r\n", "\r").replace("\n", "\r").strip()
    compared = 0
    for mine, other in zip(split(raw).segments, hl7.parse(text), strict=True):
        for position, field in enumerate(other):
            if (mine.name == "MSH" and position < 3) or not str(field) or isinstance(field, str) or position == 0:
                continue
            repetition = field[0]
            parts = repetition if not isinstance(repetition, str) else [repetition]
            for number, part in enumerate(parts, start=1):
                first = part if isinstance(part, str) else part[0]
                wanted = hl7.util.unescape(hl7.parse(MSH), str(first)).strip()
                if "\\" not in str(first) and wanted != '""':
                    assert mine.text(position, number) == wanted, (mine.place(position), number)
                    compared += 1
    assert compared > 5


word = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="|^~&\\\r\n\x0b\x1c", exclude_categories=("C", "Z"))
)
component = st.lists(word, min_size=1, max_size=3).map("&".join)
repetition = st.lists(component, min_size=1, max_size=4).map("^".join)
field = st.lists(repetition, min_size=1, max_size=3).map("~".join)
segment = st.tuples(st.sampled_from(["PID", "OBX", "ZZ1", "NTE"]), st.lists(field, max_size=12)).map(
    lambda pair: "|".join((pair[0], *pair[1]))
)


@given(st.lists(segment, max_size=6))
def test_generated_messages_are_split_as_the_library_splits_them(lines):
    raw = message(MSH, *lines)
    assert ours(raw) == theirs(raw)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=("C",)), max_size=60))
def test_what_is_escaped_is_read_as_it_was_meant(text):
    assert unescape(escaped(text), "\\", "|^&~") == text


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_line_ends_and_a_byte_order_mark_change_nothing(end, mark):
    lines = [MSH, PID, obx(time="20240301061000+0000")]
    assert value(mark + end.join(lines).encode() + end.encode()).value == 7.4


@pytest.mark.parametrize(
    ("declared", "python"),
    [("UNICODE UTF-8", "utf-8"), ("8859/1", "iso8859-1"), ("8859/15", "iso8859-15"), ("GB 18030-2000", "gb18030"),
     ("ISO IR87", "iso2022_jp"), ("UNICODE UTF-16", "utf-16")],
)  # fmt: skip
def test_the_declared_character_set_is_read(declared, python):
    word = {"gb18030": "体温", "iso2022_jp": "体温"}.get(python, "Größe")
    text = "\r".join((f"{MSH}||||||{declared}", PID, obx(word, "ST", time="20240301061000+0000"))) + "\r"
    assert value(text.encode(python)).note["text"] == word


def test_utf_8_is_read_as_such_even_where_the_header_says_otherwise():
    text = "\r".join((f"{MSH}||||||8859/1", PID, obx("Größe", "ST", time="20240301061000+0000"))) + "\r"
    assert value(text.encode("utf-8")).note["text"] == "Größe"


def test_text_in_no_declared_set_is_read_as_latin_1_and_that_is_noted():
    text, encoding, note = read_text("MSH|^~\\&|Größe\r".encode("iso8859-1"))
    assert ("Größe" in text, encoding, "ISO 8859-1" in note) == (True, "iso8859-1", True)


def test_a_message_may_have_delimiters_of_its_own():
    raw = b"MSH#*!?@#LAB#N#T#W#20240301061500+0000##ORU*R01#M1#P#2.5.1\rPID#1##1234***NORTH@1.2@ISO*MR\r"
    raw += b"OBR#1##F88#A#####\rOBX#1#ST#2160-0*Creatinine*LN##a?F?b?S?c#mg/dL#####F###20240301061000+0000\r"
    one = value(raw)
    assert one.subject.identifiers[0] == ("urn:oid:1.2", "1234")
    assert one.note["text"] == "a#b*c"


def test_a_delimiter_that_is_given_twice_counts_once():
    raw = (SAMPLES / "sample_unix.hl7").read_bytes()
    assert split(raw).marks == ("|", "^", "~", "\\", "&")


def test_a_broken_line_continues_its_text_and_loses_nothing():
    one = value(oru(obx("first line\rsecond line", "TX")))
    assert one.note["text"] == "first line\nsecond line"


def test_escapes_are_read_after_the_fields_are_split():
    one = value(oru(obx(r"A\F\B \S\ \T\ \R\ \E\ \X41\\.br\next \H\bold\N\ \Zxy\ 5\6", "ST")))
    assert one.note["text"] == "A|B ^ & ~ \\ A\nnext bold  5\\6"


@pytest.mark.parametrize(
    ("raw", "seen"),
    [
        (b"", "does not begin with MSH"), (b"\x00\xff", "does not begin with MSH"), (b"MSH", "without delimiters"),
        (b"MSH|", "without delimiters"), (b"MSHAAAA|", "without delimiters"), (b"MSH|||||", "without delimiters"),
        (b"MSH|abc|", "cannot be any"), (message(MSH, PID, MSH), "several messages"),
        (b"\xff\xfeM", "UTF-16"), (message(r"MSH|^~\&|A|B|||20240301||"), "no type"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_the_reason(raw, seen):
    with pytest.raises(RefusedError) as caught:
        value(raw)
    assert seen in caught.value.refusal.seen
    assert caught.value.refusal.code == "structure"


def test_a_huge_message_takes_time_in_proportion():
    import time

    def seconds(count: int) -> float:
        raw = oru(*(obx(number=n, sub=str(n)) for n in range(count)))
        begin = time.process_time()
        assert len(values_of(raw)) == count
        return time.process_time() - begin

    def values_of(raw):
        from tests.ingest.doors.hl7v2_lines import values

        return values(raw)

    seconds(100)
    small, large = min(seconds(1_000) for _ in range(3)), min(seconds(10_000) for _ in range(2))
    assert large < 40 * small  # ten times as much; a quadratic reader would need a hundred times as long


@pytest.mark.parametrize("filler", ["\\", "^", "~", "&", "|", "\r", "\\X", "\\.br\\"])
def test_a_megabyte_of_one_sign_is_read_within_seconds(filler):
    import time

    raw = oru(obx(filler * (1_000_000 // len(filler)), "TX"))
    begin = time.process_time()
    split(raw)
    value_or_refused(raw)
    assert time.process_time() - begin < 10.0


def value_or_refused(raw):
    try:
        return value(raw)
    except (RefusedError, AssertionError, ValueError):
        return None
