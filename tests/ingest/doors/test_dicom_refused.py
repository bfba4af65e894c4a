"""What cannot be measured waits in quarantine with a reason, and can be replayed once the reason is gone."""

import asyncio
import time
from datetime import timedelta

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.encaps import encapsulate
from tests.ingest.doors.dicom_series import CHANNEL, ISSUER, PATIENT, door, left, setting, write
from tests.ingest.doors.site import site, until, while_running

from caretwin.base.errors import DataError
from caretwin.base.time import from_microseconds
from caretwin.ingest.decoded import Decoded, RefusedError
from caretwin.ingest.door import Door
from caretwin.ingest.doors.dicom.arrivals import Arrivals
from caretwin.ingest.doors.dicom.form import MEDIA, Form
from caretwin.ingest.doors.dicom.person import Whose, read_slice
from caretwin.ingest.doors.dicom.spool import Spool

NOW = 1_800_000_000_000_000


def filled(folder, series):
    """A spool with a series, and the form that names it."""
    spool = Spool(folder / "spool")
    spool.open()
    for path in series.iterdir():
        data = dcmread(path, stop_before_pixels=True)
        name = spool.put(path.read_bytes(), "1.2.3", str(data.SOPInstanceUID))
    return Form(name, len(spool.slices(name)), NOW).raw()


def reason(folder, series, **settings_):
    raw = filled(folder, series)
    with pytest.raises(RefusedError) as error:
        door(folder, **settings_).decode(raw)
    return str(error.value.refusal)


def decoded(folder, series, **settings_):
    return door(folder, **settings_).decode(filled(folder, series))


def turned(data, k):
    """Coronal slices."""
    data.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
    data.ImagePositionPatient = [-180.0, -140.0 + k * 6.0, 160.0]


def two_scans(data, k):
    data.ImagePositionPatient = [-180.0, -140.0, -160.0 + (k % 27) * 6.0]


def truncated(folder):
    path = sorted(folder.iterdir())[5]
    path.write_bytes(path.read_bytes()[:-2000])
    return folder


def compressed(data, k):
    """MPEG-2, which nobody writes for CT and no decoder of ours reads."""
    data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
    data.PixelData = encapsulate([data.PixelData])
    data["PixelData"].is_undefined_length = True


def another_person(data, k):
    data.PatientID = "SECRET-4712" if k == 30 else "SECRET-4711"


@pytest.mark.parametrize(
    "options, wanted",
    [
        ({"skip": range(20, 23)}, "gaps that 3 slices would fill"),
        ({"skip": range(8, 54)}, "8 slices; wanted a chest CT of at least 10 slices"),
        ({"edit": turned}, "not axial"),
        ({"edit": two_scans}, "at the place of another slice"),
        ({"edit": compressed}, "no installed decoder reads"),
        ({"edit": another_person}, "several patients in one series"),
        ({"edit": setting(PatientID="")}, "no number of the patient"),
        ({"edit": setting(AcquisitionTime="")}, "no date and time of acquisition"),
        ({"edit": setting(AcquisitionDate="20260230")}, "AcquisitionTime: saw"),
        ({"edit": setting(AcquisitionDate="20260329", AcquisitionTime="013000")}, "never showed"),
        ({"edit": setting(AcquisitionDate="20991231")}, "after they came"),
        ({"edit": setting(BodyPartExamined="KNEE")}, "another part of the body (KNEE)"),
        ({"edit": setting(RescaleSlope=None, RescaleIntercept=None)}, "no slope or intercept"),
    ],
)
def test_what_cannot_be_measured_says_why_and_names_nobody(options, wanted, tmp_path):
    said = reason(tmp_path, write(tmp_path / "series", **options))
    assert wanted in said
    assert not any(word in said for word in ("SECRET", "Muster", "4711", "4712"))


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    assert "cannot be decoded" in reason(tmp_path, truncated(write(tmp_path / "series")))


def test_a_number_without_an_issuer_is_nobodys(tmp_path):
    assert "IssuerOfPatientID" in reason(tmp_path, write(tmp_path / "series"), issuer="")


def test_a_time_without_a_zone_is_no_instant(tmp_path):
    assert "set zone of this door" in reason(tmp_path, write(tmp_path / "series"), zone="")


def test_an_overview_is_none_of_ours_and_not_quarantined(tmp_path):
    found = decoded(tmp_path, write(tmp_path / "series", edit=setting(ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])))
    assert (found.parts, found.refused) == ((), ())
    assert "localizer" in found.ignored[0]


def test_half_a_chest_is_an_event_and_no_value(tmp_path):
    """The slices follow one another, so that nobody can tell from their headers that the rest is missing."""
    event, value = decoded(tmp_path, write(tmp_path / "series", skip=range(24))).parts
    assert event.body["quality"] == "poor"
    assert value.value is None
    assert "too poor" in value.note["text"]


def test_a_better_scan_of_one_acquisition_holds_whichever_came_first(tmp_path):
    whole = decoded(tmp_path / "a", write(tmp_path / "whole")).parts[1]
    half = decoded(tmp_path / "b", write(tmp_path / "half", skip=range(24))).parts[1]
    assert whole.source_id == half.source_id
    assert whole.version > half.version


@pytest.mark.parametrize(
    "attributes, taken",
    [
        ({}, "2026-03-01T08:15:00.250000+00:00"),
        ({"AcquisitionDate": "20260701"}, "2026-07-01T07:15:00.250000+00:00"),  # British Summer Time
        ({"TimezoneOffsetFromUTC": "-0500"}, "2026-03-01T13:15:00.250000+00:00"),
        ({"AcquisitionDateTime": "20260301091500.5+0200"}, "2026-03-01T07:15:00.500000+00:00"),
        ({"AcquisitionDateTime": "20260301091500"}, "2026-03-01T09:15:00+00:00"),
        ({"AcquisitionTime": "0915"}, "2026-03-01T09:15:00+00:00"),
    ],
)
def test_the_time_is_that_of_the_acquisition_by_the_scanners_clock(attributes, taken, tmp_path):
    path = next(write(tmp_path, edit=setting(**attributes), skip=range(1, 54)).iterdir())
    assert from_microseconds(read_slice(path, Whose(ISSUER, {}, "Europe/London")).taken).isoformat() == taken


def test_a_patient_is_known_by_the_number_and_who_gives_it(tmp_path):
    from pydicom.dataset import Dataset

    other, qualifier = Dataset(), Dataset()
    qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = "2.16.840.1.113883.2.1.4.1", "ISO"
    other.PatientID, other.IssuerOfPatientIDQualifiersSequence = "943 476 5919", [qualifier]
    edit = setting(IssuerOfPatientID="NORTH", OtherPatientIDsSequence=[other])
    path = next(write(tmp_path, edit=edit, skip=range(1, 54)).iterdir())
    found = read_slice(path, Whose("", {"NORTH": "https://north.example/mrn"}, "UTC")).identifiers
    nhs = ("https://fhir.nhs.uk/Id/nhs-number", "9434765919")
    assert found == (("https://north.example/mrn", PATIENT), nhs)


@given(st.binary(max_size=300) | st.recursive(st.none() | st.integers() | st.text(max_size=20), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["form", "spool", "slices", "received", "x"]), inner)
)).map(lambda said: orjson.dumps(said, default=str) if _small(said) else b""))  # fmt: skip
@settings(max_examples=300, deadline=timedelta(seconds=5))
def test_whatever_is_replayed_is_decoded_or_refused(tmp_path_factory, raw):
    here = door(tmp_path_factory.getbasetemp())
    try:
        assert isinstance(here.decode(raw, MEDIA), Decoded)
    except RefusedError as error:
        assert error.refusal.fix


def _small(said):
    try:
        orjson.dumps(said)
    except TypeError:
        return False
    return True


@pytest.mark.parametrize("place", ["series/../../etc", "/etc", "series/" + "a" * 23, "series/" + "A" * 24, "", None, 7])
def test_a_form_cannot_lead_out_of_the_spool(place, tmp_path):
    said = {"form": "caretwin-dicom-series", "spool": place, "slices": 1, "received": 0, "wrong": []}
    with pytest.raises(RefusedError, match="outside of the spool"):
        door(tmp_path).decode(orjson.dumps(said))


def test_a_series_that_is_gone_is_refused_and_not_an_error(tmp_path):
    with pytest.raises(RefusedError, match="it was measured"):
        door(tmp_path).decode(Form("0" * 24, 3, NOW).raw())


@pytest.mark.parametrize(
    "wrong",
    [
        {"callers": [], "folder": ""}, {"spool": ""}, {"callers": ["A" * 17]}, {"title": ""}, {"zone": "Mars/Base"},
        {"allow": ["the scanner"]},
    ],
)  # fmt: skip
def test_a_section_that_cannot_work_is_refused_at_once(wrong, tmp_path):
    with pytest.raises(DataError):
        door(tmp_path, **wrong)


def test_it_is_a_door(tmp_path):
    made: Door = door(tmp_path)
    assert (made.kind, made.slow) == ("dicom", True)


# folders -----------------------------------------------------------------------------------------------------------


def watching(folder, **more):
    (folder / "in").mkdir(exist_ok=True)
    return door(folder, callers=[], folder=str(folder / "in"), **more)


def test_a_folder_in_which_a_series_appears_is_read_and_left_as_it_was(tmp_path):
    made = watching(tmp_path)
    with site(made, tmp_path) as one:

        async def do():
            write(tmp_path / "in" / "study" / "ct")
            (tmp_path / "in" / "README").write_text("no image")
            await until(lambda: one.intake.state.counters["accepted"], "the series is in the record")

        while_running(one, do)
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1
        assert one.intake.state.counters["not CT"] == 1
    assert len(list((tmp_path / "in").rglob("IM*"))) == 54
    assert left(tmp_path) == []
    with site(watching(tmp_path), tmp_path) as again:
        while_running(again, lambda: asyncio.sleep(1.0))
        assert again.intake.state.counters["slices"] == 0, "a file that was read is not read again"


def test_a_file_that_still_grows_is_not_read(tmp_path):
    path = write(tmp_path / "series", skip=range(1, 54))
    whole = next(path.iterdir()).read_bytes()
    with site(watching(tmp_path, every_s=0.3, quiet_s=60), tmp_path) as one:

        async def do():
            with (tmp_path / "in" / "growing").open("wb") as file:
                for part in range(0, len(whole), 4000):
                    file.write(whole[part : part + 4000])
                    file.flush()
                    await asyncio.sleep(0.1)
                    assert one.intake.state.counters["slices"] == 0
            await until(lambda: one.intake.state.counters["slices"], "it lies still")

        while_running(one, do)
        (kept,) = left(tmp_path)
        assert kept.read_bytes() == whole


def test_a_refused_series_is_replayed_when_its_cause_is_gone(tmp_path):
    write(tmp_path / "in" / "ct")
    with site(watching(tmp_path, issuer=""), tmp_path) as one:

        async def do():
            await until(lambda: one.intake.state.counters["refused"], "the series is refused")

        while_running(one, do)
        (kept,) = one.quarantined()
        message = one.aside(kept.number)
        assert "set issuer of this door" in kept.reason
        assert orjson.loads(message)["spool"].startswith("series/")
        assert "IssuerOfPatientID" in orjson.loads(message)["wrong"][0]
        assert len(message) < 2000
    assert len(left(tmp_path)) == 54
    mended = watching(tmp_path)
    (tmp_path / "second").mkdir()
    with site(mended, tmp_path / "second") as one:
        outcome = asyncio.run(mended.replay(message, one.intake))
        assert outcome.result == "accepted", outcome.refused
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1
    assert left(tmp_path) == []


def test_a_refused_series_is_not_measured_again_by_a_restart(tmp_path):
    write(tmp_path / "in" / "ct")
    for expected in (1, 0):
        with site(watching(tmp_path, issuer=""), tmp_path) as one:

            async def do(one=one, expected=expected):
                await until(lambda: one.intake.state.counters["refused"] == expected, "as often as expected")
                await asyncio.sleep(0.0 if expected else 2.0)

            while_running(one, do)
            assert one.intake.state.counters["refused"] == expected


def test_refused_images_do_not_lie_there_forever(tmp_path):
    filled(tmp_path, write(tmp_path / "series", skip=range(3, 54)))
    spool = Spool(tmp_path / "spool")
    (name,) = spool.waiting()
    spool.refuse(name, 3)
    assert spool.waiting() == []
    assert spool.drop_old(time.time() - 60) == 0
    assert spool.drop_old(time.time() + 60) == 1
    assert left(tmp_path) == []


# when a series is complete -------------------------------------------------------------------------------------------


def test_a_series_is_complete_when_its_sender_hung_up_and_nothing_is_missing():
    arrivals = Arrivals(quiet_s=60, settle_s=5)
    arrivals.came("a", 0.0, association=1)
    assert arrivals.due(10.0, lambda name: True) == [], "its sender may go on"
    arrivals.ended(1, released=True)
    assert arrivals.due(4.0, lambda name: True) == []
    assert arrivals.due(5.0, lambda name: True) == ["a"]


def test_a_series_with_a_gap_or_a_lost_sender_waits_until_it_is_quiet():
    for released, whole in ((True, False), (False, True)):
        arrivals = Arrivals(quiet_s=60, settle_s=5)
        arrivals.came("a", 0.0, association=1)
        arrivals.ended(1, released=released)
        assert arrivals.due(30.0, lambda name, whole=whole: whole) == []
        assert arrivals.due(60.0, lambda name: False) == ["a"]


def test_a_slice_begins_the_waiting_anew():
    arrivals = Arrivals(quiet_s=60, settle_s=5)
    arrivals.came("a", 0.0, association=1)
    arrivals.ended(1, released=True)
    arrivals.came("a", 50.0, association=2)
    assert arrivals.due(61.0, lambda name: True) == []
    arrivals.ended(2, released=True)
    assert arrivals.due(61.0, lambda name: True) == ["a"]


def test_the_spool_takes_away_only_what_was_measured(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.open()
    name = spool.put(b"one", "1.2", "1")
    spool.put(b"two", "1.2", "2")
    assert not spool.remove(name, 1)
    assert len(spool.slices(name)) == 2
    assert spool.remove(name, 2)
    assert spool.waiting() == []
