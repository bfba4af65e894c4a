"""What the bedside model is told, what it stores, and what follows from both at an instant."""

from typing import NamedTuple

from jaxtyping import Array, Float

from caretwin.models.physiology import (
    baroreflex,
    blood_gas,
    circulation,
    fluids,
    gas_exchange,
    kidney,
    lung,
    vasoactive,
)
from caretwin.models.physiology import respiratory_drive as drive_
from caretwin.models.physiology.breath import Breath
from caretwin.models.physiology.individual import Values


class Settings(NamedTuple):
    """What is set and given: the inputs, held constant over a step.

    mode                   0 breathes alone, 1-6 ventilator modes as in the bedside record
    fio2 (0.21-1), peep cmH2O, tidal_volume L, rate 1/min, pressure cmH2O above PEEP, inspiratory_fraction (0: unknown)
    relaxed                1 while a muscle relaxant works
    infusions              see :class:`vasoactive.Infusions`
    crystalloid, colloid, red_cells, bleeding   L/min
    temperature degC; inspired_carbon_dioxide mmHg
    """

    mode: Float[Array, ""]
    fio2: Float[Array, ""]
    peep: Float[Array, ""]
    tidal_volume: Float[Array, ""]
    rate: Float[Array, ""]
    pressure: Float[Array, ""]
    inspiratory_fraction: Float[Array, ""]
    relaxed: Float[Array, ""]
    infusions: vasoactive.Infusions
    crystalloid: Float[Array, ""]
    colloid: Float[Array, ""]
    red_cells: Float[Array, ""]
    bleeding: Float[Array, ""]
    temperature: Float[Array, ""]
    inspired_carbon_dioxide: Float[Array, ""]


class State(NamedTuple):
    """Everything that changes; units in the parts' own modules.

    wander, flutter      standard normal deviations of personal parameters, slow and fast
    open_fraction            0-1, of the collapsible lung
    set_point, arterial      mmHg: where the baroreflex aims, and the pressure of the last part
    unrest                   variance of flutter and of measurement error over the usual, by channel of UNREST
    """

    wander: Float[Array, " K"]
    flutter: Float[Array, " J"]
    open_fraction: Float[Array, ""]
    stores: gas_exchange.Stores
    signals: baroreflex.Signals
    set_point: Float[Array, ""]
    arterial: Float[Array, ""]
    drugs: vasoactive.Drugs
    volumes: fluids.Volumes
    drive: drive_.Drive
    kidney: kidney.Kidney
    unrest: Float[Array, " 4"]


class Now(NamedTuple):
    """What follows from state and inputs at this instant, and feeds both the next step and the channels."""

    breath: Breath
    exchange: gas_exchange.Exchange
    flow: circulation.Flow
    heart_rate: Float[Array, ""]
    arterial: gas_exchange.Blood
    gas: blood_gas.BloodGas
    values: Values
    lung: lung.Envelope
