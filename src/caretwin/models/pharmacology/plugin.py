"""The one door through which the rest of caretwin reaches pharmacology; found by its entry point, never by import."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from caretwin.core.events import GivenDose, Sample, Series
from caretwin.core.history import History
from caretwin.models.pharmacology.assembly import dynamics
from caretwin.models.pharmacology.drug import Drug
from caretwin.models.pharmacology.drug_file import read_drug
from caretwin.models.pharmacology.kinetics import DoseContext, DrugModel
from caretwin.models.pharmacology.self_test import failures
from caretwin.models.pharmacology.timeline import build_history

DRUGS = Path(__file__).parent / "drugs"


class Pharmacology:
    """Drug models by name, and what turns one of them into something that can be fitted."""

    def names(self, drug: str | None = None) -> tuple[str, ...]:
        """Names of the shipped models, such as "vancomycin.goti2018"; of one drug when it is given."""
        found = sorted(path.stem for path in DRUGS.glob("*.toml"))
        return tuple(name for name in found if drug is None or name.split(".")[0] == drug)

    def drugs(self) -> tuple[str, ...]:
        """Names of the drugs for which there is a model."""
        return tuple(sorted({name.split(".")[0] for name in self.names()}))

    def load(self, name: str) -> Drug:
        """A shipped model; KeyError when there is none of that name."""
        if name not in self.names():
            raise KeyError(name)
        return _read(DRUGS / f"{name}.toml")

    def read(self, path: str | Path) -> Drug:
        """A model from any drug file; DrugFileError with line and column when it is wrong."""
        return _read(Path(path))

    def failures(self, drug: Drug) -> list[str]:
        """What the file's own test vectors do not meet, one sentence each; see :func:`.self_test.failures`."""
        return failures(drug)

    def dynamics(
        self, drug: Drug, *, occasions: int = 0, prior_weight: float = 1.0, beside: Sequence[Drug] = ()
    ) -> DrugModel:
        """See :func:`.assembly.dynamics`."""
        return dynamics(drug, occasions=occasions, prior_weight=prior_weight, beside=beside)

    def history(
        self,
        drug: Drug,
        doses: Sequence[GivenDose],
        samples: Sequence[Sample],
        covariates: Mapping[str, Series],
        *,
        occasions: Series | None = None,
        times: Sequence[float] = (),
        movable: bool = False,
        start: float | None = None,
        contexts: DoseContext | None = None,
        room: int | None = None,
    ) -> History:
        """See :func:`.timeline.build_history`."""
        return build_history(
            drug,
            doses,
            samples,
            covariates,
            occasions=occasions,
            times=times,
            movable=movable,
            start=start,
            contexts=contexts,
            room=room,
        )


@cache
def _read(path: Path) -> Drug:
    return read_drug(path)


plugin = Pharmacology()
