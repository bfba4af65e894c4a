"""Errors of the lung CT reader on made-up chests: ``python -m evidence.physiology.imaging.measure``.

Writes errors.csv beside this file; every figure of README.md comes from it. Takes about five minutes on two cores.
"""

from __future__ import annotations

import csv
import dataclasses
import time
from pathlib import Path

import numpy as np
from tests.ingest.ct_volumes import Chest, Phantom, chest, scanned

from caretwin.ingest.dicom.files import DicomError
from caretwin.ingest.lung_ct.aeration import lung_aeration
from caretwin.ingest.lung_ct.volume import Acquisition, CtVolume
from caretwin.record.imaging import COMPARTMENTS, LungAeration

USUAL = (2.5, 1.5, 1.5)
COLLAPSED = Chest(collapsed=0.3, hazy=0.2, stretched=0.1)
ONE_SIDE = dataclasses.replace(COLLAPSED, collapse_side="left")
CHESTS = {
    "clear": Chest(),
    "haze 60 %": Chest(hazy=0.6),
    "stretched 50 %": Chest(stretched=0.5),
    "collapse 15 %": Chest(collapsed=0.15, hazy=0.15),
    "collapse 30 %": COLLAPSED,
    "collapse 50 %": Chest(collapsed=0.5, hazy=0.2),
    "collapse 70 %": Chest(collapsed=0.7, hazy=0.1),
    "collapse 30 %, left only": ONE_SIDE,
    "collapse 30 %, low diaphragm": dataclasses.replace(COLLAPSED, floor=False),
    "collapse 30 %, contrast": dataclasses.replace(COLLAPSED, heart=200, dense=90),
    "collapse 30 %, small heart": dataclasses.replace(COLLAPSED, heart_size=0.8),
    "collapse 30 %, large heart": dataclasses.replace(COLLAPSED, heart_size=1.25),
    "collapse 30 %, wide mediastinum": dataclasses.replace(COLLAPSED, mediastinum=38.0),
    "collapse 30 %, leaning to the base": dataclasses.replace(COLLAPSED, lean=0.6),
    "collapse 30 %, leaning, dome 30 mm": dataclasses.replace(COLLAPSED, lean=0.6, dome=30.0),
    "collapse 30 %, leaning, dome 80 mm": dataclasses.replace(COLLAPSED, lean=0.6, dome=80.0),
    "left lung white": Chest(collapsed=1.0, collapse_side="left"),
    "lower half white": Chest(white_below=-30.0),
    "base white to just below the dome": Chest(white_below=-60.0),
    "clear, dome 30 mm": Chest(dome=30.0),
    "clear, dome 80 mm": Chest(dome=80.0),
    "clear, large heart": Chest(heart_size=1.25),
    "clear, wide mediastinum": Chest(mediastinum=38.0),
    "fluid 10 %": Chest(effusion=0.1),
    "fluid 20 %": Chest(effusion=0.2),
}
SCANS = {
    "noise 5 HU": ("collapse 30 %", USUAL, 5.0),
    "noise 40 HU": ("collapse 30 %", USUAL, 40.0),
    "noise 80 HU": ("collapse 30 %", USUAL, 80.0),
    "clear, noise 80 HU": ("clear", USUAL, 80.0),
    "slices 1.25 mm": ("collapse 30 %", (1.25, 1.5, 1.5), 20.0),
    "slices 5 mm": ("collapse 30 %", (5.0, 1.5, 1.5), 20.0),
    "slices 10 mm": ("collapse 30 %", (10.0, 1.5, 1.5), 20.0),
}


def measured(made: Phantom, noise: float) -> tuple[LungAeration | None, float]:
    """The answer (None when it is refused) and the seconds it took."""
    values = np.clip(np.rint(scanned(made, noise)), -1024, 3071).astype(np.int16)
    facts = Acquisition(made.spacing, len(values), position="HFS", down="back")
    volume = CtVolume(values, np.full((1, 1, 1), made.voxel_ml), facts, "phantom")
    start = time.perf_counter()
    try:
        return lung_aeration(volume, time_h=0.0), time.perf_counter() - start
    except DicomError:
        return None, time.perf_counter() - start


def row(name: str, made: Phantom, noise: float) -> dict[str, object]:
    """Truth, answer, error bar and range of one phantom."""
    found, seconds = measured(made, noise)
    out: dict[str, object] = {
        "phantom": name,
        "slice_mm": made.spacing[0],
        "noise_hu": noise,
        "seconds": f"{seconds:.1f}",
    }
    if found is None:
        return out | {"quality": "refused"}
    for truth, compartment in zip(made.of_mass(), COMPARTMENTS, strict=True):
        e = found.of_mass[compartment]
        out |= {f"{compartment}_true": f"{truth:.3f}", compartment: f"{e.value:.3f}"}
    e = found.of_mass["non_aerated"]
    out |= {"non_aerated_se": f"{e.standard_error:.3f}", "low": f"{e.low:.3f}", "high": f"{e.high:.3f}"}
    out |= {"gas_l_true": f"{made.gas_l():.2f}", "gas_l": f"{found.gas_volume_l.value:.2f}"}
    out |= {"tissue_g_true": f"{made.tissue_g():.0f}", "tissue_g": f"{found.tissue_mass_g.value:.0f}"}
    return out | {"quality": found.quality, "warnings": sum(f.severity == "warning" for f in found.findings)}


def main() -> None:
    """Measure all and write the table."""
    rows = [row(name, chest(dataclasses.replace(made, spacing=USUAL)), 20.0) for name, made in CHESTS.items()]
    for name, (which, spacing, noise) in SCANS.items():
        rows.append(row(name, chest(dataclasses.replace(CHESTS[which], spacing=spacing)), noise))
    names = list(dict.fromkeys(key for line in rows for key in line))
    with (Path(__file__).parent / "errors.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
