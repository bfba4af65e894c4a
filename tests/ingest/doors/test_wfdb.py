"""WFDB records: real records of PhysioNet against their bytes, and headers that do not tell the truth."""

import asyncio
import re
import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.paths import shared

from caretwin.base.errors import DataError
from caretwin.base.time import to_microseconds
from caretwin.ingest.decoded import CodedValue, Decoded, RefusedError
from caretwin.ingest.doors.wfdb.door import MEDIA, WfdbDoor
from caretwin.ingest.doors.wfdb.names import CHANNELS, UNITS
from caretwin.ingest.intake import Intake
from caretwin.ingest.mapping import CodeMapping, Rule
from caretwin.ingest.translate import Translator
from caretwin.record.access import operator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Event, Identifier, Observation
from caretwin.record.record import open_record
from caretwin.record.vocabulary import vocabulary
from caretwin.record.writer import Writer

NUMERICS = "s00001-2896-10-10-00-31n"
ADA = "urn:hospital|ada"
MINUTE = 60_000_000


def mimic() -> Path:
    return shared("data", "interop", "wfdb", "s00001")


def door(folder: Path, **more: Any) -> WfdbDoor:
    return WfdbDoor("icu", {"folder": str(folder), "subject": ADA, **more})


def read(folder: Path, name: str, **more: Any) -> Decoded:
    return door(folder, **more).decode(name.encode(), MEDIA)


def of(found: Decoded, signal: str) -> list[CodedValue]:
    return [one for one in found.parts if isinstance(one, CodedValue) and one.codes[0].code == signal]


def stored(value: CodedValue, *rules: Rule) -> Observation:
    return Translator("wfdb:icu", CodeMapping(rules)).translate(value, 0)[0]


# ---- real records --------------------------------------------------------------------------------------------------


def test_numerics_are_what_the_bytes_of_the_file_say() -> None:
    """The file is 16-bit little-endian, ten signals side by side, gain 10 for the heart rate."""
    raw = np.frombuffer((mimic() / "3975656n.dat").read_bytes(), "<i2").reshape(-1, 10)
    heart = raw[:, 0] / 10.0
    found = of(read(mimic(), NUMERICS), "HR")
    kept = [one for one in found if one.value is not None]
    assert [one.value for one in kept] == pytest.approx(heart[heart != 0.0].tolist())
    begin = to_microseconds(datetime(2896, 10, 10, 0, 31, 25, 894000, tzinfo=UTC))
    minutes = [round((one.effective - begin) / MINUTE) for one in kept]
    assert minutes == np.flatnonzero(heart != 0.0).tolist()
    assert all(abs(one.effective - begin - minute * MINUTE) < 1000 for one, minute in zip(kept, minutes, strict=True))


def test_numerics_are_what_the_library_reads() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import wfdb
    record = wfdb.rdrecord(str(mimic() / NUMERICS))
    found = read(mimic(), NUMERICS)
    for i, name in enumerate(record.sig_name):
        signal = record.p_signal[:, i]
        expected = signal[~np.isnan(signal) & (signal != 0.0)]
        assert [one.value for one in of(found, name) if one.value is not None] == pytest.approx(expected.tolist()), name


def test_names_and_units_of_a_monitor_are_channels_of_the_record() -> None:
    channels = {}
    for one in read(mimic(), NUMERICS).parts:
        assert isinstance(one, CodedValue)
        entry = stored(one)
        channels[one.codes[0].code] = entry.code
        assert entry.unit == "" and entry.code in vocabulary()
    assert channels["ABPSys"] == channels["NBPSys"] == "systolic_pressure"
    assert channels["RESP"] == "respiratory_rate" and channels["SpO2"] == "oxygen_saturation"
    assert len(channels) == 10


def test_a_site_knows_a_name_better_than_we_do() -> None:
    (first, *_) = of(read(mimic(), NUMERICS), "PULSE")
    assert stored(first).code == "pulse_rate"
    assert stored(first, Rule("", "local:wfdb", "PULSE", "", "heart_rate")).code == "heart_rate"


def test_a_nought_of_a_heart_rate_is_absent_and_never_a_value() -> None:
    raw = np.frombuffer((mimic() / "3975656n.dat").read_bytes(), "<i2").reshape(-1, 10)[:, 0]
    found = of(read(mimic(), NUMERICS), "HR")
    absent = [one for one in found if one.value is None]
    stretches = int(((raw == 0) & np.concatenate([[True], raw[:-1] != 0])).sum())
    assert 0 < len(absent) == stretches <= 46
    assert all("standstill" in one.note["absent"] for one in absent if one.note)
    assert stored(absent[0]).value is None and stored(absent[0]).quality == Quality.GOOD
    assert all(one.value != 0.0 for one in read(mimic(), NUMERICS).parts if isinstance(one, CodedValue))


def test_a_missing_sample_is_missing_and_said_once_for_a_stretch() -> None:
    raw = np.frombuffer((mimic() / "3975656n.dat").read_bytes(), "<i2").reshape(-1, 10)[:, 7]
    found = of(read(mimic(), NUMERICS), "NBPSys")
    assert sum(one.value is not None for one in found) == int((raw != -32768).sum()) == 152
    missing = [one for one in found if one.value is None]
    assert 0 < len(missing) <= 153 and all("missing" in one.note["absent"] for one in missing if one.note)


def test_every_value_comes_with_a_name_of_its_own() -> None:
    names = [one.source_id for one in read(mimic(), NUMERICS).parts if isinstance(one, CodedValue)]
    assert len(names) == len(set(names)) > 5000


def test_curves_are_passed_over_unless_they_are_asked_for() -> None:
    folder = shared("data", "interop", "wfdb", "041s")
    found = read(folder, "041s")
    assert found.parts == () and found.ignored == (
        "7 curves of 8 s in 041s01, not asked for",
        "7 curves of 8 s in 041s02, not asked for",
    )


def test_a_curve_is_what_the_bytes_of_the_file_say() -> None:
    """Format 212: two samples of 12 bits in three bytes; a frame has 16 samples, of which the 13th is the pressure."""
    folder = shared("data", "interop", "wfdb", "041s")
    blocks = [one for one in read(folder, "041s", waveforms=True).parts if isinstance(one, Event)]
    pressure = [one for one in blocks if one.body["code"]["code"] == "ABP"]
    assert len(pressure) == 2 and pressure[0].body["unit"] == "mm[Hg]" and pressure[0].body["period_s"] == 0.008
    assert pressure[0].stop == pressure[1].effective == pressure[0].effective + 8_000_000  # the second file follows
    three = np.frombuffer((folder / "041s01.dat").read_bytes(), np.uint8).reshape(-1, 3).astype(int)
    pairs = np.stack([three[:, 0] + ((three[:, 1] & 15) << 8), three[:, 2] + ((three[:, 1] >> 4) << 8)], axis=1)
    signed = np.where(pairs > 2047, pairs - 4096, pairs).reshape(1000, 16)
    assert pressure[0].body["values"] == pytest.approx(((signed[:, 12] + 1600) / 20.0).tolist(), abs=0.01)
    (lead, *_) = [one for one in blocks if one.body["code"]["code"] == "III"]
    assert lead.body["period_s"] == 0.002  # four samples in a frame
    assert lead.body["values"] == pytest.approx((signed[:, :4].reshape(-1) / 2000.0).tolist(), abs=1e-4)


def test_segments_without_files_are_refused_and_the_others_hold() -> None:
    name = "s00001-2896-10-10-00-31"
    found = read(mimic(), name)
    assert sorted(re.findall(r"3975656_00\d\d", " ".join(map(str, found.refused)))) == sorted(
        ["3975656_0009", "3975656_0009", "3975656_0010", "3975656_0010", "3975656_0011", "3975656_0011"]
    )
    assert len(found.ignored) == 13


def test_a_segment_begins_where_the_frames_before_it_end(tmp_path: Path) -> None:
    name = "s00001-2896-10-10-00-31"
    for file in ("3975656_layout.hea", "3975656_0001.hea", "3975656_0001.dat"):
        shutil.copy(mimic() / file, tmp_path)
    text = (mimic() / f"{name}.hea").read_text().splitlines()
    (tmp_path / "some.hea").write_text("\n".join(["some/3 4 125 10011 00:31:25.894 10/10/2896", *text[1:4]]) + "\n")
    (first, *_) = read(tmp_path, "some", waveforms=True).parts
    assert isinstance(first, Event)
    begin = to_microseconds(datetime(2896, 10, 10, 0, 31, 25, 894000, tzinfo=UTC))
    assert first.effective == begin + 3261 * 8000  # 31:51.982, as the segment's own header says


# ---- records of our own --------------------------------------------------------------------------------------------


def numerics(folder: Path, name: str = "one", head: str = "8:00:00 01/03/2024", lines: int = 4) -> None:
    """A record of two signals at one sample a minute: HR 60, 61, ... and CVP 0, 1, ..."""
    values = np.stack([600 + 10 * np.arange(lines), 10 * np.arange(lines)], axis=1).astype("<i2")
    (folder / f"{name}.dat").write_bytes(values.tobytes())
    sums = values.astype(int).sum(axis=0)
    signals = [f"{name}.dat 16 10/{unit} 16 0 {values[0, i]} {sums[i]} 0 {word}"
               for i, (unit, word) in enumerate([("bpm", "HR"), ("mmHg", "CVP")])]  # fmt: skip
    (folder / f"{name}.hea").write_text("\n".join([f"{name} 2 0.016666666666667 {lines} {head}", *signals]) + "\n")


def test_a_venous_pressure_of_nought_is_one(tmp_path: Path) -> None:
    numerics(tmp_path)
    assert [one.value for one in of(read(tmp_path, "one"), "CVP")] == [0.0, 1.0, 2.0, 3.0]


def test_clock_times_are_of_the_zone_of_the_door(tmp_path: Path) -> None:
    numerics(tmp_path)
    first = read(tmp_path, "one", zone="Europe/Berlin").parts[0]
    assert isinstance(first, CodedValue)
    assert first.effective == to_microseconds(datetime(2024, 3, 1, 7, 0, tzinfo=UTC))


def test_a_clock_time_that_was_shown_twice_is_not_guessed(tmp_path: Path) -> None:
    numerics(tmp_path, head="02:30:00 27/10/2024")
    with pytest.raises(RefusedError, match="showed twice"):
        read(tmp_path, "one", zone="Europe/Berlin")


def test_a_record_without_a_date_needs_to_be_told_when(tmp_path: Path) -> None:
    numerics(tmp_path, head="8:00:00")
    with pytest.raises(RefusedError, match="no date in its header"):
        read(tmp_path, "one")
    first = read(tmp_path, "one", start="2024-03-01T06:10:00Z").parts[0]
    assert isinstance(first, CodedValue)
    assert first.effective == to_microseconds(datetime(2024, 3, 1, 6, 10, tzinfo=UTC))


def test_records_of_one_stay_keep_their_distance_under_another_start(tmp_path: Path) -> None:
    numerics(tmp_path, "one")
    numerics(tmp_path, "two", head="9:30:00 01/03/2024")
    begin = "2026-01-01T00:00:00Z"
    first, second = (read(tmp_path, name, start=begin).parts[0] for name in ("one", "two"))
    assert isinstance(first, CodedValue) and isinstance(second, CodedValue)
    assert first.effective == to_microseconds(datetime(2026, 1, 1, tzinfo=UTC))
    assert second.effective - first.effective == 90 * MINUTE


def broken(folder: Path, how: str) -> None:
    numerics(folder)
    header = (folder / "one.hea").read_text()
    if how == "cut":
        (folder / "one.dat").write_bytes((folder / "one.dat").read_bytes()[:-3])
    elif how == "longer":
        (folder / "one.hea").write_text(header.replace("667 4 ", "667 400 "))
    elif how == "other samples":
        (folder / "one.dat").write_bytes(b"\x01" * 16)
    elif how == "elsewhere":
        (folder / "one.hea").write_text(header.replace("one.dat", "../one.dat"))
    elif how == "address":
        (folder / "one.hea").write_text(header.replace("one.dat", "https://example.org/one.dat"))
    elif how == "no file":
        (folder / "one.dat").unlink()
    elif how == "no signals":
        (folder / "one.hea").write_text("one 0 125 4 8:00:00 01/03/2024\n")
    elif how == "no header":
        (folder / "one.hea").write_bytes(b"\xff\x00nonsense\n")
    elif how == "format":
        (folder / "one.hea").write_text(header.replace(".dat 16 ", ".dat 99 "))


@pytest.mark.parametrize(
    ("how", "word"),
    [
        ("cut", "13 bytes"), ("longer", "1600, as its header says"), ("other samples", "checksum"),
        ("elsewhere", "cannot be read|elsewhere"), ("address", "cannot be read|elsewhere"),
        ("no file", "no file one.dat"),
        ("no signals", "no signal"), ("no header", "header that cannot be read"), ("format", "format 99"),
    ],
)  # fmt: skip
def test_a_header_that_does_not_tell_the_truth_is_refused(tmp_path: Path, how: str, word: str) -> None:
    broken(tmp_path, how)
    with pytest.raises(RefusedError, match=word):
        read(tmp_path, "one")
    found = asyncio.run(door(tmp_path).test())
    assert how == "other samples" or not found.works


@given(st.binary(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, raw: bytes) -> None:
    numerics(tmp_path)
    (tmp_path / "inner").mkdir(exist_ok=True)
    for name in (raw, b"../one", str(tmp_path / "one").encode(), b"one.hea/../one"):
        with pytest.raises(RefusedError):
            door(tmp_path / "inner").decode(name, MEDIA)


LINES = "one 2 0.016666666666667 4 8:00:00 01/03/2024\none.dat 16 10/bpm 16 0 600 2460 0 HR\n"


@given(st.integers(0, len(LINES) - 1), st.text(max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
def test_a_header_with_anything_anywhere_is_read_or_refused(tmp_path: Path, where: int, words: str) -> None:
    numerics(tmp_path)
    text = (tmp_path / "one.hea").read_text()
    (tmp_path / "one.hea").write_text(text[:where] + words + text[where + 1 :], encoding="utf-8")
    try:
        found = read(tmp_path, "one")
    except RefusedError as error:
        assert error.fix
    else:
        for one in found.parts:
            stored(one)  # type: ignore[arg-type]


def test_what_the_table_names_is_in_the_vocabulary() -> None:
    from caretwin.base.units import parse

    assert set(CHANNELS.values()) <= vocabulary().keys()
    assert all(parse(unit).code for unit in UNITS.values())


@pytest.mark.parametrize(("more", "word"), [({"subject": "ada"}, "system"), ({"start": "yesterday"}, "ISO 8601")])
def test_a_wrong_section_says_what_to_mend(tmp_path: Path, more: dict[str, str], word: str) -> None:
    with pytest.raises(DataError, match=word):
        door(tmp_path, **more)


# ---- the folder ----------------------------------------------------------------------------------------------------


def test_a_folder_is_taken_in_once_and_what_comes_later_too(tmp_path: Path) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    numerics(folder, "one")
    broken_ = folder / "two.hea"
    broken_.write_text("two 1 0.0166667 4 8:00:00 01/03/2024\ntwo.dat 16 10/bpm 16 0 0 0 0 HR\n")

    async def story() -> tuple[dict[str, int], int, int]:
        record = open_record(tmp_path / "record.db", lambda: 1)
        writer, gate = Writer(record), door(folder, every_s=0.05)
        intake = Intake(gate, record, writer, Translator("wfdb:icu", CodeMapping([])), lambda: 1)
        stop = asyncio.Event()
        task = asyncio.create_task(gate.run(intake, stop))

        async def until(accepted: int) -> None:
            for _ in range(400):
                if intake.state.counters["accepted"] >= accepted:
                    return
                await asyncio.sleep(0.02)
            raise AssertionError(intake.state)

        await until(1)
        assert intake.state.listening == str(folder)
        await asyncio.sleep(0.3)
        refused_once = intake.state.counters["refused"]
        numerics(folder, "two", head="10:00:00 01/03/2024")  # mended
        await until(2)
        await asyncio.sleep(0.2)
        stop.set()
        await task
        key = record.reading(operator()).subject_of(Identifier("urn:hospital", "ada"))
        assert key is not None
        held = sum(len(one.value) for one in record.reading(operator()).series(key, ["heart_rate"]))
        counters = dict(intake.state.counters)
        writer.close()
        record.close()
        return counters, refused_once, held

    counters, refused_once, held = asyncio.run(story())
    assert (refused_once, held) == (1, 8)
    assert counters["entries"] == 16 and counters.get("unmapped", 0) == 0


def test_reading_a_record_again_says_nothing_new(tmp_path: Path) -> None:
    numerics(tmp_path)
    record = open_record(tmp_path / "record.db", lambda: 1)
    with Writer(record) as writer:
        intake = Intake(door(tmp_path), record, writer, Translator("wfdb:icu", CodeMapping([])), lambda: 1)
        first, again = (intake.accept_now(b"one", MEDIA) for _ in range(2))
    record.close()
    assert first.receipt is not None and again.receipt is not None
    assert (first.receipt.duplicates, again.receipt.duplicates) == (0, 8)


def test_a_record_is_tested_before_it_is_read(tmp_path: Path) -> None:
    assert not asyncio.run(door(tmp_path).test()).works
    numerics(tmp_path)
    found = asyncio.run(door(tmp_path).test())
    assert found.works and found.sentence == "1 records"


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ("r 1 125 250 08:10:00 27/03/2026\nr.dat 16 1e999/mmHg 12 0 0 0 0 ABP\n", "a gain"),
        ("r 1 125 250 08:10:00 27/03/2026\nr.dat 16 1e300/mmHg 12 0 0 0 0 ABP\n", "a gain"),
        (
            "r 1 0.00000001 250 08:10:00 27/03/2026\nr.dat 16 200/mmHg 12 0 0 0 0 ABP\n",
            "no usable sampling frequency",
        ),
        (
            "r 1 125 250 08:10:00 27/03/2026\nr.dat 16 200(" + "9" * 400 + ")/mmHg 12 0 0 0 0 ABP\n",
            "cannot be computed",
        ),
        ("r 2 125 250 08:10:00 27/03/2026\n", "2 signals and 0 lines"),
        ("r/2 1 125 1\nr 125\n~ 1" + "0" * 400 + "\n", "a length"),
        ("r/2 1 125 9999999999999999999\nr 125\n~ 9999999999999999999\n", "a length"),
    ],
)
def test_numbers_that_no_record_has_are_refused_with_the_header(tmp_path, header, seen):
    """Found by fuzzing: a gain of infinity and lengths beyond any calendar."""
    (tmp_path / "r.dat").write_bytes(bytes(2000))
    (tmp_path / "r.hea").write_text(header)
    door = WfdbDoor("w", {"folder": str(tmp_path), "subject": "urn:x|1", "waveforms": True})
    with pytest.raises(RefusedError) as caught:
        door.decode(b"r", "")
    assert seen in caught.value.refusal.seen
