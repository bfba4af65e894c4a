"""Real senders on a real socket: who may send what, what enters the record, and when it is acknowledged."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pynetdicom import AE
from pynetdicom.sop_class import CTImageStorage, MRImageStorage, Verification
from tests.ingest.ct_volumes import write_enhanced
from tests.ingest.doors.dicom_series import CHANNEL, ISSUER, PATIENT, SPACING, door, left, lungs, setting, write
from tests.ingest.doors.site import site, until, while_running
from tests.peers import dcmtk

from caretwin.base.time import from_microseconds
from caretwin.ingest.doors.dicom import door as dicom
from caretwin.ingest.lung_ct.aeration import read_lung_aeration

pytestmark = pytest.mark.service


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    return write(tmp_path_factory.mktemp("series"))


def send(port, files, title="CT1", called="CARETWIN"):
    """Statuses that pynetdicom's SCU gets, one for each file; None where it was rejected."""
    ae = AE(ae_title=title)
    ae.add_requested_context(CTImageStorage, ExplicitVRLittleEndian)
    ae.add_requested_context(MRImageStorage, ExplicitVRLittleEndian)
    ae.add_requested_context(Verification)
    association = ae.associate("127.0.0.1", port, ae_title=called)
    if not association.is_established:
        return None
    statuses = [association.send_c_store(data).Status for data in files]
    association.release()
    return statuses


def running(one, do):
    """Run the door, and ``do`` in a thread while it runs."""
    while_running(one, lambda: asyncio.to_thread(do))


def settled(one, seconds=20.0):
    """Wait until a series is in the record or in quarantine."""
    end = time.monotonic() + seconds
    counters = one.intake.state.counters
    while not counters["accepted"] + counters["refused"]:
        assert time.monotonic() < end, one.intake.state
        time.sleep(0.02)


def test_a_series_that_a_real_sender_stores_becomes_the_figures_of_the_command_line(series, tmp_path):
    with site(door(tmp_path, quiet_s=60), tmp_path) as one:

        def do():
            assert dcmtk.store(one.intake.door.port, series).returncode == 0
            settled(one)

        running(one, do)
        figures = read_lung_aeration(series, time_h=0.0).of_mass["non_aerated"]
        found = one.latest(ISSUER, PATIENT)[CHANNEL]
        assert found.value == pytest.approx(figures.value, abs=1e-6)
        assert found.note["standard_error"] == pytest.approx(figures.standard_error, abs=1e-6)
        assert from_microseconds(found.effective).isoformat() == "2026-03-01T08:15:00.250000+00:00"
        (event,) = one.events(ISSUER, PATIENT)
        assert (event.kind, event.body["quality"], event.body["acquisition"]["slices"]) == ("imaging", "limited", 54)
        assert event.body["figures"][CHANNEL]["value"] == found.value
        assert "clock times are those of Europe/London" in event.body["assumed"]
        assert left(tmp_path) == []


def test_nothing_but_figures_enters_the_record(series, tmp_path):
    with site(door(tmp_path), tmp_path) as one:

        def do():
            dcmtk.store(one.intake.door.port, series)
            settled(one)

        running(one, do)
        said = repr((one.events(ISSUER, PATIENT), one.latest(ISSUER, PATIENT), list(one.intake.state.last)))
    assert not any(word in said for word in ("Muster", "SECRET", "1950", "Spital", "Thorax"))
    assert (tmp_path / "record.db").stat().st_size < 1_000_000  # the images are 1.4 MB


def test_a_sender_is_answered_when_asked_whether_somebody_is_there(tmp_path):
    with site(door(tmp_path), tmp_path) as one:
        running(one, lambda: _assert_zero(dcmtk.echo(one.intake.door.port)))
        assert one.intake.state.counters["echoes"] == 1


def _assert_zero(done):
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("calling, called", [("STRANGER", "CARETWIN"), ("CT1", "OTHER")])
def test_who_is_not_named_may_not_even_ask(calling, called, series, tmp_path):
    with site(door(tmp_path), tmp_path) as one:

        def do():
            assert dcmtk.echo(one.intake.door.port, calling=calling, called=called).returncode != 0
            assert dcmtk.store(one.intake.door.port, series, calling=calling, called=called).returncode != 0

        running(one, do)
        assert one.intake.state.counters["denied"] == 2
    assert left(tmp_path) == []


def test_an_address_that_is_not_allowed_is_not_heard(tmp_path):
    with site(door(tmp_path, allow=["10.1.2.3"]), tmp_path) as one:

        def do():
            assert dcmtk.echo(one.intake.door.port).returncode != 0

        running(one, do)
        assert one.intake.state.counters["denied"] == 1
        assert "not in allow" in one.intake.state.trouble


def test_another_modality_is_refused_by_a_status_and_counted(series, tmp_path):
    slice_ = dcmread(next(iter(series.iterdir())))
    image = dcmread(next(iter(series.iterdir())))
    image.SOPClassUID = image.file_meta.MediaStorageSOPClassUID = MRImageStorage
    image.Modality = "MR"
    labelled = dcmread(next(iter(series.iterdir())))
    labelled.Modality = "PT"
    with site(door(tmp_path), tmp_path) as one:

        def do():
            assert send(one.intake.door.port, [image, labelled, slice_]) == [0x0122, 0xA900, 0x0000]

        running(one, do)
        assert one.intake.state.counters["not CT"] == 2
        assert one.intake.state.counters["slices"] == 1


def test_an_enhanced_ct_is_one_object_and_is_measured_too(tmp_path):
    path = write_enhanced(tmp_path / "enhanced.dcm", lungs(), SPACING)
    with site(door(tmp_path), tmp_path) as one:

        def do():
            assert dcmtk.store(one.intake.door.port, path).returncode == 0
            settled(one)

        running(one, do)
        assert one.latest(ISSUER, PATIENT)[CHANNEL].value == pytest.approx(0.49, abs=0.03)


def test_the_same_series_twice_is_one_scan(series, tmp_path):
    with site(door(tmp_path), tmp_path) as one:

        def do():
            for _ in range(2):
                dcmtk.store(one.intake.door.port, series)
                settled(one)
                one.intake.state.counters["accepted"] = 0

        running(one, do)
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1
        assert one.intake.state.counters["duplicates"] == 2


def test_two_reconstructions_of_one_acquisition_are_two_events_and_one_observation(tmp_path):
    first = write(tmp_path / "a", series="1.2.3.4.1")
    second = write(tmp_path / "b", series="1.2.3.4.2", edit=setting(ConvolutionKernel="B70f"))
    with site(door(tmp_path), tmp_path) as one:

        def do():
            for each in (first, second):
                dcmtk.store(one.intake.door.port, each)
            end = time.monotonic() + 20
            while one.intake.state.counters["accepted"] < 2 and time.monotonic() < end:
                time.sleep(0.02)

        running(one, do)
        assert [event.kind for event in one.events(ISSUER, PATIENT)] == ["imaging", "imaging"]
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1


def test_slices_that_come_one_by_one_are_one_series(tmp_path):
    """Some senders open an association for each slice; the first ones that follow one another are not the chest."""
    folder = write(tmp_path / "series", shuffle=False)
    files = [dcmread(path) for path in sorted(folder.iterdir())]
    with site(door(tmp_path, settle_s=1.0, quiet_s=30.0), tmp_path) as one:

        def do():
            for begin in range(0, len(files), 9):
                assert set(send(one.intake.door.port, files[begin : begin + 9])) == {0}
            settled(one)

        running(one, do)
        assert [event.body["acquisition"]["slices"] for event in one.events(ISSUER, PATIENT)] == [54]


def test_a_missing_slice_that_comes_later_completes_the_series(series, tmp_path):
    files = sorted(series.iterdir(), key=lambda path: dcmread(path, stop_before_pixels=True).InstanceNumber)
    without, missing = files[:20] + files[23:], files[20:23]
    with site(door(tmp_path), tmp_path) as one:

        def do():
            assert dcmtk.store(one.intake.door.port, without).returncode == 0
            settled(one)
            assert one.intake.state.counters["refused"] == 1
            assert dcmtk.store(one.intake.door.port, missing).returncode == 0
            end = time.monotonic() + 20
            while not one.intake.state.counters["accepted"] and time.monotonic() < end:
                time.sleep(0.02)

        running(one, do)
        (kept,) = one.quarantined()
        assert "gaps that 3 slices would fill" in kept.reason
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1


def test_a_slice_that_did_not_reach_the_disk_is_not_acknowledged(series, tmp_path, monkeypatch):
    def failing(descriptor):
        raise OSError(5, "Input/output error")

    with site(door(tmp_path), tmp_path) as one:

        def do():
            monkeypatch.setattr("caretwin.ingest.doors.dicom.spool.os.fsync", failing)
            assert send(one.intake.door.port, [dcmread(next(iter(series.iterdir())))]) == [0xA700]
            monkeypatch.undo()
            assert send(one.intake.door.port, [dcmread(next(iter(series.iterdir())))]) == [0x0000]

        running(one, do)
        assert one.intake.state.counters["slices"] == 1


def test_a_full_disk_is_told_to_the_sender(series, tmp_path):
    with site(door(tmp_path, free_bytes=2**60), tmp_path) as one:

        def do():
            assert send(one.intake.door.port, [dcmread(next(iter(series.iterdir())))]) == [0xA700]

        running(one, do)
        assert "disk of the spool is full" in one.intake.state.trouble
    assert left(tmp_path) == []


def test_a_process_that_is_killed_after_acknowledging_loses_nothing(series, tmp_path):
    script = (
        "import sys; sys.path.insert(0, {here!r})\n"
        "import asyncio\nfrom pathlib import Path\n"
        "from tests.ingest.doors.dicom_series import door\nfrom tests.ingest.doors.site import site, while_running\n"
        "with site(door(Path({folder!r}), quiet_s=600, settle_s=600), Path({folder!r}) / 'first') as one:\n"
        "    async def wait():\n        print(one.intake.door.port, flush=True)\n        await asyncio.sleep(600)\n"
        "    while_running(one, wait)\n"
    ).format(here=str(Path(__file__).parents[3]), folder=str(tmp_path))
    (tmp_path / "first").mkdir()
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert dcmtk.store(int(process.stdout.readline()), series).returncode == 0
    finally:
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert len(left(tmp_path)) == 54
    with site(door(tmp_path), tmp_path) as one:
        running(one, lambda: settled(one))
        assert len(one.values(ISSUER, PATIENT, CHANNEL)) == 1
    assert left(tmp_path) == []


def test_the_heavy_work_is_done_beside_the_event_loop(series, tmp_path, monkeypatch):
    measured, threads = dicom.measured, []

    def noting(*arguments):
        threads.append(threading.current_thread())
        return measured(*arguments)

    monkeypatch.setattr(dicom, "measured", noting)
    with site(door(tmp_path), tmp_path) as one:

        def do():
            dcmtk.store(one.intake.door.port, series)
            settled(one)

        running(one, do)
    assert len(threads) == 1
    assert threads[0] is not threading.main_thread()


def test_every_slice_of_a_sender_that_waits_for_each_acknowledgement_is_taken(series, tmp_path):
    with site(door(tmp_path, settle_s=60, quiet_s=60), tmp_path) as one:
        running(one, lambda: dcmtk.store(one.intake.door.port, series).check_returncode())
        assert one.intake.state.counters["slices"] == 54 or one.intake.state.counters["messages"] >= 54


def test_a_port_that_is_taken_is_tried_again_until_it_is_free(tmp_path):
    import socket

    blocker = socket.create_server(("127.0.0.1", 0))
    port = blocker.getsockname()[1]
    with site(door(tmp_path, port=port), tmp_path) as one:

        async def both():
            stop = asyncio.Event()
            task = asyncio.create_task(one.intake.door.run(one.intake, stop))
            await until(lambda: "cannot begin" in one.intake.state.trouble, "the door says so")
            assert not (await one.intake.door.test()).works
            blocker.close()
            await until(lambda: one.intake.state.listening, "the port is free")
            assert (await one.intake.door.test()).works
            stop.set()
            await asyncio.wait_for(task, 20)

        asyncio.run(both())


def test_uids_of_the_sender_do_not_name_files(series, tmp_path):
    uid = generate_uid()
    with site(door(tmp_path, settle_s=60, quiet_s=60), tmp_path) as one:
        data = dcmread(next(iter(series.iterdir())))
        data.SeriesInstanceUID = uid
        running(one, lambda: send(one.intake.door.port, [data]))
    assert all(uid not in str(path) and PATIENT not in str(path) for path in tmp_path.rglob("*"))
    assert len(left(tmp_path)) == 1
