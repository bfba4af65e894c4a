"""A report stands alone, holds the answer and nothing that was not asked for; its numbers are in the JSON file too."""

import json
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from caretwin.decide.bands import bands
from caretwin.decide.personal import personal
from caretwin.decide.sensitivity import consequences
from caretwin.record.dosing import DosingRecord
from caretwin.review import dosing_words as words
from caretwin.review.dosing_drawings import drawings_of_course, drawings_of_decision
from caretwin.review.dosing_json import as_json
from caretwin.review.dosing_report import report
from caretwin.review.dosing_words import Provenance
from caretwin.review.figures import draw
from tests.decide.patients import GOTI, vancomycin

MADE = Provenance("0.0", "2026-01-01T00:00:00+00:00", 0, "p.csv", "ab" * 32, ((GOTI, "1", "cd" * 32),), ())


def _whole(advice):
    chosen = [j.regimen for j in (advice.best, advice.current) if j is not None]
    curves = bands(advice, chosen) if chosen else []
    return advice, {m.label: personal(m) for m in advice.speaking}, consequences(advice), curves, MADE


def _page(advice, parameters, slips, curves, made):
    drawings = drawings_of_decision(advice) | drawings_of_course(advice, curves)
    return report(advice, parameters, slips, {name: draw(one) for name, one in drawings.items()}, made)


@pytest.fixture(scope="module")
def whole():
    return _whole(vancomycin())


@pytest.fixture(scope="module")
def page(whole):
    return _page(*whole)


def test_the_page_loads_nothing_from_elsewhere(page):
    assert not re.search(r"<(script|link|img|iframe|object|embed)\b", page)
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert not re.search(r"url\((?!#)|@import", page)


def test_the_answer_stands_first_with_its_uncertainty(whole, page):
    advice = whole[0]
    best = advice.best.late
    text = words.answer(advice)
    assert words.in_words(advice.best.regimen, words.drug_of(advice)) in text
    assert f"{100 * best.target:.0f} %" in text and f"{best.low:.0f}-{best.high:.0f}" in text
    assert page.index('class="answer"') < page.index("<h2>")


def test_every_drawing_says_what_it_shows_and_every_id_is_its_own(page):
    drawings = re.findall(r"<svg .*?</svg>", page, re.S)
    assert len(drawings) == 4
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        assert root.get("role") == "img" and "width" not in root.attrib
        assert [child.tag.rpartition("}")[2] for child in root[:2]] == ["title", "desc"]
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:xlink:href="#|url\(#|href="#)([^")]+)', page))
    assert used <= set(ids)


def test_every_table_has_headers(page):
    tables = re.findall(r"<table>.*?</table>", page, re.S)
    assert len(tables) >= 5
    assert all('scope="col"' in table for table in tables)


def test_what_a_table_holds_is_text_and_never_markup(whole):
    advice = whole[0]
    hostile = replace(advice, record=replace(advice.record, subject="<script>alert(1)</script>"))
    page = _page(hostile, *whole[1:])
    assert "<script" not in page and "&lt;script&gt;" in page


def test_the_report_is_the_same_twice(whole, page):
    assert _page(*whole) == page


def test_numbers_of_the_json_file_are_those_of_the_advice(whole):
    content = as_json(*whole)
    text = json.dumps(content, allow_nan=False)  # raises for a NaN
    assert json.loads(text) == content
    advice = whole[0]
    assert content["advice"]["abstained"] is False
    assert content["regimens"][0]["late"]["p_target"] == advice.best.late.target
    assert content["regimens"][0]["late"]["exposure_unit"] == "h"
    assert content["models"][0]["weight"] == pytest.approx(1.0)
    assert content["provenance"]["models"][0]["sha256"] == "cd" * 32
    assert len(content["curves"][0]["median"]) == len(content["curves"][0]["time_h"])


def test_the_keys_of_the_json_file_are_kept(whole):
    # What reads these files breaks when one goes: a new one may be added here, an old one stays.
    assert set(as_json(*whole)) == {
        "format", "format_version", "advises_only", "advice", "question", "patient", "findings", "models", "excluded",
        "regimens", "current_regimen", "next_samples", "if_the_chart_is_wrong", "curves", "notes", "provenance",
    }  # fmt: skip


def test_silence_is_reported_with_its_reasons_and_what_to_do():
    silent = _whole(vancomycin(CRRT=1.0))
    page, content = _page(*silent), as_json(*silent)
    assert "caretwin gives no advice" in page and "renal replacement" in page
    assert content["advice"]["regimen"] is None
    assert content["advice"]["reasons"] and content["advice"]["what_to_do"]


def test_the_curve_passes_through_what_was_measured(whole):
    band = whole[3][0]
    before = band.times <= 48.0
    near = abs(band.times[before] - 13.0).argmin()
    assert band.low[before][near] < 12.0 < band.high[before][near] * 1.2
    assert band.median[0] == pytest.approx(0.0, abs=1e-9)  # nothing in the body before the first dose


def test_times_are_those_of_the_clock_on_the_ward():
    noon = datetime(2026, 3, 28, 11, 0, tzinfo=UTC)
    ward = DosingRecord("a", origin=noon, zone="Europe/Zurich")
    assert words.moment(0.0, ward) == "2026-03-28 12:00 Europe/Zurich"
    assert words.moment(24.0, ward) == "2026-03-29 13:00 Europe/Zurich"  # the clocks went forward
    assert words.moment(24.0, replace(ward, zone=None)) == "2026-03-29 11:00 UTC"
    assert words.moment(1.5, DosingRecord("a")) == "1.5 h"
