"""Sets D (propofol run), F (PKPDmap and NONMEM), G (Tucuxi) and J (PKPDsim): one number each from another program."""

import json

import jax
import numpy as np
import pytest

from caretwin.core.history import pad_rows
from caretwin.core.simulate import run
from caretwin.record.dosing import Dose, DosingRecord, Level
from caretwin.twin.dosing import bind
from caretwin.twin.population import estimate
from tests.paths import shared
from tests.reference.sets import SETS, area, curve, model, record, rows


def test_set_d_propofol_in_plasma_and_at_the_effect_site():
    # A man of 50 years, 70 kg, 171 cm with opioids: 140 mg at once and 420 mg/h; printed to four decimals.
    minutes = [1, 2, 5, 10, 30, 60]
    plasma = [13.2721, 8.4715, 3.8390, 3.0918, 3.2127, 3.3693]
    site = [2.3364, 3.4540, 4.1105, 3.6634, 3.1996, 3.3374]
    drug = model("propofol.eleveld2018")
    man = {"AGE": 50, "WT": 70, "HT": 171, "FEMALE": 0, "OPIOIDS": 1, "VENOUS": 0}
    twin = bind(drug, record([(0, 140, 0), (0, 420, 1)], (), man))
    theta = np.zeros(twin.model.prior.mean.shape[0])
    theta[drug.etas.index("KE0")] = np.log(0.146 / 0.146370)  # the table was made with the rounded rate
    histories = [pad_rows(twin.history(times=[m / 60]), 8) for m in minutes]
    histories = [h._replace(time=np.minimum(h.time, m / 60)) for h, m in zip(histories, minutes, strict=True)]
    stacked = jax.tree.map(lambda *leaves: np.stack(leaves), *histories)
    found = jax.jit(jax.vmap(run, (None, None, 0)))(twin.model, theta, stacked)
    factor = drug.channels["level"].factor
    assert np.asarray(found.predicted[:, -1, 0]) * factor == pytest.approx(plasma, rel=1e-4)
    assert np.asarray(found.end["effect_site"]) * factor == pytest.approx(site, rel=1e-4)


def test_set_f_estimates_of_nonmem_for_a_hundred_subjects():
    # 1.5e-3: NONMEM's table prints the population values with three digits. The issue asks for 5e-3.
    def table(name):
        lines = shared(*SETS, "F_pkpdmap_nonmem", name).read_text().splitlines()[2:]
        return np.array([[float(cell) for cell in line.split()] for line in lines if line.strip()])

    data, estimates = table("pktab1"), table("patab1")
    records, expected = [], []
    for subject in np.unique(data[:, 0]):
        mine = data[:, 0] == subject
        part = data[mine]
        doses = tuple(Dose(t, a) for t, a in part[part[:, 3] > 0][:, [1, 3]])
        levels = tuple(Level(t, v) for t, v in part[part[:, 5] == 0][:, [1, 2]])
        records.append(DosingRecord(f"{subject:g}", doses, levels))
        expected.append(estimates[mine][0, :2])
    found = estimate(model("pkpdmap_one_compartment"), records, jax.random.key(0))
    ours = np.array([[one.parameters["CL"], one.parameters["V1"]] for one in found])
    assert len(found) == 100
    assert ours == pytest.approx(np.array(expected), rel=1.5e-3)


def test_set_g_map_of_tucuxi_for_five_hundred_patients():
    # Two independent optimisers agree to 3.3e-7 on these; the tolerance leaves three times that.
    table = rows("G_tucuxi_map_2cpt_infusion", "tucuxi_map_first500.csv")
    header = {name: i for i, name in enumerate(table[0])}
    records = []
    for r in table[1:]:
        times, values = (list(map(float, r[header[c]].split(";"))) for c in ("t_h", "conc_ug_per_L"))
        doses = tuple(Dose(t, 400.0, None, 1.0) for t in (0.0, 24.0, 48.0))
        records.append(DosingRecord(r[0], doses, tuple(map(Level, times, values))))
    found = estimate(model("tucuxi_two_compartments"), records, jax.random.key(0))
    ours = np.array([[one.parameters[p] for p in ("CL", "V1", "V2")] for one in found])
    theirs = np.array([[float(r[header[f"scipy_{p}"]]) for p in ("CL", "V1", "V2")] for r in table[1:]])
    assert len(found) == 500 and all(one.reliable for one in found)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_set_j_daily_areas_of_pkpdsim():
    expected = json.loads(shared(*SETS, "J_pkpdsim", "expected_auc.json").read_text())
    typical = {"CL": 4.0, "V1": 70.0, "V2": 50.0}
    wanted = {"CL": expected["CL_L_h"], "V1": expected["V1_L"], "V2": expected["V2_L"]}
    eta = {name: np.log(wanted[name] / typical[name]) for name in typical}
    days = [24.0 * i for i in range(11)]
    # Thomson's model has this Q, 2.28 L/h; the other parameters are set by its random effects.
    drug = "vancomycin.thomson2009"
    covariates = {"CRCL": 67.0, "WT": 70.0}
    base = dict(zip(model(drug).structure.parameters, model(drug).typical(covariates)[0], strict=True))
    assert base["Q2"] == pytest.approx(2.28)
    eta = {name: float(np.log(wanted[name] / base[name])) for name in wanted}
    times, _, areas, _ = curve(drug, eta, [(t, 1500, 1) for t in days[:-1]], days, covariates)
    found = [area(times, areas, t, t + 24) for t in days[:-1]]
    assert found == pytest.approx(expected["daily_AUC_mg_h_L"], abs=1e-3)
