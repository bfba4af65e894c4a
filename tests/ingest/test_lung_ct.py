"""From a folder of DICOM files to observations of a lung model, and the command that shows them."""

import json
import math

import pytest
from click.testing import CliRunner
from tests.ingest.ct_volumes import Chest, chest, scanned, write_series

from caretwin.base.errors import DataError
from caretwin.cli.ct import command
from caretwin.ingest.lung_ct.aeration import read_lung_aeration
from caretwin.record.imaging import COMPARTMENTS, NOT_A_DIAGNOSIS

SPACING = (5.0, 3.0, 3.0)
MADE = chest(Chest(collapsed=0.25, hazy=0.25, spacing=SPACING))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_series(tmp_path_factory.mktemp("ct"), scanned(MADE), SPACING)


@pytest.fixture(scope="module")
def found(folder):
    return read_lung_aeration(folder, time_h=30.0, received_h=31.5)


def test_from_files_to_shares_within_eight_points_of_the_truth(found):
    """The tolerance of collapsed lung in test_lung_ct_segmentation; the way through files must add nothing."""
    truth = MADE.of_mass()
    for k, name in enumerate(COMPARTMENTS):
        assert found.of_mass[name].value == pytest.approx(truth[k], abs=0.08)


def test_observations_are_known_when_received_and_carry_error_unit_source_and_meaning(found):
    observations = {o.name: o for o in found.observations()}
    assert set(observations) == {
        "non_aerated_tissue_fraction", "poorly_aerated_tissue_fraction", "over_inflated_tissue_fraction",
        "lung_gas_volume", "lung_tissue_mass",
    }  # fmt: skip
    for observation in observations.values():
        assert (observation.time_h, observation.received_h) == (30.0, 31.5)
        assert observation.standard_error > 0
        assert observation.source.startswith("dicom:")
        assert observation.meaning
    assert observations["lung_gas_volume"].unit == "L"
    assert observations["non_aerated_tissue_fraction"].unit == "1"
    assert "never as the shunt itself" in observations["non_aerated_tissue_fraction"].meaning


def test_a_scan_of_unknown_arrival_is_known_when_it_was_taken(folder):
    assert read_lung_aeration(folder, time_h=2.0).received_h == 2.0


@pytest.mark.parametrize("time_h, received_h", [(2.0, 1.0), (math.nan, 1.0), (1.0, math.inf)])
def test_hours_that_cannot_be_are_refused(folder, time_h, received_h):
    with pytest.raises(DataError, match="received not before taken"):
        read_lung_aeration(folder, time_h=time_h, received_h=received_h)


def test_the_command_shows_shares_and_says_that_it_is_no_diagnosis(folder, tmp_path):
    out = tmp_path / "ct.json"
    shown = CliRunner().invoke(command, [str(folder), "--json", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "non aerated" in shown.output
    assert "no diagnosis" in shown.output
    content = json.loads(out.read_text())
    assert content["no_diagnosis"] == NOT_A_DIAGNOSIS
    assert {o["name"] for o in content["observations"]} >= {"non_aerated_tissue_fraction"}
    assert content["acquisition"]["taken"] is None
    for word in ("Muster", "SECRET", "1950", "20260301"):
        assert word not in out.read_text() + shown.output


def test_a_folder_for_the_result_that_is_not_there_is_said(folder, tmp_path):
    shown = CliRunner().invoke(command, [str(folder), "--json", str(tmp_path / "no" / "ct.json")])
    assert shown.exit_code == 2
    assert "its folder does not exist" in shown.output
