"""Chests made of ellipsoids, with every voxel's truth known, and a writer that makes real DICOM series of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

AIR, FAT, MUSCLE, BLOOD, LIVER, BONE = -1000, -100, 50, 40, 60, 500
EDGES = (-900, -500, -100)


@dataclass(frozen=True)
class Chest:
    """How the phantom is made; lengths in mm, densities in HU.

    collapsed   share of the height of the lung, from the back, that holds no gas
    hazy        share of the height above it that holds little gas
    stretched   share of the height at the front that holds too much
    effusion    share of the height of the chest, from the back, that is fluid and no lung
    floor       False lowers the diaphragm out of the way
    heart_size, mediastinum   width of the heart (1: 116 mm), half width of what lies between the lungs (mm)
    collapse_side             "left" keeps the right lung clear
    lean         how much more collapses at the base than at the apex, as a share of the height
    dome         height of the diaphragm's dome (mm)
    white_below  below this level (mm) the lungs hold no air at all
    """

    collapsed: float = 0.0
    hazy: float = 0.0
    stretched: float = 0.0
    dense: float = 35.0
    poor: float = -300.0
    normal: float = -780.0
    over: float = -940.0
    heart: float = BLOOD
    spacing: tuple[float, float, float] = (3.0, 2.0, 2.0)
    vessels: int = 60
    table: bool = True
    bowel_gas: bool = True
    effusion: float = 0.0
    floor: bool = True
    heart_size: float = 1.0
    mediastinum: float = 26.0
    collapse_side: str = "both"
    lean: float = 0.0
    dome: float = 55.0
    white_below: float = -999.0
    seed: int = 1


@dataclass(frozen=True)
class Phantom:
    """hounsfield [z, y, x] foot to head, front to back, right to left; lung: the truth, effusion outside it."""

    hounsfield: np.ndarray
    lung: np.ndarray
    fluid: np.ndarray
    spacing: tuple[float, float, float]

    @property
    def voxel_ml(self) -> float:
        return float(np.prod(self.spacing)) / 1000

    def of_mass(self) -> np.ndarray:
        """True share of the tissue mass: over-inflated, normally, poorly, non-aerated."""
        values = self.hounsfield[self.lung]
        tissue = np.clip(1 + values / 1000, 0, 1)
        mass = np.bincount(np.digitize(values, EDGES), weights=tissue, minlength=4)
        return mass / mass.sum()

    def gas_l(self) -> float:
        return float(np.clip(-self.hounsfield[self.lung] / 1000, 0, 1).sum() * self.voxel_ml / 1000)

    def tissue_g(self) -> float:
        return float(np.clip(1 + self.hounsfield[self.lung] / 1000, 0, 1).sum() * self.voxel_ml)


def chest(made: Chest = Chest()) -> Phantom:
    """A chest with ribs, spine, heart, diaphragm with liver, windpipe and main bronchi, vessels, table."""
    dz, dy, dx = made.spacing
    z, y, x = np.ogrid[-160:160:dz, -140:150:dy, -190:190:dx]
    shape = np.broadcast_shapes(z.shape, y.shape, x.shape)
    volume = np.full(shape, float(AIR))
    body = (x / 178) ** 2 + (y / 122) ** 2 < 1
    volume[np.broadcast_to(body, shape)] = FAT
    volume[np.broadcast_to((x / 166) ** 2 + (y / 110) ** 2 < 1, shape)] = MUSCLE
    width = np.sqrt(np.clip(1 - (np.clip(z - 20, 0, None) / 135) ** 2, 0, 1))  # narrow towards the apex
    cage = (x / (136 * width + 1e-6)) ** 2 + (y / (90 * width**0.6 + 1e-6)) ** 2
    rim = (x / (146 * width + 1e-6)) ** 2 + (y / (100 * width**0.6 + 1e-6)) ** 2
    ribs = (rim < 1) & (cage > 1.04) & ((z + 0.35 * y) % 26 < 11)
    volume[np.broadcast_to(ribs, shape)] = BONE
    spine = (x / 21) ** 2 + ((y - 84) / 24) ** 2 < 1
    volume[np.broadcast_to(spine, shape)] = 250
    sternum = (np.abs(x) < 18) & (np.abs(y + 97 * width**0.6) < 6) & (z < 110)
    volume[np.broadcast_to(sternum, shape)] = 300
    lung = _lungs(made, x, y, z, cage, shape)
    windpipe = _airways(x, y, z, shape)
    fluid = lung & np.broadcast_to(y > 90 - 180 * made.effusion, shape) if made.effusion else np.zeros(shape, bool)
    lung &= ~fluid
    size = made.heart_size
    heart = ((x - 25) / (58 * size)) ** 2 + ((y + 25) / (48 * size)) ** 2 + ((z + 60) / 60) ** 2 < 1
    volume[np.broadcast_to(heart, shape)] = made.heart
    aorta = (x - 18) ** 2 + (y - 52) ** 2 < 12**2
    volume[np.broadcast_to(aorta & (z < 40), shape)] = made.heart
    lung &= ~np.broadcast_to(heart | (aorta & (z < 40)), shape)
    lung &= ~_thick(windpipe)
    _fill_lung(volume, lung, made, x, y, z)
    volume[fluid] = 10
    volume[_thick(windpipe)] = MUSCLE
    volume[windpipe] = AIR
    _add_vessels(volume, lung, made)
    if made.bowel_gas:
        stomach = ((x - 70) / 30) ** 2 + ((y + 20) / 30) ** 2 + ((z + 135) / 18) ** 2 < 1
        volume[np.broadcast_to(stomach, shape) & ~lung] = -990
    if made.table:
        volume[np.broadcast_to((np.abs(y - 135) < 4) & (np.abs(x) < 170), shape)] = 80
    return Phantom(volume, lung, fluid, made.spacing)


def _lungs(made: Chest, x, y, z, cage, shape) -> np.ndarray:
    """Inside the cage, beside the mediastinum and the spine, above a dome of the diaphragm on each side."""
    middle = np.abs(x - 4) < made.mediastinum + 12 * np.clip(-z / 160, 0, 1)
    dome = -40 - made.dome * (((np.abs(x) - 72) / 62) ** 2 + ((y - 5) / 85) ** 2) if made.floor else -140
    spine = (x / 27) ** 2 + ((y - 84) / 32) ** 2 < 1
    return np.broadcast_to((cage < 0.99) & ~middle & ~spine & (z > np.maximum(dome, -150)) & (z < 150), shape).copy()


def _airways(x, y, z, shape) -> np.ndarray:
    windpipe = (x**2 + (y - 15) ** 2 < 9**2) & (z > 40)
    bronchi = ((np.abs(x) - (40 - z) * 0.75) ** 2 + (y - 15) ** 2 < 6**2) & (z <= 40) & (z > -5)
    return np.broadcast_to(windpipe | bronchi, shape).copy()


def _thick(mask: np.ndarray) -> np.ndarray:
    from scipy.ndimage import binary_dilation

    return binary_dilation(mask)


def _fill_lung(volume: np.ndarray, lung: np.ndarray, made: Chest, x, y, z) -> None:
    x, y, z = (np.broadcast_to(axis, volume.shape)[lung] for axis in (x, y, z))
    height = (y.max() - y) / (y.max() - y.min())  # 0 at the back
    level = height + made.lean * ((z - z.min()) / (z.max() - z.min()) - 0.5)
    ill = (x > 0) | (made.collapse_side == "both")
    values = np.full(height.shape, made.normal)
    values[height > 1 - made.stretched] = made.over
    values[ill & (level < made.collapsed + made.hazy)] = made.poor
    values[ill & ((level < made.collapsed) | (z < made.white_below))] = made.dense
    volume[lung] = values


def _add_vessels(volume: np.ndarray, lung: np.ndarray, made: Chest) -> None:
    """Straight tubes of blood from near the middle to the rim, 1.5 to 3.5 mm thick; they are part of the lung."""
    random = np.random.default_rng(made.seed)
    inside = np.argwhere(lung)
    spacing = np.array(made.spacing)
    middle = np.array(volume.shape) / 2
    for _ in range(made.vessels):
        end = inside[random.integers(len(inside))].astype(float)
        start = middle + (end - middle) * 0.35
        radius = random.uniform(1.5, 3.5)
        for t in np.linspace(0, 1, 60):
            at = start + t * (end - start)
            reach = np.ceil(radius / spacing).astype(int)
            low = np.maximum(np.rint(at).astype(int) - reach, 0)
            high = np.minimum(np.rint(at).astype(int) + reach + 1, volume.shape)
            box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            grid = np.stack(np.meshgrid(*[np.arange(a, b) for a, b in zip(low, high, strict=True)], indexing="ij"), -1)
            ball = (((grid - at) * spacing) ** 2).sum(-1) < radius**2
            volume[box] = np.where(ball & lung[box], BLOOD, volume[box])


def scanned(phantom: Phantom, noise: float = 20.0, blur_mm: float = 0.8, seed: int = 3) -> np.ndarray:
    """What a scanner would show: blurred by its point spread, with noise (HU)."""
    from scipy.ndimage import gaussian_filter

    sigma = [blur_mm / s for s in phantom.spacing]
    blurred = gaussian_filter(phantom.hounsfield, sigma) if blur_mm else phantom.hounsfield
    return blurred + np.random.default_rng(seed).normal(0, noise, blurred.shape)


# ---- writing ---------------------------------------------------------------------------------------------------------

Edit = Callable[[Dataset, int], None]


def write_series(
    folder: Path,
    hounsfield: np.ndarray,
    spacing: Sequence[float] = (3.0, 2.0, 2.0),
    *,
    slope: float = 1.0,
    intercept: float = -1024.0,
    signed: bool = False,
    head_first_order: bool = False,
    shuffle: bool = True,
    position: str = "HFS",
    edit: Edit | None = None,
    skip: Sequence[int] = (),
    series: str | None = None,
) -> Path:
    """Write [z, y, x] as one file per slice, names in an order that is not that of the slices.

    head_first_order   True writes the topmost slice with instance number 1
    edit(dataset, k)   changes a data set before it is written; k counts slices from the feet
    skip               slices that are not written
    """
    folder.mkdir(parents=True, exist_ok=True)
    uid = series or generate_uid()
    count = len(hounsfield)
    names = np.random.default_rng(0).permutation(count) if shuffle else np.arange(count)
    dz, dy, dx = spacing
    for k in range(count):
        if k in skip:
            continue
        data = _image(hounsfield[k], slope, intercept, signed)
        data.SeriesInstanceUID = uid
        data.InstanceNumber = count - k if head_first_order else k + 1
        data.ImagePositionPatient = [-180.0, -140.0, -160.0 + k * dz]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing = [dy, dx]
        data.SliceThickness = dz
        data.PatientPosition = position
        if edit:
            edit(data, k)
        data.save_as(folder / f"IM{names[k]:05d}", enforce_file_format=True)
    return folder


def _image(hounsfield: np.ndarray, slope: float, intercept: float, signed: bool) -> FileDataset:
    stored = np.rint((hounsfield - intercept) / slope)
    kind = np.int16 if signed else np.uint16
    limits = np.iinfo(kind)
    pixels = np.clip(stored, limits.min if signed else 0, min(limits.max, 32767)).astype(kind)
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = CTImageStorage, meta.MediaStorageSOPInstanceUID
    data.StudyInstanceUID = generate_uid()
    data.PatientName, data.PatientID, data.PatientBirthDate = "Muster^Petra", "SECRET-4711", "19500102"
    data.InstitutionName, data.SeriesDescription = "Spital Musterstadt", "Thorax Muster Petra"
    data.Modality, data.ImageType, data.BodyPartExamined = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"], "CHEST"
    data.AcquisitionDate, data.AcquisitionTime, data.AcquisitionNumber = "20260301", "081500.25", 1
    data.KVP, data.ConvolutionKernel = 120, "B30f"
    data.RescaleSlope, data.RescaleIntercept, data.RescaleType = slope, intercept, "HU"
    data.Rows, data.Columns = hounsfield.shape
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated = data.BitsStored = 16
    data.HighBit, data.PixelRepresentation = 15, int(signed)
    data.PixelData = pixels.tobytes()
    return data


def write_enhanced(path: Path, hounsfield: np.ndarray, spacing: Sequence[float] = (3.0, 2.0, 2.0)) -> Path:
    """The same as one enhanced CT file: shared and per-frame functional groups."""
    data = _image(hounsfield[0], 1.0, -1024.0, False)
    kind = "1.2.840.10008.5.1.4.1.1.2.1"
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = kind
    data.SeriesInstanceUID, data.PatientPosition = generate_uid(), "HFS"
    for name in ("RescaleSlope", "RescaleIntercept", "RescaleType"):
        delattr(data, name)
    data.NumberOfFrames = len(hounsfield)
    data.PixelData = np.rint(hounsfield + 1024).clip(0, 32767).astype(np.uint16).tobytes()
    data.SharedFunctionalGroupsSequence = [
        _with(
            PixelMeasuresSequence=[_with(PixelSpacing=list(spacing[1:]), SliceThickness=spacing[0])],
            PlaneOrientationSequence=[_with(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
            PixelValueTransformationSequence=[_with(RescaleSlope=1, RescaleIntercept=-1024, RescaleType="HU")],
        )
    ]
    data.PerFrameFunctionalGroupsSequence = [
        _with(PlanePositionSequence=[_with(ImagePositionPatient=[-180.0, -140.0, -160.0 + k * spacing[0]])])
        for k in range(len(hounsfield))
    ]
    data.save_as(path, enforce_file_format=True)
    return path


def _with(**attributes: object) -> Dataset:
    data = Dataset()
    for name, value in attributes.items():
        setattr(data, name, value)
    return data
