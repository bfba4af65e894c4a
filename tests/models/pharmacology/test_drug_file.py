"""A drug file is read completely or refused with line, column and what to do; nothing is silently dropped."""

import numpy as np
import pytest

from caretwin.base.errors import DomainError, DrugFileError
from caretwin.models.pharmacology.drug_file import SHIPPED, parse_drug, read_drug
from caretwin.models.pharmacology.structure import Structure

GOOD = """\
name = "example.one"
version = "1"
drug = "example"
title = "An example"
grade = "draft"
population = "none: made up for tests"
source = "made up for tests"
checked = "2026-11-21"

[structure]
compartments = 1

[dose]
unit = "mg"
route = "intravenous infusion"
input = "central"

[channels.level]
unit = "ug/L"
description = "level"

[covariates.WT]
unit = "kg"
description = "body weight"
maximum_age = "2 d"
hard = { low = 20, high = 300, message = "not an adult" }

[covariates.SCR]
unit = "mg/dL"
description = "creatinine"

[covariates.CRCL]
unit = "mL/min"
description = "creatinine clearance"
derived = "100 [mL/min] * (1 [mg/dL] / SCR)"

[parameters.CL]
value = "6 [L/h] * (CRCL / 100 [mL/min])"
unit = "mL/min"
omega2 = 0.1

[parameters.V1]
value = "0.7 [L/kg] * WT"
unit = "L"
cv = 0.3
cv_rule = "ln(1 + cv^2)"

[error.level]
form = "combined_variance"
additive = 0.5
unit = "mg/L"
proportional = 0.1

[[targets]]
kind = "auc24"
low = 400
unit = "mg.h/L"
label = "AUC24"
assumed = true

[practical]
doses = { minimum = 0.25, maximum = 1, step = 0.25, unit = "g" }
intervals = { values = [1, 2], unit = "d" }
durations = { values = [60], unit = "min" }

[[domain]]
require = "CRCL > 30 [mL/min]"
severity = "hard"
message = "kidneys too weak"
"""


def changed(old: str, new: str) -> str:
    assert GOOD.count(old) == 1, f"{old!r} must stand once in the example"
    return GOOD.replace(old, new)


def place(text: str, needle: str, shift: int = 0) -> str:
    """ ":line:column:" of the first occurrence of needle."""
    at = text.index(needle) + shift
    return f":{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}:"


def refusal(text: str) -> DrugFileError:
    with pytest.raises(DrugFileError) as error:
        parse_drug(text)
    assert error.value.seen and error.value.wanted and error.value.fix
    return error.value


def test_everything_in_the_file_arrives():
    drug = parse_drug(GOOD)
    assert drug.structure == Structure(1)
    assert drug.etas == ("CL", "V1")
    assert np.allclose(np.diag(drug.omega), [0.1, np.log(1.09)])
    assert (drug.parameters["V1"].variability.printed, drug.parameters["V1"].variability.kind) == (0.3, "cv")
    assert drug.covariates["WT"].maximum_age == pytest.approx(48)  # 2 d
    assert drug.channels["level"].factor == pytest.approx(1000)  # mg/L to ug/L
    assert drug.errors["level"].additive == pytest.approx(500)  # 0.5 mg/L in the channel's ug/L
    assert (drug.targets[0].low, drug.targets[0].unit) == (pytest.approx(400_000), "ug.h/L")
    assert drug.practical.doses.values == pytest.approx((250, 500, 750, 1000))
    assert drug.practical.intervals.values == pytest.approx((24, 48))
    assert drug.practical.durations.values == pytest.approx((1,))


def test_units_are_converted_to_one_set():
    """6 L/h at 100 mL/min, though the file states the clearance in mL/min: canonical is L/h."""
    assert parse_drug(GOOD).typical({"CRCL": 100.0, "WT": 70.0}) == pytest.approx(np.array([[6.0, 49.0]]))


def test_a_misspelt_key_is_an_error_and_the_near_one_is_named():
    text = changed("omega2 = 0.1", "omegа = 0.1".replace("а", "a"))
    error = refusal(text)
    assert place(text, "omega = ", len("omega = ")) in error.where
    assert "omega2" in error.fix


@pytest.mark.parametrize(
    "old, new, needle, shift",
    [
        # kg to L: the column of the plus sign inside the text
        ('"0.7 [L/kg] * WT"', '"0.7 [L] + WT"', "+ WT", 0),
        ('"6 [L/h] * (CRCL', '"6 [L/h] * (CRLC', "CRLC", 0),
        ('"6 [L/h] * (CRCL', '"6 [L/fortnite] * (CRCL', "6 [L/fortnite]", 0),
        ('"6 [L/h] * (CRCL / 100 [mL/min])"', '"6 [L/h] * (CRCL / 100)"', "6 [L/h]", 0),
        ('"6 [L/h] * (CRCL / 100 [mL/min])"', '"6 [L/h] * (CRCL / 100 [mL/min]"', '[mL/min]"', 8),
        ('"0.7 [L/kg] * WT"', '"9^9^9^9 * 1 [L]"', '"9^9^9^9', 0),
        ('"0.7 [L/kg] * WT"', '"-30 [L]"', '"-30 [L]"', 0),
        ("compartments = 1", "compartments = 4", "4\n\n[dose]", 0),
        ('unit = "mL/min"\nomega2', 'unit = "mL"\nomega2', '"mL"\nomega2', 0),
        ('cv_rule = "ln(1 + cv^2)"', 'cv_rule = "about"', "0.3\ncv_rule", 0),
        ('cv = 0.3\n', "cv = 0.3\nsd = 0.2\n", "0.3\nsd", 0),
        ("omega2 = 0.1", "omega2 = -0.1", "-0.1", 0),
        ("omega2 = 0.1", 'omega2 = "0.1"', '"0.1"', 0),
        ('grade = "draft"', 'grade = "drafted"', '"drafted"', 0),
        ('maximum_age = "2 d"', 'maximum_age = "2 kg"', '"2 kg"', 0),
        ('maximum_age = "2 d"', 'maximum_age = "two days"', '"two days"', 0),
        ("high = 300", 'high = "300"', '"300"', 0),
        ("hard = { low = 20, high = 300, ", "hard = { ", '"not an adult"', 0),
        ("step = 0.25", "step = 0", "0, unit", 0),
        ('form = "combined_variance"', 'form = "combined"', '"combined"', 0),
        ('require = "CRCL > 30 [mL/min]"', 'require = "CRCL"', 'CRCL"\nsev', 0),
        ('severity = "hard"', 'severity = "harsh"', '"harsh"', 0),
        ("assumed = true\n\n[prac", "\n\n[prac", '"AUC24"', 0),
    ],
)  # fmt: skip
def test_mistakes_are_located(old, new, needle, shift):
    text = changed(old, new)
    assert place(text, needle, shift) in refusal(text).where


def test_a_fault_in_the_second_of_several_tables_is_located_there():
    text = GOOD + '\n[[domain]]\nrequire = "WT > 3 [L]"\nseverity = "soft"\nmessage = "light"\n'
    error = refusal(text)
    assert place(text, "> 3 [L]") in error.where
    assert "domain[2].require" in error.where


def test_a_fault_in_a_text_of_several_lines_is_located_on_its_line():
    text = changed('"0.7 [L/kg] * WT"', '"""\n0.7 [L/kg]\n   * (WT + 3)"""')
    assert place(text, "+ 3") in refusal(text).where


def test_what_is_not_toml_is_located():
    assert ":11:" in refusal(changed("compartments = 1", "compartments = ")).where


@pytest.mark.parametrize("missing", ["CL", "V1"])
def test_a_missing_parameter_is_named(missing):
    error = refusal(changed(f"[parameters.{missing}]", f"[parameters.{missing}X]"))
    assert missing in error.seen


def test_a_parameter_that_nothing_uses_is_refused():
    text = GOOD + '\n[parameters.KA]\nvalue = "1 [h-1]"\nunit = "h-1"\n'
    assert "KA" in refusal(text).seen


def test_parameters_that_refer_to_each_other_in_a_circle_are_refused():
    text = changed('"0.7 [L/kg] * WT"', '"CL * 1 [h]"').replace('"6 [L/h] * (CRCL', '"V1 / 1 [h] * (CRCL')
    assert "itself" in refusal(text).seen


def test_covariances_must_be_possible():
    text = GOOD + '\n[[covariance]]\nbetween = ["CL", "V1"]\ncovariance = 0.2\n'
    assert "positive definite" in refusal(text).wanted
    fine = parse_drug(text.replace("covariance = 0.2", "correlation = 0.5"))
    assert fine.omega[0, 1] == pytest.approx(0.5 * np.sqrt(0.1 * np.log(1.09)))
    assert "two of CL, V1" in refusal(text.replace('"V1"]', '"V2"]')).wanted


def test_a_target_says_where_it_comes_from_or_that_it_is_assumed():
    assert "neither source nor assumed" in refusal(changed("assumed = true\n\n[prac", "\n[prac")).seen


def test_a_given_covariate_is_never_replaced_by_a_computed_one():
    drug = parse_drug(GOOD)
    given = drug.derive({"CRCL": [50.0, np.nan], "SCR": [4.0, 4.0], "WT": [70.0, 70.0]})
    assert given.values["CRCL"] == pytest.approx([50, 25])
    assert given.computed == ("CRCL",)


def test_what_is_absent_stays_absent():
    drug = parse_drug(GOOD)
    assert drug.derive({"WT": 70.0}).missing == {"CRCL": ("SCR",), "SCR": ()}
    with pytest.raises(DomainError) as error:
        drug.typical({"WT": 70.0})
    assert "CRCL" in error.value.seen and "SCR" in error.value.wanted


def test_domain_findings_have_grades():
    drug = parse_drug(GOOD)
    assert drug.check_domain({"WT": 70.0, "CRCL": 80.0}) == []
    assert [f.message for f in drug.check_domain({"WT": 70.0, "CRCL": 20.0})] == ["kidneys too weak"]
    assert [(f.severity, f.subject) for f in drug.check_domain({"WT": 400.0, "CRCL": 80.0})] == [("hard", "WT")]
    missing = drug.check_domain({"WT": 70.0})
    assert [(f.severity, f.subject) for f in missing] == [("hard", "CRCL"), ("unknown", "CRCL")]
    worst_of_three = drug.check_domain({"WT": 70.0, "CRCL": [80.0, 20.0, 90.0]})
    assert [f.severity for f in worst_of_three] == ["hard"]


def test_a_parameter_at_or_below_zero_is_refused():
    drug = parse_drug(changed('"6 [L/h] * (CRCL / 100 [mL/min])"', '"6 [L/h] * (CRCL / 100 [mL/min] - 1)"'))
    assert drug.typical({"CRCL": 110.0, "WT": 70.0})[0, 0] == pytest.approx(0.6)
    with pytest.raises(DomainError):
        drug.typical({"CRCL": 100.0, "WT": 70.0})


def test_a_missing_file_is_an_error_of_ours(tmp_path):
    with pytest.raises(DrugFileError):
        read_drug(tmp_path / "nothing.toml")


def test_every_value_of_a_shipped_file_can_be_located():
    """Whatever is wrong with any expression of a real file, the message points at it: break each in turn."""
    text = (SHIPPED / "propofol.eleveld2018.toml").read_text(encoding="utf-8")
    for name in ("KE0", "EC50", "V1"):
        start = text.index("value = ", text.index(f"[parameters.{name}]")) + len('value = "')
        broken = text[:start] + "? " + text[start:]
        line = broken.count("\n", 0, start) + 1
        assert f":{line}:" in refusal(broken).where
