"""What a report of an SDC device means: values, absence, alarms, samples, and what is none of it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretwin.base.errors import DataError
from caretwin.base.units import parse
from caretwin.ingest.decoded import MDC, CodedValue, RefusedError
from caretwin.ingest.doors.sdc.door import SdcDoor
from caretwin.ingest.doors.sdc.report import MEDIA, Alert, Coded, Metric, Patient, Report, Stale, Waveform, write
from caretwin.ingest.doors.sdc.units import unit_of, units
from caretwin.ingest.mapping import CodeMapping
from caretwin.ingest.translate import Translator
from caretwin.record.bedside import Quality
from caretwin.record.entry import Event, Identifier, Observation

SECOND = 1_000_000
ADA = Patient("mds", (("urn:hospital", "1"),), 0)
HEART = Metric("hr", "mds", (Coded("147842", MDC, "Heart rate"),), "/min", 5 * SECOND, 1, 80.0)


def door(**settings: Any) -> SdcDoor:
    return SdcDoor("icu", {"provider": "http://x", **settings})


def decoded(report: Report, **settings: Any) -> Any:
    return door(**settings).decode(write(report), MEDIA)


def said(metric: Metric, **settings: Any) -> CodedValue:
    (part,) = decoded(Report("urn:uuid:7", 9 * SECOND, (ADA,), (metric,)), **settings).parts
    return part


def stored(value: CodedValue) -> Observation:
    return Translator("sdc:icu", CodeMapping([])).translate(value, 0)[0]


def changed(metric: Metric = HEART, **more: Any) -> Metric:
    return msgspec.structs.replace(metric, **more)


def test_a_value_is_stored_under_its_channel_at_its_determination() -> None:
    found = stored(said(HEART))
    assert (found.code, found.value, found.effective, found.quality) == ("heart_rate", 80.0, 5 * SECOND, Quality.GOOD)
    assert found.source == "sdc:icu/7"
    assert found.subject.identifiers == (Identifier("urn:hospital", "1"),)  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("code", "unit", "sent", "channel", "kept"),
    [
        ("150037", "266016", 120.0, "systolic_pressure", 120.0),
        ("150037", "265987", 16.0, "systolic_pressure", 120.01),
        ("151868", "263762", 450.0, "tidal_volume", 0.45), ("152196", "262688", 40.0, "fio2", 0.4),
        ("150344", "266560", 98.6, "temperature", 37.0), ("151976", "266048", 8.0, "peep", 8.0),
    ],
)  # fmt: skip
def test_units_of_the_nomenclature_become_those_of_the_channel(
    code: str, unit: str, sent: float, channel: str, kept: float
) -> None:
    metric = changed(codes=(Coded(code),), unit=unit_of(MDC, unit), value=sent)
    found = stored(said(metric))
    assert (found.code, found.quality) == (channel, Quality.GOOD)
    assert found.value == pytest.approx(kept, rel=1e-4)


def test_every_unit_of_the_table_is_one() -> None:
    for code, unit in units().items():
        assert parse(unit).code, code


def test_a_value_in_an_unknown_unit_is_kept_and_not_used() -> None:
    found = stored(said(changed(unit=unit_of(MDC, "269999"))))
    assert (found.code, found.quality) == (f"{MDC}|147842", Quality.REFUSED)


@pytest.mark.parametrize("validity", ["Inv", "NA", "Oflw", "Uflw", "Ong", "Calib", "no such word"])
def test_a_number_that_is_no_measurement_is_absent(validity: str) -> None:
    found = stored(said(changed(validity=validity)))
    assert found.value is None
    assert found.note is not None and found.note["absent"]


@pytest.mark.parametrize("active", ["Off", "StndBy", "NotRdy", "Fail"])
def test_a_measurement_that_is_switched_off_has_no_value(active: str) -> None:
    assert stored(said(changed(active=active))).value is None


def test_a_value_that_its_device_doubts_is_suspect() -> None:
    found = stored(said(changed(validity="Qst")))
    assert (found.value, found.quality) == (80.0, Quality.SUSPECT)
    assert stored(said(changed(validity="Vldated"))).quality == Quality.GOOD


@pytest.mark.parametrize("mode", ["Demo", "Test", "Dmo", "Srv", "Mtn"])
def test_a_demonstration_is_nobodys_heart_rate_unless_the_site_says_so(mode: str) -> None:
    report = Report("urn:uuid:7", 9 * SECOND, (ADA,), (changed(mode=mode),))
    assert decoded(report).parts == () and "not real" in decoded(report).ignored[0]
    (part,) = decoded(report, demo=True).parts
    assert part.value == 80.0 and part.note == {"mode": mode}


def test_a_value_without_a_time_is_of_when_it_came_and_says_so() -> None:
    found = said(changed(when=None))
    assert found.effective == 9 * SECOND and found.source_id == ""
    assert found.note is not None and "received" in found.note["time"]


def test_an_alarm_is_one_event_from_its_begin_to_its_end() -> None:
    on = Alert("hr_high", "mds", (Coded("x", "urn:d", "High"),), "Phy", "Hi", 5, 5, None, {"Aud": "On"}, upper=120.0)
    off = msgspec.structs.replace(on, when=9, ended=9, signals={"Aud": "Off"})
    events = [decoded(Report("urn:uuid:7", 9, (ADA,), alerts=(one,))).parts[0] for one in (on, off)]
    assert [(one.kind, one.effective, one.stop, one.version) for one in events] == [
        ("device_alert", 5, None, 5),
        ("device_alert", 5, 9, 9),
    ]
    assert events[0].source_id == events[1].source_id
    assert events[0].body["priority"] == "high" and events[0].body["upper"] == 120.0
    assert events[0].body["code"] == {"system": "urn:d", "code": "x", "display": "High"}


def test_samples_are_kept_only_where_the_site_wants_them() -> None:
    block = Waveform("abp", "mds", (Coded("150036"),), "mm[Hg]", 5 * SECOND, 0.008, (80.0, 81.5))
    report = Report("urn:uuid:7", 9 * SECOND, (ADA,), waveforms=(block,))
    assert decoded(report).parts == ()
    assert decoded(report).ignored == ("1 x waveform block, not asked for",)
    (event,) = decoded(report, waveforms=True).parts
    assert isinstance(event, Event) and event.stop == 5 * SECOND + 16_000
    assert (event.kind, event.body["values"], event.body["period_s"]) == ("waveform", [80.0, 81.5], 0.008)


def test_a_stale_signal_is_an_event_that_ends_with_the_next_value() -> None:
    begin = Stale("hr", "mds", (Coded("147842"),), 3.0, 5)
    end = msgspec.structs.replace(begin, until=50)
    events = [decoded(Report("urn:uuid:7", 99, (ADA,), stale=(one,))).parts[0] for one in (begin, end)]
    assert [(one.kind, one.effective, one.stop) for one in events] == [
        ("signal_stale", 5, None),
        ("signal_stale", 5, 50),
    ]
    assert events[0].source_id == events[1].source_id and events[1].version > events[0].version


def test_a_metric_says_the_same_thing_under_the_same_name() -> None:
    first, again, corrected = said(HEART), said(HEART), said(changed(version=2, value=81.0))
    assert first.source_id == again.source_id == corrected.source_id
    assert (first.version, corrected.version) == (1, 2)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError):
        door().decode(raw, MEDIA)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
FULL = Report(
    "urn:uuid:7", 9, (ADA,), (HEART,), (Alert("a", "mds", (), "Phy", "Hi", 5, 5),),
    (Waveform("w", "mds", (), "1", 5, 0.1, (1.0,)),), (Stale("s", "mds", (), 1.0, 5),), "q", 1,
)  # fmt: skip


@given(st.data())
def test_a_report_with_anything_anywhere_is_decoded_or_refused(data: st.DataObject) -> None:
    tree = msgspec.json.decode(write(FULL))
    name = data.draw(st.sampled_from(sorted(tree)))
    where = tree
    if isinstance(tree[name], list) and data.draw(st.booleans()):
        where, name = tree[name][0], data.draw(st.sampled_from(sorted(tree[name][0])))
    where[name] = data.draw(JSON)
    try:
        found = door(waveforms=True).decode(msgspec.json.encode(tree), MEDIA)
    except RefusedError as error:
        assert error.fix
    else:
        for part in found.parts:
            if isinstance(part, CodedValue):
                stored(part)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({}, "neither provider nor interface"), ({"provider": "monitor"}, "https://host:port/path"),
        ({"interface": "127.0.0.1"}, "no choice of devices"), ({"provider": "http://x", "check_s": 0}, "check_s"),
        ({"provider": "http://x", "subject": "bed7"}, "without a system"),
        ({"provider": "http://x", "subject": "a|b", "subject_kind": "dog"}, "subject_kind"),
        ({"interface": "127.0.0.1", "location": "ward=7"}, "location"),
    ],
)  # fmt: skip
def test_a_wrong_section_says_what_to_mend(settings: dict[str, Any], word: str) -> None:
    with pytest.raises(DataError, match=word):
        SdcDoor("icu", settings)


def test_the_settings_are_those_that_the_door_tells() -> None:
    assert all(one.default is not None and one.what for one in SdcDoor.settings)
