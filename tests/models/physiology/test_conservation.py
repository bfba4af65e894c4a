"""Nothing appears and nothing vanishes; nobody, however ill and however set, has a number that cannot be."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from tests.models.physiology.people import MODEL, QUIET, settings

from caretwin.models.physiology import conditions, fluids, gas_exchange, vasoactive
from caretwin.models.physiology.parameters import PERSONAL, Body
from caretwin.models.physiology.readings import COLUMNS, readings

RANDOM = np.random.default_rng(20260101)
PEOPLE = 10_000


def random_exchange(n, rng):
    """Anything from a resting volunteer to an arrest: flows down to nothing, shunt to 0.9."""
    u = rng.uniform
    return gas_exchange.Exchange(
        u(0.05, 1.0, n) * 713.0, u(0.0, 60.0, n), u(0.0, 30.0, n), u(0.01, 0.5, n), u(0.05, 0.6, n), u(0.0, 0.9, n),
        u(0.0, 15.0, n), u(0.2, 5.0, n), u(1.0, 7.0, n), u(2.0, 20.0, n), u(-0.3, 0.3, n), u(100.0, 600.0, n),
        u(80.0, 500.0, n),
    )  # fmt: skip


@pytest.mark.parametrize("minutes", [1 / 60, 1.0, 10.0])
def test_oxygen_and_carbon_dioxide_are_accounted_for_in_every_step(minutes):
    e = jax.tree.map(jnp.asarray, random_exchange(2000, np.random.default_rng(1)))

    @jax.jit
    @jax.vmap
    def follow(e):
        def step(stores, _):
            after, flow = gas_exchange.step(stores, e, minutes)
            oxygen = gas_exchange.oxygen_stored(after, e) - gas_exchange.oxygen_stored(stores, e)
            carbon = gas_exchange.carbon_dioxide_stored(after, e) - gas_exchange.carbon_dioxide_stored(stores, e)
            left_oxygen = oxygen - minutes * (flow.oxygen_uptake - flow.oxygen_used)
            left_carbon = carbon - minutes * (e.carbon_dioxide_production - flow.carbon_dioxide_output)
            scale = gas_exchange.oxygen_stored(stores, e), gas_exchange.carbon_dioxide_stored(stores, e)
            return after, (jnp.abs(left_oxygen) / scale[0], jnp.abs(left_carbon) / scale[1])

        return jax.lax.scan(step, gas_exchange.typical_stores(jnp.ones(())), None, length=60)[1]

    oxygen, carbon = follow(e)
    assert float(jnp.max(oxygen)) < 1e-9
    assert float(jnp.max(carbon)) < 1e-9


def test_fluid_given_is_in_the_body_or_was_bled_or_passed():
    rng = np.random.default_rng(2)
    n = 2000
    volumes = jax.vmap(fluids.start)(jnp.asarray(rng.uniform(3, 7, n)), jnp.asarray(rng.uniform(6, 16, n)))
    usual = fluids.blood_volume(volumes)
    into = out = jnp.zeros(n)
    whole = sum(volumes)
    for _ in range(200):
        given = fluids.Given(*(jnp.asarray(rng.uniform(0, 0.1, n) * (rng.uniform(size=n) < 0.3)) for _ in range(5)))
        minutes = float(rng.choice([0.1, 1.0, 5.0]))
        volumes, moved = fluids.step(volumes, given, usual, minutes)
        into = into + minutes * (given.crystalloid + given.colloid + given.red_cells)
        out = out + moved.bled + moved.urine
    assert float(jnp.max(jnp.abs(sum(volumes) - whole - into + out) / whole)) < 1e-12
    assert float(jnp.min(fluids.blood_volume(volumes))) > 0


def test_norepinephrine_given_is_in_the_body_or_was_cleared():
    rates = vasoactive.Infusions(*(jnp.asarray(v) for v in (0.3, 0, 0, 0, 0, 0, 0, 0)))
    drugs, weight, minutes = vasoactive.no_drugs(jnp.zeros(())), 82.0, 0.5
    size = weight / 70.0
    cleared = 0.0
    for _ in range(400):
        drugs = vasoactive.distribute(drugs, rates, weight, minutes)
        cleared += minutes * vasoactive.CLEARANCE * size**0.75 * drugs.central
    held = size * (vasoactive.CENTRAL_VOLUME * drugs.central + vasoactive.PERIPHERAL_VOLUME * drugs.peripheral)
    given = 0.3 * weight * minutes * 400
    assert float(abs(held + cleared - given)) < 1e-9 * given


def random_people(n, rng):
    """Bodies of every condition and severity, women and men, 40-150 kg."""
    names = [name for name in conditions.names()]
    shifts = []
    for _ in range(n):
        name = names[rng.integers(len(names))]
        shifts.append(conditions.shift(name, float(rng.uniform()), age=rng.uniform(20, 95), female=rng.uniform() < 0.5))
    height, female = rng.uniform(145, 205, n), rng.uniform(size=n) < 0.5
    ideal = np.where(female, 45.5, 50.0) + 0.91 * (height - 152.4)
    return Body(ideal, ideal * rng.uniform(0.7, 2.2, n), height, rng.uniform(20, 95, n), female * 1.0, np.array(shifts))


def random_settings(n, rng):
    """Anything a ventilator and pumps can be set to, each held for six hours; bleeding for one of them."""
    u = rng.uniform
    some = lambda share: rng.uniform(size=n) < share  # noqa: E731
    return settings(
        mode=rng.integers(0, 8, n).astype(float), fio2=u(0.21, 1.0, n), peep=u(0, 24, n), tidal_volume=u(0.15, 1.0, n),
        rate=u(4, 40, n), pressure=u(0, 35, n), inspiratory_fraction=u(0.1, 0.75, n), relaxed=some(0.5) * 1.0,
        norepinephrine=some(0.3) * u(0, 2, n), epinephrine=some(0.1) * u(0, 1, n), vasopressin=some(0.2) * u(0, 6, n),
        dobutamine=some(0.1) * u(0, 20, n), milrinone=some(0.1) * u(0, 1, n), propofol=some(0.4) * u(0, 6, n),
        phenylephrine=some(0.1) * u(0, 5, n), dopamine=some(0.1) * u(0, 20, n), crystalloid=some(0.3) * u(0, 0.02, n),
        colloid=some(0.1) * u(0, 0.005, n), red_cells=some(0.1) * u(0, 0.003, n), bleeding=some(0.2) * u(0, 0.01, n),
        temperature=u(32, 41, n), inspired_carbon_dioxide=some(0.1) * u(0, 50, n),
    )  # fmt: skip


POSSIBLE = {
    "heart_rate_per_min": (19, 221), "mean_arterial_pressure_mmHg": (0, 400), "central_venous_pressure_mmHg": (-20, 80),
    "cardiac_output_L_per_min": (0, 60), "arterial_oxygen_pressure_mmHg": (0, 713),
    "arterial_carbon_dioxide_pressure_mmHg": (0, 713), "arterial_ph": (5.9, 8.4), "oxygen_saturation_percent": (0, 100),
    "plateau_pressure_cmH2O": (0, 110), "tidal_volume_mL": (0, 8000), "shunt_fraction_percent": (0, 100),
    "lactate_mmol_per_L": (0, 400), "haemoglobin_g_per_dL": (0.4, 33), "creatinine_mg_per_dL": (0, 100),
    "blood_volume_L": (0, 40), "central_venous_saturation_percent": (0, 100), "open_lung_fraction_percent": (0, 100),
    "urine_output_mL_per_h": (0, 5000), "pulse_pressure_mmHg": (0, 800),
}  # fmt: skip
"""Bounds of what can be at all, not of what can be survived."""


@pytest.mark.slow
def test_ten_thousand_random_people_and_settings_for_a_day_stay_possible():
    rng = np.random.default_rng(3)
    people = jax.tree.map(jnp.asarray, random_people(PEOPLE, rng))
    theta = jnp.asarray(rng.standard_normal((PEOPLE, len(PERSONAL))))
    blocks = jax.tree.map(lambda *a: jnp.stack(a, 1), *(random_settings(PEOPLE, rng) for _ in range(4)))

    @jax.jit
    def day(theta, people, blocks):
        def one(theta, b, us):
            phi = (theta, b)

            def block(x, u):
                def hour(x, _):
                    x = MODEL.transition(phi, x, u, QUIET, 1.0)
                    return x, readings(MODEL, phi, x, u).values

                return jax.lax.scan(hour, x, None, length=6)

            x, values = jax.lax.scan(block, MODEL.initial(phi, QUIET), us)
            return x, values.reshape(24, -1)

        return jax.vmap(one)(theta, people, blocks)

    x, values = day(theta, people, blocks)
    values = np.asarray(values)
    wrong = {name: int(np.sum(~np.isfinite(values[:, :, i]))) for i, name in enumerate(COLUMNS)}
    assert not any(wrong.values()), wrong
    for name, (low, high) in POSSIBLE.items():
        column = values[:, :, COLUMNS.index(name)]
        assert low <= column.min() and column.max() <= high, (name, column.min(), column.max())
    for leaf in (*x.stores, *x.drugs, x.volumes.plasma, x.volumes.red_cells, *x.kidney, x.open_fraction):
        assert float(jnp.min(leaf)) >= 0.0


def test_same_person_same_plan_same_course_to_the_last_bit():
    people = jax.tree.map(jnp.asarray, random_people(64, np.random.default_rng(4)))
    u = random_settings(64, np.random.default_rng(5))
    run = jax.jit(jax.vmap(lambda b, u: _hours(b, u, 0.5, 6)))
    first, second = run(people, u), run(people, u)
    assert all(bool(jnp.all(a == b)) for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True))


def _hours(b, u, dt, count):
    phi = (jnp.zeros(len(PERSONAL)), b)
    return jax.lax.fori_loop(0, count, lambda _, x: MODEL.transition(phi, x, u, QUIET, dt), MODEL.initial(phi, QUIET))
