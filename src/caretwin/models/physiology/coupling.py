"""How lung, gases, circulation, drugs, fluids and kidney act on each other: the present, and one implicit part of time.

Cycle-averaged: nothing beats or breathes, every breath and every heart cycle is in closed form, and each store is
advanced implicitly. Everything is for one particle. Limits: no pulsatile waves, no left-right asymmetry, no valve
disease, no arrhythmia, no renal replacement, nitrogen always in balance.
"""

import jax
import jax.numpy as jnp

from caretwin.models.physiology import (
    baroreflex,
    blood_gas,
    fluids,
    gas_exchange,
    kidney,
    lung,
    vasoactive,
)
from caretwin.models.physiology import respiratory_drive as drive_
from caretwin.models.physiology.bedside_state import Now, Settings, State
from caretwin.models.physiology.individual import Values
from caretwin.models.physiology.parameters import Body
from caretwin.models.physiology.present_breath import awake_now, breath_now, envelope_now
from caretwin.models.physiology.present_circulation import circulation_now, reflex, usual_blood
from caretwin.models.physiology.present_exchange import base_excess_now, exchange_now


def present(v: Values, body: Body, x: State, u: Settings) -> Now:
    """Breath, circulation and gases at this instant."""
    breath = breath_now(v, body, x, u)
    flow, rate = circulation_now(v, body, x, u, breath, x.signals)
    exchange = exchange_now(v, body, x, u, breath, flow)
    arterial = gas_exchange.blood(x.stores, exchange)
    gas = blood_gas.blood_from_contents(
        arterial.arterial_oxygen,
        arterial.arterial_carbon_dioxide,
        base_excess_now(v, x),
        exchange.haemoglobin,
        u.temperature,
    )
    bounds = envelope_now(v, u, breath)
    return Now(breath, exchange, flow, rate, arterial, gas, v, bounds)


def advance(v: Values, body: Body, x: State, u: Settings, minutes) -> State:
    """One implicit part of at most a minute or so: breath, lung, vessels, gases, fluids, kidney, in this order."""
    dtype = x.arterial.dtype
    breath = breath_now(v, body, x, u)
    bounds = envelope_now(v, u, breath)
    x = x._replace(
        open_fraction=lung.open_fraction(x.open_fraction, bounds, minutes),
        drugs=vasoactive.distribute(x.drugs, u.infusions, body.weight, minutes, body.age),
    )
    blood_usual = usual_blood(body)
    # Pressure answers to the blood there is at the end of the part, not at its start; urine follows with the pressure.
    given = fluids.Given(u.crystalloid, u.colloid, u.red_cells, u.bleeding, jnp.zeros_like(x.arterial))
    ahead = x._replace(volumes=fluids.step(x.volumes, given, blood_usual, minutes)[0])
    signals, flow = reflex(v, body, ahead, u, breath, minutes)
    set_point = baroreflex.reset(x.set_point, v.arterial_pressure, flow.arterial_pressure, minutes)
    x = x._replace(signals=signals, arterial=flow.arterial_pressure, set_point=set_point)
    exchange = exchange_now(v, body, x, u, breath, flow)
    stores, blood = gas_exchange.step(x.stores, exchange, minutes)
    filtration = kidney.filtration_share(flow.arterial_pressure, flow.venous_pressure)
    filling_signal = v.baroreflex * signals.cardiopulmonary
    urine = kidney.urine(filtration, v.urine_flow, x.volumes.plasma_excess, filling_signal)
    missing = 1.0 - blood.oxygen_used / exchange.oxygen_consumption
    given = given._replace(urine_above_usual=jnp.maximum(urine - v.urine_flow, 0.0) / 1000.0)
    volumes, _ = fluids.step(x.volumes, given, blood_usual, minutes)
    after = x._replace(
        stores=stores,
        volumes=volumes,
        drive=drive_.follow(
            x.drive,
            _arterial_oxygen_pressure(blood.arterial_oxygen, exchange),
            blood.arterial_carbon_dioxide,
            v.carbon_dioxide_set + drive_.metabolic_shift(base_excess_now(v, x)),
            v.chemoreflex * awake_now(v, body, x, u),
            minutes,
        ),
        kidney=kidney.step(
            x.kidney,
            v.filtration * filtration,
            v.creatinine_production,
            body.weight,
            v.lactate_production,
            missing,
            1.0 - stores.venous_oxygen / jnp.maximum(blood.arterial_oxygen, 1.0),
            minutes,
        ),
    )
    return jax.tree.map(lambda leaf: leaf.astype(dtype), after)


def _arterial_oxygen_pressure(content, exchange):
    bound = jnp.clip(content / (blood_gas.HUFNER * exchange.haemoglobin), 0.02, 0.985)
    return blood_gas.oxygen_pressure_at(bound) * jnp.exp(exchange.curve_shift)
