"""Waveforms of a ventilator: whole breaths are read, broken ones are findings; real files agree with their tables."""

import csv
from datetime import datetime

import numpy as np
import pytest
from tests.paths import shared

from caretwin.ingest.findings import TableError
from caretwin.ingest.ventilator_waveform import read_ventilator_waveform

PB840 = ("data", "ventmap_pb840")


def breath(number, rows=12, flow=30.0, pressure=10.0):
    return f"BS, S:{number},\n" + "".join(f"{flow:.2f}, {pressure:.2f}\n" for _ in range(rows)) + "BE\n"


def read(tmp_path, text):
    path = tmp_path / "waveform.csv"
    path.write_text(text, encoding="utf-8")
    return read_ventilator_waveform(path)


def test_flow_becomes_litres_per_second_and_time_runs_through_the_breaths(tmp_path):
    waveform = read(tmp_path, "2016-02-17-08-43-02.525325\n" + breath(7) + breath(8))
    assert waveform.origin == datetime(2016, 2, 17, 8, 43, 2, 525325)
    assert [b.number for b in waveform.breaths] == [7, 8]
    assert [b.start_s for b in waveform.breaths] == [0.0, 0.24]
    assert np.all(waveform.breaths[0].flow == 0.5) and np.all(waveform.breaths[0].pressure == 10.0)
    assert waveform.follows(1) and not waveform.follows(0)
    assert waveform.findings == ()


@pytest.mark.parametrize(
    "broken, said",
    [
        ("BS, S:7,\n1.0, 5.0\n" + breath(8), "breath 7: a start without an end"),
        (breath(8, rows=3), "breath 8: 3 samples"),
        (breath(8).replace("30.00, 10.00", "30.00; 10.00"), "breath 8: '30.00; 10.00'"),
        (breath(8).replace("30.00", "nan"), "breath 8: 'nan, 10.00'"),
        (breath(8, flow=900.0), "breath 8: '900.00, 10.00'"),
        (breath(8, pressure=1013.0), "breath 8: '30.00, 1013.00'"),
        ("BE\n" + breath(8), "an end without a start"),
        ("12.0, 5.0\n" + breath(8), "1 row outside a breath"),
        (breath(11), "breath 11 after 7"),
        ("BS, S:8,\n" + "1.0, 5.0\n" * 20, "breath 8: a start without an end"),
    ],
)
def test_what_is_not_a_whole_breath_is_a_finding_and_not_a_breath(tmp_path, broken, said):
    waveform = read(tmp_path, breath(7) + broken)
    assert len(waveform.findings) == 1 and said in waveform.findings[0].seen
    assert waveform.breaths[0].number == 7
    assert all(len(b.flow) == 12 for b in waveform.breaths)


def test_after_a_missing_breath_the_next_one_is_no_neighbour(tmp_path):
    waveform = read(tmp_path, breath(7) + breath(9) + breath(10))
    assert [waveform.follows(i) for i in range(3)] == [False, False, True]


def test_a_refused_breath_still_takes_its_time(tmp_path):
    waveform = read(tmp_path, breath(7) + breath(8, pressure=999.0) + breath(9))
    assert [b.start_s for b in waveform.breaths] == [0.0, 0.48]


@pytest.mark.parametrize("text", ["", "time,flow\n1,2\n", "\x00\x01", "BS, S:1,\n"])
def test_a_file_without_a_whole_breath_is_an_error_that_says_what_was_wanted(tmp_path, text):
    with pytest.raises(TableError, match="BS, S:<number>"):
        read(tmp_path, text)


def test_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    text = "2016-02-17-08-43-02.525325\n" + breath(7)
    path = tmp_path / "windows.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (got,), (wanted,) = read_ventilator_waveform(path).breaths, read(tmp_path, text).breaths
    assert got.number == wanted.number and np.array_equal(got.flow, wanted.flow)


@pytest.mark.parametrize(
    "wave, table, breaths",
    [
        ("0149_2016-02-17-08-38-13_1.csv_test", "0149__0149_2016-02-17-08-38-13_1_v5_1_0__breath_meta.csv_test", 319),
        ("jimmy-example-data.csv.test", "jimmy-example-data__jimmy-example-data.csv_v5_1_0__breath_meta.csv_test", 16),
    ],
)
def test_real_recordings_have_the_breaths_and_peaks_that_their_own_tables_say(wave, table, breaths):
    waveform = read_ventilator_waveform(shared(*PB840, wave))
    with shared(*PB840, table).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert waveform.findings == () and len(waveform.breaths) == len(rows) == breaths
    for ours, row in zip(waveform.breaths, rows, strict=True):
        assert ours.number == int(row["ventBN"])
        assert ours.pressure.max() == pytest.approx(float(row["maxP"]), abs=0.006)  # the table has two decimals
        assert ours.flow.max() * 60 == pytest.approx(float(row["maxF"]), abs=0.006)
        assert ours.start_s == pytest.approx(float(row["BS"]) - 0.02, abs=0.011)  # its first is 0.02 s
