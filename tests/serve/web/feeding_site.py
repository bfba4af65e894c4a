"""A site with doors: a laboratory whose codes are mapped in a file, another that shares nothing with it, and a rota."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tests.ingest.doors.hl7v2_lines import obx, oru
from tests.serve.web.conftest import Web

from caretwin.ingest.intake import Outcome
from caretwin.record.access import operator
from caretwin.record.entry import Stored
from caretwin.serve.site import site_of

HEADER = "source,system,code,unit,channel,to_unit,note\n"
SYSTEM = "local:LAB"
KNOWN = f"{HEADER},{SYSTEM},NOISE,,ignore,,nobody needs it\n"


class FeedingWeb(Web):
    """As :class:`Web`, with doors; ``codes`` is the file in which the laboratory's codes are mapped."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, {})
        self.codes = folder / "codes.csv"
        self.codes.write_text(KNOWN, encoding="utf-8")
        lab = {"kind": "hl7v2", "port": 0, "zone": "UTC"}
        doors = {"lab": {**lab, "mapping": "codes.csv"}, "other": lab, "ward": {**lab, "mapping": "codes.csv"}}
        table = {"record": {"url": "ward.db"}, "web": {"listen": "127.0.0.1:0"}, "doors": doors}
        self.site = site_of(table, "test", folder)

    def comes(self, raw: bytes, door: str = "lab") -> Outcome:
        """A message comes through a door."""
        return self.running.intakes[door].accept_now(raw)

    def measured(self, *codes: Sequence[str], door: str = "lab") -> None:
        """Values come: (code, unit, value) of the laboratory's own codes, each of another minute."""
        lines = [
            obx(value, code=f"{code}^{code.title()}^L", unit=unit, sub=str(place), number=place)
            for place, (code, unit, value) in enumerate(codes, start=1)
        ]
        assert self.comes(oru(*lines), door).result == "accepted"

    def standing(self) -> dict[str, float | None]:
        """What stands in the record, by code."""
        gone = {row[0] for row in self.running.record.connection().query("SELECT sequence FROM superseded")}
        found: list[Stored] = self.running.record.reading(operator()).changes(0)
        return {one.code: one.value for one in found if one.sequence not in gone}
