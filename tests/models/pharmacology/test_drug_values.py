"""Every drug file gives the numbers of its sources, in two ways of calculating, and knows its limits."""

import importlib.util
import inspect
from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from tests.paths import ROOT

from caretwin.base.errors import DomainError
from caretwin.models.pharmacology.assembly import dynamics
from caretwin.models.pharmacology.drug_file import load_shipped, parse_drug, read_drug
from caretwin.models.pharmacology.expression import parse

REFERENCE = sorted((ROOT / "evidence" / "dosing" / "reference").glob("*.toml"))
SHIPPED = load_shipped()


def _plain():
    spec = importlib.util.spec_from_file_location("plain", ROOT / "evidence" / "dosing" / "plain_parameters.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PLAIN = _plain()
EVERY = [*SHIPPED.values(), *(read_drug(path) for path in REFERENCE)]
VECTORS = [pytest.param(drug, vector, id=f"{drug.name}: {vector.name}") for drug in EVERY for vector in drug.tests]
each_drug = pytest.mark.parametrize("drug", EVERY, ids=lambda d: d.name)


def declared(drug, canonical):
    """Parameters in the units of the file, by name."""
    names = drug.structure.parameters
    return {n: float(v) / drug.parameters[n].factor for n, v in zip(names, canonical, strict=True)}


@pytest.mark.parametrize("drug, vector", VECTORS)
def test_a_file_meets_its_own_checks(drug, vector):
    known = drug.derive(vector.covariates)
    eta = np.array([vector.eta.get(name, 0.0) for name in drug.etas])
    columns = np.array([known.values[name] for name in drug.covariate_names])
    found = declared(drug, drug.individual(eta, columns, None, np))
    for name, expected in vector.parameters.items():
        assert found[name] == pytest.approx(expected, rel=vector.tolerance, abs=1e-12), name
    if not vector.eta:
        assert drug.typical(vector.covariates)[0] == pytest.approx(drug.individual(eta, columns, None, np), rel=1e-13)


# Where a covariate lies in a plausible patient; file and plain function must agree everywhere in between.
RANGES = {
    "CRCL": (20, 140), "CRCL_URINE": (20, 140), "CRCL_FFM": (20, 140), "CRCL_LBM": (20, 140),
    "CRCL_BSA": (20, 140), "EGFR": (20, 140), "CLCR4H": (20, 140), "WT": (50, 110), "AGE": (20, 75),
    "PMA": (24, 60), "SCR": (0.5, 4), "FFM": (35, 75), "LBM": (35, 75), "BSA": (1.5, 2.4), "HT": (150, 195),
    "PF": (80, 400), "TDD": (300, 1500), "APACHE2": (6, 34), "INR_BASE": (0.9, 1.3), "CPROP": (0, 5),
    "APGAR": (1, 10), "AAG": (0.4, 3), "VKORC1_A": (1, 2.99), "CYP2C9_2": (0, 1.99), "CYP2C9_3": (0, 0.99),
}  # fmt: skip
SPECIAL = {("vancomycin.colin2019", "PMA"): (0.6, 80), ("propofol.eleveld2018", "PMA"): (1000, 4000)}
SPECIAL |= {(name, "SCR"): (60, 300) for name in ("piperacillin.obrinkhansen2015", "tobramycin.hennig2013")}
SPECIAL |= {("remifentanil.minto1997", "AGE"): (20, 80), ("vancomycin.le2014", "AGE"): (1, 17)}
PLAIN_OF = {name: getattr(PLAIN, name.replace(".", "_")) for name in SHIPPED}


def patient(drug, names, luck):
    values = {}
    for name in names:
        low, high = SPECIAL.get((drug.name, name), RANGES.get(name, (0, 1.999)))
        values[name] = luck.uniform(low, high)
        if name not in RANGES or name.startswith(("CYP", "VKORC")):  # flags and counts
            values[name] = float(int(values[name]))
    return values


@pytest.mark.parametrize("name", SHIPPED)
def test_the_file_agrees_with_a_second_calculation_for_any_patient(name):
    drug, plain = SHIPPED[name], PLAIN_OF[name]
    luck = np.random.default_rng(7)
    names = list(inspect.signature(plain).parameters)
    assert set(names) == set(drug.covariate_names), "the plain function must use the same covariates"
    for _ in range(20):
        covariates = patient(drug, names, luck)
        found = declared(drug, drug.typical(covariates)[0])
        expected = plain(**covariates)
        minutes = name == "morphine.stanpumpr"  # written in 1/min there, in L/h in the file
        for parameter, value in expected.items():
            value = value * 60 if minutes and parameter in ("CL", "Q2", "Q3") else value
            assert found[parameter] == pytest.approx(value, rel=1e-12, abs=1e-12), parameter


@each_drug
def test_a_file_says_where_it_comes_from(drug):
    assert drug.source and drug.checked and drug.population and drug.grade_reason
    assert all(p.unit for p in drug.parameters.values())
    assert all(c.unit and c.description for c in drug.covariates.values())
    assert drug.tests, "a file carries its own checks"
    assert all(t.source or t.assumed for t in (*drug.targets, *drug.limits))
    assert all(rule.message for rule in drug.domain)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_drug_can_be_dosed(name):
    drug = SHIPPED[name]
    assert drug.targets and drug.practical and drug.practical.doses.values
    assert sum(t.default for t in drug.targets) == 1, "exactly one target is the default"


@each_drug
def test_random_effects_have_a_covariance(drug):
    assert drug.omega.shape == (len(drug.etas), len(drug.etas))
    assert np.array_equal(drug.omega, drug.omega.T)
    assert np.linalg.eigvalsh(drug.omega)[0] > 0
    for name, variance in zip(drug.etas, np.diag(drug.omega), strict=True):
        assert variance == drug.parameters[name].variability.variance


def middle(drug):
    """A plausible patient of any drug."""
    covariates = dict(drug.tests[0].covariates)
    known = drug.derive(covariates)
    return covariates, np.array([known.values[name] for name in drug.covariate_names])


@each_drug
def test_log_loading_is_what_the_formulas_do(drug):
    """individual = sum of exp(log typical + B eta) over terms; None exactly for those known not to be of that form."""
    loading = drug.log_loading()
    by_formula, sums = {"norepinephrine.li2024"}, {"digoxin.jelliffe2014", "vancomycin.carreno2017"}
    assert (loading is None) == (drug.name in by_formula)
    if loading is None:
        return
    covariates, columns = middle(drug)
    eta = np.random.default_rng(3).normal(size=len(drug.etas))
    kappa = np.random.default_rng(4).normal(size=len(drug.occasion_etas))
    shift = loading @ eta + drug.occasion_loading() @ kappa
    expected = np.exp(drug.log_typical(covariates)[0] + shift).sum(axis=0)
    assert len(loading) == (2 if drug.name in sums else 1)
    assert np.allclose(drug.individual(eta, columns, kappa, np), expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ["vancomycin.carreno2017", "norepinephrine.li2024", "vancomycin.colin2019"])
def test_individual_is_the_same_in_jax(name):
    drug = SHIPPED[name]
    _, columns = middle(drug)
    eta = np.linspace(-0.3, 0.4, len(drug.etas))
    assert np.allclose(
        drug.individual(jnp.asarray(eta), jnp.asarray(columns)),
        drug.individual(eta, columns, None, np),
        rtol=1e-12,
    )


def test_an_additive_effect_adds():
    """Propofol slope of norepinephrine: eta adds to the slope, so it acts only when there is propofol."""
    drug = SHIPPED["norepinephrine.li2024"]
    eta = np.zeros(5)
    eta[drug.etas.index("PROPOFOL_SLOPE")] = 0.01  # mL/ug
    for propofol in (0.0, 3.0):
        columns = np.array([{"WT": 70.0, "AGE": 35.0, "CPROP": propofol}[n] for n in drug.covariate_names])
        ratio = drug.individual(eta, columns, None, np)[0] / drug.individual(0 * eta, columns, None, np)[0]
        assert ratio == pytest.approx(np.exp(0.01 * propofol), rel=1e-12)


def filtration(drug):
    """The covariate by which a drug knows the kidneys' clearance, or None."""
    return next((n for n in drug.covariate_names if n.startswith("CRCL") or n in ("EGFR", "CLCR4H")), None)


@pytest.mark.parametrize("name", [n for n, d in SHIPPED.items() if filtration(d)])
def test_better_kidneys_clear_more(name):
    drug = SHIPPED[name]
    covariates, _ = middle(drug)
    known = drug.derive(covariates).values
    clearance = [
        drug.typical({**known, filtration(drug): c})[0, drug.structure.parameters.index("CL")]
        for c in (30.0, 60.0, 90.0, 120.0)
    ]
    assert np.all(np.diff(clearance) > 0)


FROM_CREATININE = [n for n, d in SHIPPED.items() if filtration(d) and d.covariates[filtration(d)].derived]


@pytest.mark.parametrize("name", FROM_CREATININE)
def test_a_higher_creatinine_clears_less(name):
    drug = SHIPPED[name]
    base = {"AGE": 60.0, "WT": 80.0, "HT": 175.0, "FEMALE": 0.0, "DIAL": 0.0, "TDD": 600.0}
    clearance = [drug.typical({**base, "SCR": s})[0, 0] for s in (0.8, 1.5, 3.0)]
    assert clearance[0] > clearance[1] > clearance[2]


def test_a_clearance_measured_in_urine_is_not_replaced_by_a_computed_one():
    drug = SHIPPED["vancomycin.roberts2011"]
    known = drug.derive({"SCR": 1.0, "AGE": 60.0, "WT": 70.0, "FEMALE": 0.0, "CRCL": 90.0})
    assert known.missing["CRCL_URINE"] == ()


def test_clearances_of_different_kinds_have_different_names():
    """A Cockcroft-Gault of total weight given as CRCL must not pass for one of lean weight or per surface."""
    kinds = {}
    for drug in SHIPPED.values():
        name = filtration(drug)
        if name is not None:
            kinds.setdefault(name, set()).add((drug.covariates[name].kind, drug.covariates[name].unit))
    assert {name: len(found) for name, found in kinds.items()} == dict.fromkeys(kinds, 1)


def severities(name, **covariates):
    return {f.severity for f in SHIPPED[name].check_domain(covariates)}


def test_warfarin_is_refused_for_gg_carriers():
    someone = dict(CYP2C9_2=0, CYP2C9_3=0, AGE=70, WT=60, AMIODARONE=0, INR_BASE=1.1, HAN=1)
    assert "hard" in severities("warfarin.xia2024", VKORC1_A=0, **someone)
    assert severities("warfarin.xia2024", VKORC1_A=2, **someone) == set()


def test_an_unknown_genotype_is_asked_for_and_never_assumed():
    someone = dict(CYP2C9_2=0, CYP2C9_3=0, AGE=70, WT=60, AMIODARONE=0, INR_BASE=1.1)
    with pytest.raises(DomainError, match="VKORC1_A"):
        SHIPPED["warfarin.xia2024"].typical(someone)


@pytest.mark.parametrize("female, bmi", [(0.0, 43.5), (1.0, 36.6)])
@pytest.mark.parametrize("name", ["propofol.schnider1998", "remifentanil.minto1997"])
def test_lean_body_mass_is_refused_where_its_formula_falls(name, female, bmi):
    big = {"AGE": 50.0, "WT": bmi * 1.7**2, "HT": 170.0, "FEMALE": female}
    assert "hard" in severities(name, **big)
    with pytest.raises(DomainError, match="LBM"):
        SHIPPED[name].typical(big)
    SHIPPED[name].typical({**big, "WT": (bmi - 1) * 1.7**2})


def test_renal_replacement_blocks_models_built_on_creatinine():
    someone = dict(CRCL=60, WT=70, DIAL=0, AGE=60)
    assert severities("vancomycin.goti2018", **someone, CRRT=1) == {"hard"}
    assert severities("vancomycin.goti2018", **someone, CRRT=0) == set()
    assert severities("vancomycin.goti2018", **someone) == {"unknown"}


def test_creatinine_in_the_wrong_unit_is_noticed():
    """80 umol/L written as mg/dL is not believable."""
    first, *_ = SHIPPED["vancomycin.goti2018"].check_domain(dict(SCR=80, AGE=60, WT=70, FEMALE=0, DIAL=0, CRRT=0))
    assert (first.severity, first.subject) == ("hard", "SCR")


def test_additive_covariate_models_stop_before_they_reach_zero():
    assert "hard" in severities("piperacillin.obrinkhansen2015", SCR=500, CRRT=0)
    assert "hard" in severities("midazolam.swart2004", AGE=60, APACHE2=41, ALCOHOL=0, RENAL_FAILURE=0)
    with pytest.raises(DomainError):
        SHIPPED["piperacillin.obrinkhansen2015"].typical({"SCR": 498.0})


def test_assumptions_are_listed_where_the_source_is_silent():
    for name in ("gentamicin.abbasi2023", "tobramycin.hennig2013", "digoxin.jelliffe2014"):
        assert any("residual error" in sentence for sentence in SHIPPED[name].assumptions), name
    for name in ("meropenem.li2006", "tobramycin.hennig2013", "midazolam.stanpumpr", "propofol.marsh"):
        assert any("variability assumed" in sentence for sentence in SHIPPED[name].assumptions), name
    assert SHIPPED["vancomycin.goti2018"].assumptions == ()


def test_propofol_variances_are_squares_of_the_printed_numbers():
    """The control stream's variances, quoted by a third implementation: .372531 for V1 is .610 squared."""
    drug = SHIPPED["propofol.eleveld2018"]
    stream = dict(V1=0.372531, V2=0.319203, V3=0.356362, CL=0.0702216, Q2=0.11998, Q3=0.0436006)
    stream |= dict(KE0=0.492493, EC50=0.0584127)
    for name, variance in stream.items():
        assert drug.parameters[name].variability.variance == pytest.approx(variance, rel=3e-3)  # three digits printed


def test_files_are_read_only_when_asked_for():
    shelf = load_shipped.__wrapped__()
    assert "vancomycin.goti2018" in shelf and len(shelf) == len(SHIPPED)
    assert not shelf._read
    assert set(shelf.of("meropenem")) == {"meropenem.gijsen2022", "meropenem.li2006"}
    assert set(shelf._read) == set(shelf.of("meropenem"))


@pytest.mark.parametrize(
    "definition",
    [
        '[definitions]\nSLOPE = "0.03 [L/h] / 1 [mL/min] * (CRCL - 100 [mL/min])"\n',
        '[parameters.SLOPE]\nvalue = "0.03 [L/h] / 1 [mL/min] * (CRCL - 100 [mL/min])"\nunit = "L/h"\n',
    ],
    ids=["definition", "parameter"],
)
def test_a_part_that_could_be_negative_is_left_to_the_formula(definition):
    text = (ROOT / "examples" / "examplamicin.toml").read_text()
    text = text[: text.index("[[test]]")].replace('"4 [L/h] * CRCL / 100 [mL/min]"', '"CLA + SLOPE"')
    clearance = '[parameters.CLA]\nvalue = "4 [L/h]"\nunit = "L/h"\nomega2 = 0.09\n'
    drug = parse_drug(text + definition + clearance)
    assert drug.log_loading() is None
    eta = np.array([{"CLA": 0.5}.get(name, 0.0) for name in drug.etas])
    values = np.array([{"CRCL": 50.0, "WT": 80.0}[name] for name in drug.covariate_names])
    assert drug.individual(eta, values, None, np)[0] == pytest.approx(4 * np.exp(0.5) - 1.5)


def test_a_changed_shared_formula_is_another_program_although_the_file_reads_the_same():
    drug = SHIPPED["norepinephrine.li2024"]
    clearance = drug.parameters["CL"]
    text = clearance.value.text
    changed = replace(clearance, value=replace(clearance.value, tree=parse(f"2 * ({text})").tree))
    other = replace(drug, parameters={**drug.parameters, "CL": changed})
    assert changed.value.text == text
    assert dynamics(other).individualise.formula != dynamics(drug).individualise.formula
    assert dynamics(replace(drug)).individualise.formula == dynamics(drug).individualise.formula
