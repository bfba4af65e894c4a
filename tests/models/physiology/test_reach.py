"""Channels move what they can say something of, and leave alone what lies apart in the body."""

import jax
import jax.numpy as jnp
import numpy as np
from tests.models.physiology.people import MODEL, person, settings

from caretwin.core.ensemble_kalman import KalmanSettings, begin, correct
from caretwin.core.model import Observation
from caretwin.models.physiology.bedside_channels import CHANNELS
from caretwin.models.physiology.parameters import FLUTTERING, INDEX, PERSONAL, WANDERING
from caretwin.models.physiology.reach import LINKS, reach, side_of_channel, side_of_parameter


def test_there_is_an_entry_for_every_unknown_that_the_filter_moves() -> None:
    x = MODEL.initial((jnp.zeros(len(PERSONAL)), person()), jnp.zeros(len(WANDERING) + len(FLUTTERING)))
    assert reach().shape == (len(CHANNELS), len(PERSONAL) + len(MODEL.to_vector(x)) + len(CHANNELS))


def test_every_channel_moves_what_it_was_itself_expected_to_show() -> None:
    assert np.all(np.diag(reach()[:, -len(CHANNELS) :]))


def test_every_link_is_a_parameter_or_a_channel_and_reaches_both_sides() -> None:
    for name in LINKS:
        assert name in INDEX or name in CHANNELS
        assert (side_of_parameter(name), side_of_channel(name)) == ("both", "both")


def test_a_heart_rate_moves_the_circulation_and_not_the_lung_and_a_saturation_the_other_way_round() -> None:
    settled = KalmanSettings(200, 1, False)
    u = settings()
    key, subject = jax.random.key(2), jnp.asarray(7)
    before = begin(MODEL, settled, key, person(), jnp.asarray(0.0), subject)
    for channel, value, moved, left in (
        ("heart_rate", 130.0, "circulation", "lung"),
        ("oxygen_saturation", 85.0, "lung", "circulation"),
    ):
        kind = jnp.zeros(len(CHANNELS), int).at[CHANNELS.index(channel)].set(1)
        y = Observation(jnp.full(len(CHANNELS), value), kind)
        after, _ = correct(MODEL, settled, before, u, person(), y)
        shift = np.abs(np.asarray(after.theta - before.theta)).max(axis=0)
        on = {side: [i for i, p in enumerate(PERSONAL) if side_of_parameter(p.name) == side] for side in (moved, left)}
        assert shift[on[moved]].max() > 0.1
        assert np.all(shift[on[left]] == 0.0)
