"""A chest CT read from DICOM is what was written, whatever the order, the numbers and the direction of its files."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataelem import RawDataElement
from pydicom.tag import Tag
from pydicom.uid import RLELossless
from tests.ingest.ct_volumes import write_enhanced, write_series

from caretwin.ingest.dicom.files import DicomError
from caretwin.ingest.dicom.series import read_chest_ct

SPACING = (3.0, 2.0, 1.5)


def small_volume() -> np.ndarray:
    """[12, 10, 14] HU: air around, every slice, row and column with a value of its own."""
    volume = np.full((12, 10, 14), -1000)
    z, y, x = np.indices((12, 8, 12))
    volume[:, 1:-1, 1:-1] = -900 + 60 * z + 10 * y + x
    return volume


VOLUME = small_volume()


def read(folder: Path, **options):
    return read_chest_ct(folder, **options)


# ---- what goes in comes out ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "signed, slope, intercept",
    [(False, 1.0, -1024.0), (False, 0.5, -1000.0), (False, 2.0, -2000.0), (True, 1.0, 0.0), (True, 0.5, -1000.0)],
)
def test_values_survive_signed_and_unsigned_storage_and_any_scale(tmp_path, signed, slope, intercept):
    even = VOLUME // 2 * 2
    write_series(tmp_path, even, SPACING, slope=slope, intercept=intercept, signed=signed)
    assert np.array_equal(read(tmp_path).hounsfield, even)


@pytest.mark.parametrize("options", [{"shuffle": False}, {"shuffle": True}, {"head_first_order": True}])
def test_slices_go_by_their_place_not_by_name_or_number(tmp_path, options):
    assert np.array_equal(read(write_series(tmp_path, VOLUME, SPACING, **options)).hounsfield, VOLUME)


def test_the_first_axis_runs_to_the_head_however_the_images_are_turned(tmp_path):
    def turned(data, k):
        """Rows from the patient's left to right, columns from back to front."""
        data.ImageOrientationPatient = [-1, 0, 0, 0, -1, 0]
        data.PixelData = data.pixel_array[::-1, ::-1].tobytes()

    assert np.array_equal(read(write_series(tmp_path, VOLUME, SPACING, edit=turned)).hounsfield, VOLUME)


def test_a_coronal_stack_becomes_the_same_volume(tmp_path):
    dz, dy, _ = SPACING
    coronal = VOLUME.transpose(1, 0, 2)[:, ::-1]  # slices from front to back, rows from head to foot
    coronal = np.concatenate([coronal, coronal[-1:], coronal[-1:]])  # ten slices are the least

    def lying(data, k):
        data.ImageOrientationPatient = [1, 0, 0, 0, 0, -1]
        data.ImagePositionPatient = [-180.0, -140.0 + k * dy, 100.0]
        data.PixelSpacing = [dz, SPACING[2]]

    found = read(write_series(tmp_path, coronal, (dy, dz, SPACING[2]), edit=lying))
    assert np.array_equal(found.hounsfield[:, :10], VOLUME)
    assert found.acquisition.spacing_mm == SPACING


def test_spacing_and_the_volume_of_a_voxel_are_those_of_the_scan(tmp_path):
    found = read(write_series(tmp_path, VOLUME, SPACING))
    assert found.acquisition.spacing_mm == SPACING
    total = np.broadcast_to(found.voxel_ml, VOLUME.shape).sum()
    assert total == pytest.approx(VOLUME.size * 3.0 * 2.0 * 1.5 / 1000, rel=1e-12)


def test_one_enhanced_file_is_the_same_as_many_classic_ones(tmp_path):
    classic = read(write_series(tmp_path / "classic", VOLUME, SPACING))
    enhanced = read(write_enhanced(tmp_path / "enhanced.dcm", VOLUME, SPACING))
    assert np.array_equal(classic.hounsfield, enhanced.hounsfield)
    assert classic.acquisition.spacing_mm == enhanced.acquisition.spacing_mm


def test_lossless_compression_that_pydicom_knows_changes_nothing(tmp_path):
    def compressed(data, k):
        data.compress(RLELossless)

    assert np.array_equal(read(write_series(tmp_path, VOLUME, SPACING, edit=compressed)).hounsfield, VOLUME)


@pytest.mark.parametrize(
    "position, down", [("HFS", "back"), ("FFS", "back"), ("HFP", "front"), ("HFDR", "right"), ("FFDL", "left")]
)
def test_the_position_says_which_side_is_down(tmp_path, position, down):
    assert read(write_series(tmp_path, VOLUME, SPACING, position=position)).acquisition.down == down


def test_without_a_position_nothing_is_assumed_about_gravity(tmp_path):
    found = read(write_series(tmp_path, VOLUME, SPACING, position=""))
    assert found.acquisition.down is None
    assert any(f.column == "PatientPosition" and f.severity == "warning" for f in found.findings)


# ---- nothing about the person ----------------------------------------------------------------------


def test_nothing_about_the_person_is_in_the_result(tmp_path):
    for word in ("Muster", "SECRET", "4711", "1950", "Spital", "2026", "0815"):
        assert word not in repr(read(write_series(tmp_path, VOLUME, SPACING)))


def test_errors_do_not_repeat_names_of_files_or_people(tmp_path):
    folder = tmp_path / "Muster_Petra"
    write_series(folder, VOLUME, SPACING, edit=lambda data, k: data.__delattr__("PixelSpacing"))
    with pytest.raises(DicomError) as error:
        read(folder)
    assert not {"Muster", "Petra", "SECRET", "IM000"} & set(str(error.value).replace("_", " ").split())
    assert "Muster" not in str(error.value)


def test_a_free_text_kernel_or_body_part_is_not_passed_on(tmp_path):
    def chatty(data, k):
        data.ConvolutionKernel = "Petra M. 1950"

    assert read(write_series(tmp_path, VOLUME, SPACING, edit=chatty)).acquisition.kernel is None


def test_the_date_comes_only_when_it_is_asked_for(tmp_path):
    write_series(tmp_path, VOLUME, SPACING)
    assert read(tmp_path).acquisition.taken is None
    assert read(tmp_path, clock=True).acquisition.taken == "2026-03-01T08:15:00"


def test_contrast_is_yes_no_or_unknown(tmp_path):
    said = {"yes": "Iomeron", "no": "", "unknown": None}
    found = {}
    for name, agent in said.items():

        def noted(data, k, agent=agent):
            if agent is not None:
                data.ContrastBolusAgent = agent

        found[name] = read(write_series(tmp_path / name, VOLUME, SPACING, edit=noted)).acquisition.contrast
    assert found == {"yes": True, "no": False, "unknown": None}


# ---- odd but readable ----------------------------------------------------------------------


def columns(found) -> set[tuple[str, str | None]]:
    return {(f.severity, f.column) for f in found.findings}


def test_one_missing_slice_is_reported_and_its_neighbours_stand_for_it(tmp_path):
    found = read(write_series(tmp_path, VOLUME, SPACING, skip=[5]))
    assert ("warning", "ImagePositionPatient") in columns(found)
    total = np.broadcast_to(found.voxel_ml, found.hounsfield.shape).sum()
    assert total == pytest.approx(VOLUME.size * 3.0 * 2.0 * 1.5 / 1000, rel=1e-12)


def test_many_missing_slices_are_refused(tmp_path):
    with pytest.raises(DicomError, match="gaps that 2 slices"):
        read(write_series(tmp_path, VOLUME, SPACING, skip=[4, 5]))


def test_the_same_file_twice_is_read_once(tmp_path):
    write_series(tmp_path, VOLUME, SPACING, shuffle=False)
    (tmp_path / "copy").write_bytes((tmp_path / "IM00003").read_bytes())
    found = read(tmp_path)
    assert np.array_equal(found.hounsfield, VOLUME)
    assert ("info", "SOPInstanceUID") in columns(found)


def test_images_with_scales_of_their_own_are_read_each_with_its_own(tmp_path):
    def rescaled(data, k):
        if k % 2:
            data.RescaleIntercept = -2024
            data.PixelData = (data.pixel_array + 1000).astype(np.uint16).tobytes()

    found = read(write_series(tmp_path, VOLUME, SPACING, edit=rescaled))
    assert np.array_equal(found.hounsfield, VOLUME)
    assert ("info", "RescaleSlope") in columns(found)


def test_slices_that_do_not_touch_are_reported(tmp_path):
    def thin(data, k):
        data.SliceThickness = 1.0

    found = read(write_series(tmp_path, VOLUME, SPACING, edit=thin))
    assert ("warning", "SliceThickness") in columns(found)


def test_a_tilted_gantry_is_reported(tmp_path):
    def tilted(data, k):
        data.ImagePositionPatient = [-180.0, -140.0 + 0.5 * k, -160.0 + 3.0 * k]

    assert ("warning", "GantryDetectorTilt") in columns(read(write_series(tmp_path, VOLUME, SPACING, edit=tilted)))


def test_lossy_compression_is_reported(tmp_path):
    def lossy(data, k):
        data.LossyImageCompression = "01"

    assert ("warning", "LossyImageCompression") in columns(read(write_series(tmp_path, VOLUME, SPACING, edit=lossy)))


def test_a_scanner_whose_air_is_not_at_minus_1000_is_reported(tmp_path):
    air = np.where(VOLUME <= -1000, -950, VOLUME + 60)
    assert ("warning", "RescaleIntercept") in columns(read(write_series(tmp_path, air, SPACING)))


def test_padding_far_below_air_is_no_reason_to_doubt_the_scale(tmp_path):
    padded = VOLUME.copy()
    padded[:, 0, :] = -2000
    found = read(write_series(tmp_path, padded, SPACING, intercept=-3024.0))
    assert found.hounsfield.min() == -1024
    assert ("warning", "RescaleIntercept") not in columns(found)


# ---- cannot be read ----------------------------------------------------------------------


def test_a_missing_pixel_spacing_is_an_error_that_names_it(tmp_path):
    with pytest.raises(DicomError, match="PixelSpacing"):
        read(write_series(tmp_path, VOLUME, SPACING, edit=lambda data, k: data.__delattr__("PixelSpacing")))


@pytest.mark.parametrize("value", [[0, 2], [2]])
def test_an_impossible_pixel_spacing_is_an_error(tmp_path, value):
    def wrong(data, k):
        data.PixelSpacing = value

    with pytest.raises(DicomError, match="PixelSpacing"):
        read(write_series(tmp_path, VOLUME, SPACING, edit=wrong))


def test_values_that_were_never_rescaled_are_an_error_and_a_finding_when_asked_not_to_raise(tmp_path):
    def raw(data, k):
        data.RescaleIntercept = 0

    write_series(tmp_path, VOLUME, SPACING, edit=raw)
    with pytest.raises(DicomError, match="air near -1000"):
        read(tmp_path)
    assert ("error", "RescaleIntercept") in columns(read(tmp_path, strict=False))


@pytest.mark.parametrize("name, value", [("RescaleSlope", None), ("RescaleSlope", -1), ("RescaleType", "MGML")])
def test_a_scale_that_is_missing_negative_or_not_in_hounsfield_units_is_refused(tmp_path, name, value):
    def wrong(data, k):
        setattr(data, name, value)

    with pytest.raises(DicomError):
        read(write_series(tmp_path, VOLUME, SPACING, edit=wrong))


@pytest.mark.parametrize("name, value", [("ImageOrientationPatient", [0, 1, 0, 0, 0, -1]), ("PixelSpacing", [1, 1])])
def test_slices_that_do_not_fit_together_are_refused(tmp_path, name, value):
    def odd(data, k):
        if k == 7:
            setattr(data, name, value)

    with pytest.raises(DicomError, match=name):
        read(write_series(tmp_path, VOLUME, SPACING, edit=odd))


def test_two_phases_in_one_series_are_refused_with_the_way_to_part_them(tmp_path):
    write_series(tmp_path / "one", VOLUME, SPACING, series="1.2.3")
    write_series(
        tmp_path / "two", VOLUME, SPACING, series="1.2.3", edit=lambda d, k: setattr(d, "AcquisitionNumber", 2)
    )
    with pytest.raises(DicomError, match="AcquisitionNumber"):
        read(tmp_path)


def test_slices_oblique_to_the_body_are_refused(tmp_path):
    def oblique(data, k):
        c = np.sqrt(0.5)
        data.ImageOrientationPatient = [1, 0, 0, 0, c, c]
        data.ImagePositionPatient = [0, -3.0 * c * k, 3.0 * c * k]

    with pytest.raises(DicomError, match="oblique"):
        read(write_series(tmp_path, VOLUME, SPACING, edit=oblique))


def test_several_series_are_listed_and_one_can_be_chosen(tmp_path):
    write_series(tmp_path / "a", VOLUME, SPACING)
    write_series(tmp_path / "b", VOLUME + 24, SPACING)
    with pytest.raises(DicomError, match=r"2 CT series: 1: 12 images, 3\.00 mm, kernel B30f; 2: 12"):
        read(tmp_path)
    assert np.array_equal(read(tmp_path, series=2).hounsfield, VOLUME + 24)
    with pytest.raises(DicomError, match="from 1 to 2"):
        read(tmp_path, series=3)


def test_pixels_cut_short_are_an_error_with_a_fix(tmp_path):
    write_series(tmp_path, VOLUME, SPACING, shuffle=False)
    cut = tmp_path / "IM00004"
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(DicomError, match="fetch the image again"):
        read(tmp_path)


def test_pixels_in_a_compression_that_nothing_installed_reads_say_what_to_install(tmp_path):
    """Declared as JPEG-LS, for which the extra brings no decoder."""

    def declared(data, k):
        data.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00\xff\xd8\xff\xd9"
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        data.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.80"

    with pytest.raises(DicomError, match="JPEG-LS"):
        read(write_series(tmp_path, VOLUME, SPACING, edit=declared))


def test_no_warning_of_the_library_reaches_the_reader(tmp_path):
    """A warning may quote what stands in the file: here a word longer than the standard allows."""

    def long_word(data, k):
        tag = Tag("PatientPosition")
        data._dict[tag] = RawDataElement(tag, "CS", 22, b"petra-muster-of-bern-1", 0, False, True)

    write_series(tmp_path, VOLUME, SPACING, edit=long_word)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read(tmp_path).acquisition.position is None
