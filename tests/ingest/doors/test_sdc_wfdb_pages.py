"""The pages of the two doors name every setting, and what they tell a newcomer to write opens a door."""

import re
import tomllib
from typing import Any

import pytest
from tests.paths import ROOT

from caretwin.ingest.doors.sdc.demo import ENDPOINT, REST, shown
from caretwin.ingest.doors.sdc.door import SdcDoor
from caretwin.ingest.doors.wfdb.door import WfdbDoor
from caretwin.record.vocabulary import vocabulary

DOORS: dict[str, Any] = {"sdc": SdcDoor, "wfdb": WfdbDoor}


def page(kind: str) -> str:
    return (ROOT / "docs" / "doors" / f"{kind}.md").read_text("utf-8")


@pytest.mark.parametrize("kind", DOORS)
def test_every_setting_is_on_the_page_and_no_other(kind: str) -> None:
    named = re.findall(r"^\| `([a-z_]+)` \|", page(kind), flags=re.MULTILINE)
    assert sorted(named) == sorted(setting.name for setting in DOORS[kind].settings)


@pytest.mark.parametrize("kind", DOORS)
def test_the_configurations_of_the_page_open_a_door(kind: str) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", page(kind), flags=re.DOTALL)
    assert blocks
    for block in blocks:
        for name, section in tomllib.loads(block)["doors"].items():
            assert section.pop("kind") == kind
            known = {setting.name for setting in DOORS[kind].settings}
            assert section.keys() <= known
            assert DOORS[kind](name, section).name == name


def test_the_simulator_that_the_page_starts_is_the_one_that_it_looks_for() -> None:
    assert ENDPOINT in page("sdc")
    for second in range(60):
        for name, value in shown(second).items():
            assert vocabulary()[name].plausible(value), name
    assert shown(15) != shown(45) and pytest.approx(shown(0)) == REST
