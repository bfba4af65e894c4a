"""Series of a phantom for the tests of the DICOM door, and a door that takes them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from tests.ingest.ct_volumes import Chest, Edit, chest, scanned, write_series

from caretwin.ingest.doors.dicom.door import DicomDoor

SPACING = (6.0, 4.0, 4.0)
ISSUER, PATIENT = "local:north", "SECRET-4711"
CHANNEL = "non_aerated_tissue_fraction"


@cache
def lungs(collapsed: float = 0.3) -> np.ndarray:
    """A chest as a scanner shows it."""
    return scanned(chest(Chest(collapsed=collapsed, hazy=0.1, spacing=SPACING)))


def write(folder: Path, *, study: str = "1.2.3.4", edit: Edit | None = None, **options: Any) -> Path:
    """A chest series; ``edit`` changes its data sets."""

    def edited(data: Dataset, k: int) -> None:
        data.StudyInstanceUID = study
        if edit is not None:
            edit(data, k)

    return write_series(folder, lungs(), SPACING, edit=edited, **options)


def setting(**attributes: Any) -> Callable[[Dataset, int], None]:
    """An edit that sets attributes of every slice."""

    def edit(data: Dataset, k: int) -> None:
        for name, value in attributes.items():
            setattr(data, name, value)

    return edit


def door(where: Path, **settings: Any) -> DicomDoor:
    """A door at a free port that knows its scanner CT1 and does not wait for long."""
    values = {
        "spool": str(where / "spool"), "callers": ["CT1"], "port": 0, "zone": "Europe/London", "issuer": ISSUER,
        "settle_s": 0.2, "quiet_s": 1.5, "every_s": 0.1,
    }  # fmt: skip
    return DicomDoor("ct", values | settings)


def left(folder: Path) -> list[Path]:
    """Files that lie in the spool."""
    return [one for one in (folder / "spool").rglob("*.dcm")]
