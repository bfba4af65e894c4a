"""The form in which a series of images goes through the intake and lies in quarantine: a small JSON, no image.

It says where in the spool the slices lie, when the last of them came, and what was wrong; so that a quarantined series
can be read, and taken in again once its cause is gone.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

from caretwin.ingest.decoded import Refusal, RefusedError
from caretwin.ingest.doors.dicom.spool import NAME

MEDIA = "application/json; form=caretwin-dicom-series"
_FORM = "caretwin-dicom-series"
MOST_BYTES = 65_536


class Form(NamedTuple):
    """A series in the spool.

    name      its folder there; slices  how many files it had; received  when it was found complete (us)
    wrong     what was wrong, one sentence each; [] for a series that was not refused yet
    """

    name: str
    slices: int
    received: int
    wrong: tuple[str, ...] = ()

    def raw(self) -> bytes:
        """As JSON."""
        said = {"form": _FORM, "spool": f"series/{self.name}", "slices": self.slices, "received": self.received}
        return orjson.dumps(said | {"wrong": list(self.wrong)}, option=orjson.OPT_INDENT_2)


def read_form(raw: bytes) -> Form:
    """Read it. Raises RefusedError for anything else."""
    try:
        said = orjson.loads(raw) if len(raw) <= MOST_BYTES else None
    except orjson.JSONDecodeError:
        said = None
    if not isinstance(said, dict) or said.get("form") != _FORM:
        raise _refused("what is no series of this door", f'JSON with "form": "{_FORM}"')
    place, slices, received = said.get("spool"), said.get("slices"), said.get("received")
    name = place.removeprefix("series/") if isinstance(place, str) else ""
    if not NAME.fullmatch(name) or place != f"series/{name}":
        raise _refused("a place outside of the spool", '"spool": "series/..." with the name of a series')
    if type(slices) is not int or type(received) is not int or not 0 <= slices < 10**7 or abs(received) >= 2**62:
        raise _refused("no count of slices or no time", "whole numbers")
    wrong = said.get("wrong")
    sentences = tuple(one for one in wrong if isinstance(one, str)) if isinstance(wrong, list) else ()
    return Form(name, slices, received, sentences)


def _refused(seen: str, wanted: str) -> RefusedError:
    return RefusedError(Refusal("the series", seen, wanted, "replay it as it lies in quarantine", "structure"))
