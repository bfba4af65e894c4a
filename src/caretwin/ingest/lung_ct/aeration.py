"""From a chest CT to lung observations: read, outline, measure, grade."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
from scipy import ndimage

from caretwin.ingest.dicom.files import DicomError
from caretwin.ingest.dicom.series import read_chest_ct
from caretwin.ingest.findings import Findings
from caretwin.ingest.lung_ct.fractions import estimates, thirds
from caretwin.ingest.lung_ct.segmentation import LEAST_BALANCE, Outlines, outlines
from caretwin.ingest.lung_ct.volume import CtVolume
from caretwin.record.imaging import Estimate, Grade, LungAeration, check_hours

# Assumed, see evidence/physiology/imaging for what they catch on phantoms.
NOISE_HU = 60.0
FLUID_HU, FLUID_ML = (-10.0, 22.0), 50.0  # pleural fluid lies here without contrast, collapsed lung mostly above
WIDE_RANGE = 0.25  # of the non-aerated fraction between the smallest and the largest outline
UNUSABLE_RANGE = 0.75
UNUSABLE_CUT = 0.5


def read_lung_aeration(
    path: str | Path,
    *,
    time_h: float,
    received_h: float | None = None,
    series: int | None = None,
    chest: bool = False,
    clock: bool = False,
) -> LungAeration:
    """Measure the lungs of one CT series.

    path        folder or file of DICOM images
    time_h      when the scan was made (h from the record's origin)
    received_h  when it became known (h); None: at once
    series      which series, when the folder holds several
    chest       True: it is a chest, whatever its label says
    clock       True: date and time of the acquisition go into the result
    Raises DicomError when there is no chest CT to be measured, and DataError for hours that cannot be.

    >>> read_lung_aeration("patient/ct", time_h=30.0, received_h=31.5).of_mass["non_aerated"]  # doctest: +SKIP
    Estimate(value=0.31, standard_error=0.08, low=0.05, high=0.37)
    """
    check_hours(time_h, time_h if received_h is None else received_h)
    volume = read_chest_ct(path, series=series, chest=chest, clock=clock)
    return lung_aeration(volume, time_h=time_h, received_h=received_h)


def lung_aeration(volume: CtVolume, *, time_h: float, received_h: float | None = None) -> LungAeration:
    """Measure the lungs of a volume; arguments, result and errors as :func:`read_lung_aeration`."""
    findings = Findings()
    findings.extend(volume.findings)
    lungs = outlines(volume, findings)
    if lungs is None:
        raise DicomError.of("a chest CT", findings.all)
    whole, of_mass, gas, mass = estimates(volume, (lungs.smallest, lungs.best, lungs.largest))
    _report_noise(volume, lungs, findings)
    _report_fluid(volume, lungs, findings)
    return LungAeration(
        time_h=float(time_h),
        received_h=float(time_h if received_h is None else received_h),
        source=volume.source,
        whole=whole,
        of_mass=of_mass,
        gas_volume_l=gas,
        tissue_mass_g=mass,
        thirds=thirds(volume, lungs.best),
        quality=_grade(lungs, of_mass["non_aerated"], findings),
        acquisition=asdict(volume.acquisition),
        findings=findings.all,
    )


def _report_noise(volume: CtVolume, lungs: Outlines, findings: Findings) -> None:
    """Noise from neighbours in clear lung; it spreads voxels over the borders, most of all over -900."""
    values = volume.hounsfield
    clear = lungs.smallest & (values < -600)
    pairs = clear[:, :, 1:] & clear[:, :, :-1]
    if not pairs.any():
        return
    steps = np.abs(values[:, :, 1:][pairs].astype(np.int32) - values[:, :, :-1][pairs])
    noise = float(np.median(steps)) / 0.6745 / np.sqrt(2)
    if noise > NOISE_HU:
        seen, fix = f"noise of about {noise:.0f} HU", "use a smoother kernel: over-inflated lung is counted too large"
        findings.warning(None, None, seen=seen, wanted=f"at most {NOISE_HU:.0f} HU", fix=fix)


def _report_fluid(volume: CtVolume, lungs: Outlines, findings: Findings) -> None:
    """Dense lung as thin as water may be fluid around the lung; this is a question for a person, not an answer."""
    inside = ndimage.binary_erosion(lungs.best & ~lungs.smallest, iterations=2)
    ml = float(np.broadcast_to(volume.voxel_ml, inside.shape)[inside].sum())
    if ml < FLUID_ML:
        return
    density = float(volume.hounsfield[inside].mean())
    if FLUID_HU[0] <= density <= FLUID_HU[1]:
        seen = f"dense volume with a mean of {density:.0f} HU, as fluid has"
        fix = "ask whether there is pleural fluid: it was counted as lung without air"
        findings.warning(None, None, seen=seen, wanted="collapsed lung", fix=fix)


def _grade(lungs: Outlines, non_aerated: Estimate, findings: Findings) -> Grade:
    span = non_aerated.high - non_aerated.low
    partial = lungs.cut > UNUSABLE_CUT or lungs.balance < LEAST_BALANCE or lungs.floor == "unseen"
    if findings.has_errors or partial or span > UNUSABLE_RANGE:
        return "poor"
    warned = any(f.severity == "warning" for f in findings.all)
    return "limited" if warned or lungs.floor != "seen" or span > WIDE_RANGE else "good"
