"""Claims about units: reference factors, kinds that must not mix, and spellings seen in charts."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
import ucumvert

from caretwin.base.errors import DataError, UnitError
from caretwin.base.spellings import ACCEPTED, COMMON, REFUSED
from caretwin.base.substances import substances
from caretwin.base.units import compatible, convert, dimension, parse, suggest, to_base_factor

# Exact by definition (SI brochure; NIST SP 811, 2008, app. B), so equality to the last bits.
FACTORS = [
    (1.0, "[lb_av]", "kg", 0.45359237),
    (1.0, "[in_i]", "cm", 2.54),
    (1.0, "mm[Hg]", "Pa", 133.322387415),
    (1.0, "a", "d", 365.25),
    (1.0, "wk", "h", 168.0),
    (1.0, "L/h", "mL/min", 1000 / 60),
    (7.0, "mg", "g", 0.007),
    (1.0, "ug/mL", "mg/L", 1.0),
    (1.0, "10*9/L", "10*3/uL", 1.0),
    (37.0, "Cel", "K", 310.15),
    (100.4, "[degF]", "Cel", 38.0),
    (37.0, "Cel", "[degF]", 98.6),
    (120.0, "ug/kg/min", "mg/kg/h", 7.2),
    (1.0, "U/L", "ukat/L", 1 / 60),
    (98.0665, "Pa", "cm[H2O]", 1.0),
]


@pytest.mark.parametrize("value, source, target, expected", FACTORS)
def test_conversion_by_definition(value, source, target, expected):
    assert convert(value, source, target) == pytest.approx(expected, rel=4e-16)


@pytest.mark.parametrize("value, source, target, expected", FACTORS)
def test_there_and_back_is_where_one_started(value, source, target, expected):
    assert convert(convert(value, source, target), target, source) == pytest.approx(value, rel=1e-15)


# Laboratory handbook factors, each known to the digits printed: creatinine 88.4, glucose 18.02 (18.0),
# urea nitrogen 0.357, bilirubin 17.1, lithium: one charge, calcium: two.
@pytest.mark.parametrize(
    "substance, value, source, target, expected, tolerance",
    [
        ("creatinine", 1.0, "mg/dL", "umol/L", 88.4, 0.05),
        ("glucose", 5.55, "mmol/L", "mg/dL", 100.0, 0.05),
        ("urea nitrogen", 1.0, "mg/dL", "mmol/L", 0.357, 0.0005),
        ("bilirubin", 1.0, "mg/dL", "umol/L", 17.1, 0.05),
        ("digoxin", 1.0, "ng/mL", "nmol/L", 1.28, 0.005),
        ("phenytoin", 1.0, "mg/L", "umol/L", 3.96, 0.005),
        ("lithium", 0.8, "mmol/L", "meq/L", 0.8, 1e-12),
        ("calcium", 1.0, "mmol/L", "meq/L", 2.0, 1e-12),
        ("calcium", 10.0, "mg/dL", "meq/L", 4.99, 0.005),
        ("Vancomycin", 1449.3, "mg", "mmol", 1.0, 1e-4),
    ],
)
def test_mass_amount_and_charge_of_a_named_substance(substance, value, source, target, expected, tolerance):
    assert convert(value, source, target, substance=substance) == pytest.approx(expected, abs=tolerance)


# Molar masses as PubChem prints them (g/mol). Half a unit of the last digit there, and one more for the newer
# atomic weights that we use.
@pytest.mark.parametrize(
    "name, printed, tolerance",
    [
        ("creatinine", 113.12, 0.01),
        ("glucose", 180.156, 0.002),
        ("urea", 60.056, 0.002),
        ("vancomycin", 1449.3, 0.1),
        ("lithium carbonate", 73.9, 0.06),
        ("digoxin", 780.9, 0.1),
        ("phenytoin", 252.27, 0.01),
        ("norepinephrine", 169.18, 0.01),
        ("morphine", 285.34, 0.01),
        ("meropenem", 383.5, 0.1),
        ("piperacillin", 517.6, 0.1),
        ("amikacin", 585.6, 0.1),
        ("warfarin", 308.3, 0.1),
        ("midazolam", 325.8, 0.1),
        ("propofol", 178.27, 0.01),
        ("remifentanil", 376.4, 0.1),
    ],
)
def test_molar_mass_agrees_with_the_printed_one(name, printed, tolerance):
    assert float(substances()[name].molar_mass) * 1000 == pytest.approx(printed, abs=tolerance)


@pytest.mark.parametrize(
    "source, target, fix",
    [
        ("mg/L", "umol/L", "name the substance"),
        ("mmol/L", "meq/L", "name the substance"),
        ("[iU]", "mg", "international units have no fixed mass"),
        ("[iU]", "U", "international units have no fixed mass"),
        ("mL/min/{1.73_m2}", "mL/min", "the patient's own body surface"),
        ("mosm/kg", "mmol/kg", "check that the unit belongs to this value"),
        ("h", "kg", "check that the unit belongs to this value"),
    ],
)
def test_what_measures_different_things_is_not_converted(source, target, fix):
    assert not compatible(source, target)
    with pytest.raises(UnitError) as caught:
        convert(1.0, source, target)
    assert fix in caught.value.fix and source in caught.value.seen and target in caught.value.wanted


def test_a_substance_opens_only_the_way_between_mass_and_amount():
    assert compatible("mg/dL", "umol/L", substance="creatinine")
    assert not compatible("mg/dL", "umol", substance="creatinine")
    assert not compatible("[iU]", "mg", substance="glucose")
    with pytest.raises(UnitError, match="charge"):
        convert(1.0, "mg/dL", "meq/L", substance="creatinine")
    with pytest.raises(UnitError, match="formula"):
        convert(1.0, "mg/L", "umol/L", substance="gentamicin")


def test_indexed_clearance_is_per_surface_however_it_is_written():
    spellings = [
        "mL/min/{1.73_m2}",
        "mL/min/1.73m2",
        "mL/min/1.73 m^2",
        "mL/min/{1.73m2}",
        "mL/min/(1.73.m2)",
    ]
    assert len({parse(text) for text in spellings}) == 1
    assert convert(100.0, spellings[0], "mL/min/m2") == pytest.approx(100 / 1.73, rel=1e-15)
    assert parse(parse(spellings[1]).code) == parse(spellings[1])


@pytest.mark.parametrize("spelling, code", ACCEPTED.items())
def test_every_accepted_spelling_means_its_code(spelling, code):
    assert parse(spelling) == parse(code)


@pytest.mark.parametrize(
    "spelling, code",
    [
        ("µg/L", "ug/L"), ("μmol/L", "umol/L"), ("mcg/kg/hr", "ug/kg/h"), ("mg / L", "mg/L"),
        ("mg/l", "mg/L"), ("mg*h/L", "mg.h/L"), ("mmHg", "mm[Hg]"), ("mm Hg", "mm[Hg]"),
        ("cm H2O", "cm[H2O]"), ("cmH2O", "cm[H2O]"),
        ("kg/m²", "kg/m2"), ("kg/m^2", "kg/m2"), ("K/uL", "10*3/uL"), ("k/uL", "10*3/uL"), ("mEq/L", "meq/L"),
        ("IU/L", "[iU]/L"), ("mg/mins", "mg/min"), (" lbs ", "[lb_av]"),
    ],
)  # fmt: skip
def test_compound_bedside_spellings(spelling, code):
    assert parse(spelling) == parse(code)


@pytest.mark.parametrize("spelling", REFUSED)
def test_every_ambiguous_spelling_is_refused_with_a_fix(spelling):
    for text in (spelling, f"{spelling}/h"):
        with pytest.raises(UnitError, match="one meaning") as caught:
            parse(text)
        assert caught.value.fix.startswith(("write", "find"))


@pytest.mark.parametrize(
    "text, fix",
    [
        ("UMOL/L", "write umol/L"),
        ("Cel/h", "write K/h"),
        ("1.5.mg", "ucum.org"),
        ("dB", "where it is measured"),
        ("[degRe]", "where it is measured"),
        ("", "ucum.org"),
        ("teaspoons", "ucum.org"),
        ("mgL", "write mg/L"),
    ],
)
def test_what_cannot_be_read_is_an_error_with_a_fix(text, fix):
    with pytest.raises(UnitError) as caught:
        parse(text)
    assert fix in caught.value.fix


def test_a_suggestion_is_close_or_absent():
    assert suggest("MMOL/L") == "mmol/L"
    assert suggest("ug/kg-min") == "ug/kg/min"
    assert suggest("xyzzy") is None


@pytest.mark.parametrize("code", COMMON)
def test_every_suggested_code_can_be_read(code):
    assert parse(code).factor > 0


def arbitrary_codes():
    essence = (Path(ucumvert.__file__).parent / "vendor" / "ucum-essence.xml").read_text()
    tags = [tag for tag in re.findall(r"<unit ([^>]*)>", essence) if 'isArbitrary="yes"' in tag]
    return [re.search(r'\bCode="([^"]*)"', tag).group(1) for tag in tags]


def test_no_arbitrary_unit_of_ucum_passes_for_a_number_or_for_another():
    codes = arbitrary_codes()
    assert len(codes) > 30
    kinds = [tuple(dimension(code).items()) for code in codes if code != "[IU]"]  # [IU] and [iU] are one
    assert () not in kinds
    assert len(set(kinds)) == len(kinds)


def test_dimension_and_base_factor():
    assert dict(dimension("mg/L")) == {"mass": 1, "length": -3}
    assert dict(dimension("ug/kg/min")) == {"time": -1}
    assert dict(dimension("{score}")) == dict(dimension("%")) == {}
    assert dict(dimension("[pH]")) == {"pH": 1}
    assert to_base_factor("mg/L") == 1e-3
    assert to_base_factor("mL/min") == pytest.approx(1e-6 / 60, rel=1e-16)
    with pytest.raises(UnitError, match="zero of its own"):
        to_base_factor("Cel")


def test_absent_stays_absent_and_infinite_is_an_error():
    assert math.isnan(convert(math.nan, "mg/L", "g/L"))
    np.testing.assert_array_equal(convert(np.array([[1.0, np.nan]]), "mL/min", "L/h"), np.array([[0.06, np.nan]]))
    for value in (math.inf, np.array([1.0, -np.inf])):
        with pytest.raises(DataError, match="infinite"):
            convert(value, "mg/L", "g/L")


def test_conversion_leaves_its_argument_alone_and_takes_whole_numbers():
    given = np.array([1, 2])
    assert convert(given, "g", "mg").tolist() == [1000.0, 2000.0]
    assert given.tolist() == [1, 2]
    assert convert(2, "g", "mg") == 2000.0


def test_the_table_of_everyday_units_says_what_the_library_says() -> None:
    from caretwin.base.ucum import _common, by_library

    assert len(_common()) > 50
    assert [code for code, unit in _common().items() if by_library(code) != unit] == []
