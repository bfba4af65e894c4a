"""What is no chest CT is refused for the right reason: the files that come with pydicom, damaged files, other kinds."""

import shutil
from pathlib import Path

import pydicom.data
import pytest
from tests.ingest.ct_volumes import write_series
from tests.ingest.test_dicom import SPACING, VOLUME

from caretwin.cli import ct
from caretwin.ingest.dicom.files import DicomError, image_files, read_header
from caretwin.ingest.dicom.series import read_chest_ct
from caretwin.ingest.lung_ct.aeration import read_lung_aeration

BUNDLED = Path(pydicom.data.__file__).parent / "test_files"


def reason(path: Path) -> str:
    with pytest.raises(DicomError) as error:
        read_lung_aeration(path, time_h=0.0)
    return str(error.value)


# What pydicom's wheel holds; nothing is fetched.
@pytest.mark.parametrize(
    "name, why",
    [
        ("CT_small.dcm", "1 slices"),
        ("693_J2KI.dcm", "1 slices"),
        ("J2K_pixelrep_mismatch.dcm", "another part of the body (HEAD)"),
        ("dicomdirtests/77654033/CT2", "another part of the body (HEAD)"),
        ("dicomdirtests/98892001/CT2N", "a localizer (scout)"),
        ("dicomdirtests/98892001/CT5N", "5 slices"),
        ("dicomdirtests/TINY_ALPHA", "no usable ImagePositionPatient"),
        ("dicomdirtests/TINY_ALPHA/DICOMDIR", "not a CT image"),
        ("MR_small.dcm", "MR Image Storage, not a CT image"),
        ("MR_truncated.dcm", "MR Image Storage, not a CT image"),
        ("rtstruct.dcm", "RT Structure Set Storage, not a CT image"),
        ("rtplan.dcm", "RT Plan Storage, not a CT image"),
        ("rtdose.dcm", "RT Dose Storage, not a CT image"),
        ("JPEG2000.dcm", "Secondary Capture Image Storage, not a CT image"),
        ("liver_1frame.dcm", "Segmentation Storage, not a CT image"),
        ("reportsi.dcm", "Basic Text SR Storage, not a CT image"),
        ("README.txt", "not a DICOM file"),
        ("zipMR.gz", "DICOM"),
    ],
)
def test_files_that_come_with_pydicom_are_refused_for_the_right_reason(name, why):
    assert why in reason(BUNDLED / name)


def test_every_file_that_comes_with_pydicom_is_either_a_ct_image_or_refused_with_a_sentence():
    found, refused = image_files(BUNDLED, chest=True)
    assert len(found) + len(refused) == sum(p.is_file() for p in BUNDLED.rglob("*"))
    assert all(f.header["Modality"] == "CT" for f in found)
    assert all(refused)


def test_a_ct_image_that_comes_with_pydicom_is_read_to_the_same_values_as_pydicom_gives(tmp_path):
    """Ten copies of one image at ten places are a stack; every slice must hold pydicom's own Hounsfield units."""
    import numpy as np

    for k in range(10):
        data = pydicom.dcmread(BUNDLED / "CT_small.dcm")
        data.ImagePositionPatient = [-158.1, -179.0, -75.8 + 5.0 * k]
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid()
        data.save_as(tmp_path / f"{k}.dcm")
    found = read_chest_ct(tmp_path, strict=False)
    expected = pydicom.pixels.apply_modality_lut(data.pixel_array, data)
    assert found.hounsfield.shape == (10, 128, 128)
    assert np.array_equal(found.hounsfield[3], np.clip(expected, -1024, 3071))


def test_a_mislabelled_chest_can_be_read_when_a_person_says_so(tmp_path):
    write_series(tmp_path, VOLUME, SPACING, edit=lambda data, k: setattr(data, "BodyPartExamined", "ABDOMEN"))
    with pytest.raises(DicomError, match="--chest"):
        read_chest_ct(tmp_path)
    assert read_chest_ct(tmp_path, chest=True).hounsfield.shape == VOLUME.shape


@pytest.mark.parametrize("words", [["DERIVED", "SECONDARY", "MIP"], ["ORIGINAL", "PRIMARY", "LOCALIZER"], "LOCALIZER"])
def test_projections_are_no_slices(tmp_path, words):
    write_series(tmp_path, VOLUME, SPACING, edit=lambda data, k: setattr(data, "ImageType", words))
    assert "projection" in reason(tmp_path)


def test_a_colour_capture_of_a_ct_is_refused(tmp_path):
    write_series(tmp_path, VOLUME, SPACING, edit=lambda data, k: setattr(data, "SamplesPerPixel", 3))
    assert "colour" in reason(tmp_path)


def test_other_files_in_the_folder_are_left_aside_and_counted(tmp_path):
    write_series(tmp_path, VOLUME, SPACING)
    for name in ("MR_small.dcm", "rtplan.dcm"):
        shutil.copy(BUNDLED / name, tmp_path / name)
    found = read_chest_ct(tmp_path)
    assert found.hounsfield.shape == VOLUME.shape
    assert any("2 files that are no CT images" in f.seen for f in found.findings)


def test_an_empty_folder_says_so(tmp_path):
    assert "no file" in reason(tmp_path)


def test_a_folder_that_is_not_there_says_so(tmp_path):
    assert "no such file" in reason(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"DICM" * 100, bytes(range(256)) * 8])
def test_rubbish_is_refused_and_breaks_nothing(tmp_path, content):
    (tmp_path / "x").write_bytes(content)
    assert "none of them a CT image" in reason(tmp_path)


def test_a_file_cut_anywhere_gives_a_named_error_and_no_other(tmp_path):
    """Truncated at 40 places, the header, the sequence of tags and the pixels are all hit."""
    whole = (write_series(tmp_path / "series", VOLUME, SPACING, shuffle=False) / "IM00003").read_bytes()
    for length in range(0, len(whole) - 1, max(1, len(whole) // 40)):
        (tmp_path / "series" / "IM00003").write_bytes(whole[:length])
        try:
            read_chest_ct(tmp_path / "series")
        except DicomError as error:
            assert error.fix
        except BaseException as error:  # pragma: no cover
            pytest.fail(f"cut at {length}: {type(error).__name__}")


def test_only_listed_attributes_are_ever_taken_from_a_file(tmp_path):
    folder = write_series(tmp_path, VOLUME, SPACING)
    header, _ = read_header(next(folder.iterdir()), clock=False)
    for name in ("PatientName", "PatientID", "PatientBirthDate", "InstitutionName", "SeriesDescription"):
        assert name not in header
    for name in ("AcquisitionDate", "AcquisitionTime", "PixelData", "StudyInstanceUID"):
        assert name not in header


def test_the_command_answers_a_wrong_folder_with_a_sentence_and_status_1():
    from click.testing import CliRunner

    shown = CliRunner().invoke(ct.command, [str(BUNDLED / "MR_small.dcm")])
    assert shown.exit_code == 1
    assert "MR Image Storage" in shown.output
    assert "Traceback" not in shown.output


@pytest.mark.parametrize("name", ["RescaleSlope", "PixelSpacing", "SliceThickness", "KVP", "ImagePositionPatient"])
def test_a_number_that_is_no_number_is_as_good_as_absent(tmp_path, name):
    """Written as raw bytes, because a careful writer would refuse it."""
    from pydicom.dataelem import RawDataElement
    from pydicom.tag import Tag

    def broken(data, k):
        tag = Tag(name)
        data._dict[tag] = RawDataElement(tag, "DS", 6, b"petra ", 0, False, True)

    write_series(tmp_path, VOLUME, SPACING, edit=broken)
    try:
        found = read_chest_ct(tmp_path)
    except DicomError as error:
        assert "petra" not in str(error)
        assert name in ("RescaleSlope", "PixelSpacing", "ImagePositionPatient")
    else:
        assert (found.acquisition.tube_kv is None) or (found.acquisition.thickness_mm is None)
