"""The bedside twin: lung, gases, circulation, drugs, fluids and kidney of one person as one model.

A step of any length is stable; long steps are cut into parts of at most :data:`LONGEST_PART` (see :mod:`coupling`).
Everything is for one particle; ``vmap`` makes ensembles and wards.
"""

import jax
import jax.numpy as jnp

from caretwin.core.model import GaussianPrior, Model, Observation
from caretwin.core.robust import student_t4_from_normal, student_t_log_density
from caretwin.models.physiology import baroreflex, fluids, gas_exchange, kidney, vasoactive
from caretwin.models.physiology import respiratory_drive as drive_
from caretwin.models.physiology.bedside_channels import (
    CHANNELS,
    DEGREES_OF_FREEDOM,
    LABORATORY,
    NOISE,
    UNREST,
    channels,
    scaled,
    unscaled,
)
from caretwin.models.physiology.bedside_state import Settings, State
from caretwin.models.physiology.coupling import advance, present
from caretwin.models.physiology.individual import individual
from caretwin.models.physiology.parameters import FLUTTERING, INDEX, PERSONAL, WANDERING, Body
from caretwin.models.physiology.present_circulation import bounded_signal, usual_blood
from caretwin.models.physiology.reach import reach

LONGEST_PART = 1.0 / 60.0
"""h: implicit steps of a minute follow pressure reflexes and gas stores closely enough (see the tests)."""
MOST_PARTS = 20
"""In an hour: busy wards are advanced hour by hour, and parts of three minutes are still stable."""
DRIFTED_BEFORE = 24.0
"""h: what drifts slowly has drifted for so long when a stay begins (assumed)."""


class Cardiorespiratory(Model):
    """The coupled model; ``prior`` is standard normal in every personal parameter (see :mod:`parameters`)."""

    prior: GaussianPrior

    @property
    def noise_dimension(self) -> int:
        """One number for each parameter that wanders or flutters."""
        return len(WANDERING) + len(FLUTTERING)

    def individual(self, theta, context: Body):
        """Theta and the body; values follow with the state, because some of them drift."""
        return theta, context

    def initial(self, phi, z) -> State:
        """A person at rest, not yet settled under the present settings: let some hours pass before the first datum."""
        theta, body = phi
        K = len(WANDERING)
        hours = jnp.array([PERSONAL[i].wander_hours for i in WANDERING], z.dtype)
        wandered = z[:K] * jnp.sqrt(-jnp.expm1(-2.0 * DRIFTED_BEFORE / hours))
        values = individual(theta, wandered, z[K:], body)
        one = jnp.ones_like(body.weight) * (1.0 + 0.0 * theta[0])
        blood = usual_blood(body) * one
        return State(
            wandered,
            z[K:],
            0.8 * one,
            gas_exchange.typical_stores(one),
            baroreflex.Signals(0.0 * one, 0.0 * one),
            values.arterial_pressure,
            values.arterial_pressure,
            vasoactive.no_drugs(one),
            fluids.start(blood, values.haemoglobin),
            drive_.Drive(0.0 * one, 0.0 * one),
            kidney.Kidney(100.0 * values.creatinine_production / values.filtration, values.lactate_production),
            jnp.ones(len(UNREST), z.dtype) * one,
        )

    def transition(self, phi, x: State, u: Settings, w, dt) -> State:
        """The state after ``dt`` hours; w [noise_dimension]."""
        theta, body = phi
        x = drift(x, u, w, dt)
        values = individual(theta, x.wander, x.flutter, body)
        most = MOST_PARTS * jnp.maximum(jnp.ceil(dt - 1e-6), 1.0)  # longer parts let breathing and gases swing
        parts = jnp.clip(jnp.ceil(dt / LONGEST_PART - 1e-6), 1, most).astype(int)
        minutes = (60.0 * dt / parts).astype(x.arterial.dtype)

        def part(_, x: State) -> State:
            return advance(values, body, x, u, minutes)

        moved = jax.lax.fori_loop(0, parts, part, x)
        moved = jax.tree.map(lambda new, old: jnp.where(dt > 0, new, old), moved, x)
        return moved._replace(wander=x.wander, flutter=x.flutter)

    def predict(self, phi, x: State, u: Settings):
        """Expected value of every channel, in its unit."""
        theta, body = phi
        now = present(individual(theta, x.wander, x.flutter, body), body, x, u)
        return jnp.stack(channels(now, x, u))

    def log_observation(self, phi, x: State, u: Settings, y: Observation):
        """Log density of each channel: Student t on the channel's scale; 0 for a missing one."""
        expected = scaled(self.predict(phi, x, u))
        seen = scaled(jnp.where(y.kind == 1, y.value, 1.0))
        scale = self.noise_scale(expected.dtype) * jnp.sqrt(self.unrest(x))
        density = student_t_log_density(seen - expected, scale, self.degrees(expected.dtype))
        return jnp.where(y.kind == 1, density, 0.0)

    def sample_observation(self, phi, x: State, u: Settings, e):
        """What would be measured: Student t from standard normal e [C]; saturation never above 100 %."""
        expected = scaled(self.predict(phi, x, u))
        laboratory = jnp.array([name in LABORATORY for name in CHANNELS])
        e = jnp.where(laboratory, e, student_t4_from_normal(e))
        return unscaled(expected + self.noise_scale(expected.dtype) * jnp.sqrt(self.unrest(x)) * e)

    channel_names = CHANNELS
    memory_days = tuple(p.days for p in PERSONAL)

    def reach(self):
        """See :mod:`reach`."""
        return reach()

    def scaled(self, values):
        """See :func:`scaled`."""
        return scaled(values)

    def to_vector(self, x: State):
        """What data may move: drifts, open fraction, gas stores, reflexes, plasma and cells, drive, creatinine,
        lactate."""
        positive = (*x.stores, x.set_point, x.volumes.plasma, x.volumes.red_cells, *x.kidney)
        F = jnp.clip(x.open_fraction, 1e-4, 1.0 - 1e-4)
        logs = jnp.log(jnp.maximum(jnp.stack(positive), 1e-3))
        free = jnp.stack([jnp.log(F / (1.0 - F)), *x.signals, *x.drive])
        return jnp.concatenate([x.wander, x.flutter, logs, free])

    def from_vector(self, v, x: State) -> State:
        """The state with these values; what data do not move stays."""
        K, J = x.wander.shape[0], x.flutter.shape[0]
        stores = jnp.exp(jnp.clip(v[K + J : K + J + 8], -7.0, 7.0))
        set_point, plasma, cells, creatinine, lactate = jnp.exp(jnp.clip(v[K + J + 8 : K + J + 13], -7.0, 7.0))
        free = v[K + J + 13 :]
        return x._replace(
            wander=v[:K],
            flutter=v[K : K + J],
            stores=gas_exchange.Stores(*stores),
            set_point=set_point,
            volumes=x.volumes._replace(plasma=plasma, red_cells=cells),
            kidney=kidney.Kidney(creatinine, lactate),
            open_fraction=jax.nn.sigmoid(free[0]),
            signals=baroreflex.Signals(bounded_signal(free[1], "arterial"), bounded_signal(free[2], "cardiopulmonary")),
            drive=drive_.Drive(free[3], free[4]),
        )

    def unrest(self, x: State):
        """Variance of every channel's error over the usual [C]."""
        return jnp.ones(len(CHANNELS), x.unrest.dtype).at[jnp.array(_UNREST_CHANNEL)].set(x.unrest)

    def with_unrest(self, x: State, variance) -> State:
        """The state of a person whose channels scatter with ``variance`` [C] times the usual."""
        return x._replace(unrest=variance[jnp.array(_UNREST_CHANNEL)].astype(x.unrest.dtype))

    def degrees(self, dtype=None):
        """Degrees of freedom of the Student t of every channel [C]."""
        return jnp.array([DEGREES_OF_FREEDOM[name in LABORATORY] for name in CHANNELS], dtype)

    def noise_scale(self, dtype=None):
        """Scale of the measurement error of every channel [C], on the channel's scale."""
        return jnp.array([NOISE[name] for name in CHANNELS], dtype)


def prior() -> GaussianPrior:
    """Standard normal in every personal parameter."""
    d = len(PERSONAL)
    return GaussianPrior(jnp.zeros(d), jnp.eye(d))


def cardiorespiratory() -> Cardiorespiratory:
    """The model with its prior."""
    return Cardiorespiratory(prior())


_UNREST_CHANNEL = tuple(CHANNELS.index(name) for name in UNREST)
_UNREST_FLUTTER = tuple(FLUTTERING.index(INDEX[name]) for name in UNREST.values())
_UNSTEADY = WANDERING.index(INDEX["heart_rate"])
"""A heart rate is charted without error, so whoever's scatters is unsteady: it wanders by as much more."""

_CALM = ("shunt", "alveolar_dead_space")
_CALM_WANDER = tuple(WANDERING.index(INDEX[name]) for name in _CALM)
_CALM_FLUTTER = tuple(FLUTTERING.index(INDEX[name]) for name in _CALM)
DRIFT_ALONE = 0.35
"""How far shunt and dead space drift in people who breathe alone, of how far they drift under a ventilator: breathing
makes up for most of it (fitted: saturation of real stays wanders a third as much as the blood gases of ventilated
patients ask for)."""


def drift(x: State, u: Settings, w, dt) -> State:
    """What wanders and flutters after ``dt`` hours, exactly; w [noise_dimension] standard normal."""
    K = len(WANDERING)
    dtype = x.wander.dtype

    def ou(z, noise, hours):
        keep = jnp.exp(-dt / jnp.array(hours, dtype)).astype(dtype)
        return keep * z + jnp.sqrt(1.0 - keep * keep) * noise

    calm = jnp.where(u.mode < 0.5, DRIFT_ALONE, 1.0).astype(dtype)
    unsteady = jnp.ones(K, dtype).at[_UNSTEADY].set(jnp.sqrt(x.unrest[0]).astype(dtype))
    unsteady = unsteady.at[jnp.array(_CALM_WANDER)].set(calm)
    wander = ou(x.wander, unsteady * w[:K].astype(dtype), [PERSONAL[i].wander_hours for i in WANDERING])
    scatter = jnp.ones(len(FLUTTERING), dtype).at[jnp.array(_UNREST_FLUTTER)].set(jnp.sqrt(x.unrest).astype(dtype))
    scatter = scatter.at[jnp.array(_CALM_FLUTTER)].set(calm)
    flutter = ou(x.flutter, scatter * w[K:].astype(dtype), [PERSONAL[i].flutter_hours for i in FLUTTERING])
    return x._replace(wander=wander, flutter=flutter)
