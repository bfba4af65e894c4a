"""The file of a chest CT becomes rows of a bedside record, or a mistake that says what to do."""

import json

import numpy as np
import pytest
from tests.ingest.ct_volumes import Chest, chest, scanned, write_series

from caretwin.base.errors import DataError
from caretwin.cli.ct import as_json
from caretwin.ingest.imaging_file import read_imaging, with_imaging
from caretwin.ingest.lung_ct.aeration import read_lung_aeration
from caretwin.record.bedside import BedsideRecord, Person, Signal

SPACING = (5.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def content(tmp_path_factory) -> dict:
    """Of a synthetic thorax, written as DICOM, measured by the command's own functions."""
    made = chest(Chest(collapsed=0.25, hazy=0.25, spacing=SPACING))
    folder = write_series(tmp_path_factory.mktemp("ct"), scanned(made), SPACING)
    return as_json(read_lung_aeration(folder, time_h=5.0, received_h=6.5))


def test_what_the_ct_command_writes_becomes_a_row_that_is_known_when_it_was_received(tmp_path, content) -> None:
    (tmp_path / "ct.json").write_text(json.dumps(content))
    record = with_imaging(BedsideRecord(Person("one")), read_imaging(tmp_path / "ct.json"))
    signal = record.observations["non_aerated_tissue_fraction"]
    assert (signal.time_h[0], signal.received_h[0]) == (5.0, 6.5)
    assert signal.value[0] == content["of_mass"]["non_aerated"]["value"]
    assert len(record.as_of(6.0).observations["non_aerated_tissue_fraction"]) == 0


def test_figures_that_no_model_observes_are_named_and_not_used(tmp_path, content) -> None:
    (tmp_path / "ct.json").write_text(json.dumps(content))
    record = with_imaging(BedsideRecord(Person("one")), read_imaging(tmp_path / "ct.json"))
    assert set(record.observations) == {"non_aerated_tissue_fraction"}
    assert "lung gas volume" in record.findings[0].seen and record.findings[0].severity == "info"


def test_a_second_ct_stands_beside_the_first(tmp_path, content) -> None:
    (tmp_path / "ct.json").write_text(json.dumps(content))
    first = Signal.of(np.array([1.0]), np.array([0.4]))
    record = BedsideRecord(Person("one"), {"non_aerated_tissue_fraction": first})
    found = with_imaging(record, read_imaging(tmp_path / "ct.json")).observations["non_aerated_tissue_fraction"]
    assert list(found.time_h) == [1.0, 5.0] and found.value[0] == 0.4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"quality": "poor"}, "quality is poor"),
        ({"observations": []}, "no observation"),
        ({"observations": None}, "JSON without observations"),
        ({"observations": [{"name": "non_aerated_tissue_fraction"}]}, "one of a chest CT"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path, content, change, said) -> None:
    (tmp_path / "ct.json").write_text(json.dumps({**content, **change}))
    with pytest.raises(DataError, match=said):
        read_imaging(tmp_path / "ct.json")


def test_a_percentage_instead_of_a_share_is_refused(tmp_path, content) -> None:
    row = {**content["observations"][0], "value": 31.0}
    (tmp_path / "ct.json").write_text(json.dumps({**content, "observations": [row]}))
    with pytest.raises(DataError, match=r"0 to 0\.98"):
        read_imaging(tmp_path / "ct.json")


def test_a_table_instead_of_the_file_says_how_to_make_one(tmp_path) -> None:
    (tmp_path / "man.csv").write_text("time,name,value,unit\n")
    with pytest.raises(DataError, match="caretwin ct FOLDER"):
        read_imaging(tmp_path / "man.csv")
