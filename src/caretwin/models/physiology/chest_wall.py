"""How an airway pressure divides between the lung and the chest wall around it.

    Ers = El + Ecw     Ppl = Ppl,ee0 + (Ecw/Ers)(Palv - PEEPtot,0)     PL = Palv - Ppl

Elastance-derived: only the changes of pleural pressure follow from the ratio of elastances, its level at one reference
state has to be known or assumed. Loring 2010 measured 18.6 (SD 4.7) cmH2O in the oesophagus of 48 patients with acute
lung injury at the end of expiration, far above the -5 cmH2O of healthy people upright (J Appl Physiol 108:515).

Functions are of scalars, pure and linear; pressures [cmH2O], elastances [cmH2O/L], compliances [L/cmH2O].
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

Scalar = Float[Array, ""]

CHEST_WALL_COMPLIANCE = 0.2  # L/cmH2O, healthy: Levitzky, Pulmonary Physiology, 8th ed. 2013, ch. 2


class Transpulmonary(NamedTuple):
    """Pressures around and across the lung at both ends of a breath, muscles relaxed [cmH2O].

    pleural_*             around the lung
    transpulmonary_*      across the lung (alveolar minus pleural); below 0 at end-expiration where lung collapses
    driving               across the lung: inspiratory minus expiratory
    lung_stress           end-inspiratory, elastance-derived: plateau El/Ers; soft bound 20 to 25 cmH2O
    """

    pleural_expiratory: Scalar
    pleural_inspiratory: Scalar
    transpulmonary_expiratory: Scalar
    transpulmonary_inspiratory: Scalar
    driving: Scalar
    lung_stress: Scalar


def transpulmonary(
    plateau_pressure: Scalar,
    total_peep: Scalar,
    chest_wall_share: Scalar,
    *,
    pleural_reference: Scalar,
    peep_reference: Scalar,
) -> Transpulmonary:
    """What the lung itself bears of a plateau and a total PEEP.

    chest_wall_share   Ecw/Ers [1], see :func:`share_of_chest_wall`
    pleural_reference  end-expiratory pleural pressure [cmH2O] at the total PEEP peep_reference [cmH2O]
    Source of lung_stress: Chiumello 2008, Am J Respir Crit Care Med 178:346, doi:10.1164/rccm.200710-1589OC.

    >>> pressures = transpulmonary(25.0, 10.0, 0.3, pleural_reference=8.0, peep_reference=10.0)
    >>> round(float(pressures.driving), 2), round(float(pressures.lung_stress), 2)
    (10.5, 17.5)
    """
    expiratory = pleural_reference + chest_wall_share * (total_peep - jnp.asarray(peep_reference))
    inspiratory = expiratory + chest_wall_share * (plateau_pressure - total_peep)
    across_low, across_high = total_peep - expiratory, plateau_pressure - inspiratory
    stress = plateau_pressure * (1.0 - chest_wall_share)
    return Transpulmonary(expiratory, inspiratory, across_low, across_high, across_high - across_low, stress)


def share_of_chest_wall(compliance: Scalar, chest_wall_compliance: Scalar = CHEST_WALL_COMPLIANCE) -> Scalar:
    """Ecw/Ers from the compliance of the respiratory system and that of the chest wall [L/cmH2O]; at most 1.

    >>> round(float(share_of_chest_wall(0.05)), 2)
    0.25
    """
    return jnp.clip(jnp.asarray(compliance) / chest_wall_compliance, 0.0, 1.0)


def mean_pleural_shift(
    mean_alveolar_pressure: Scalar,
    reference: Scalar,
    chest_wall_share: Scalar,
    mean_effort: Scalar | float = 0.0,
) -> Scalar:
    """How far the mean pleural pressure [cmH2O] is from that of a passive state with mean alveolar ``reference``.

    What the circulation feels of a change of the ventilator (1 cmH2O = 0.7356 mm[Hg]). The muscles' mean pressure
    ``mean_effort`` [cmH2O] holds volume in the lung and lowers the pleural pressure: the chest wall bears
    share (Palv + Pmus), of which Pmus is taken away.

    >>> round(float(mean_pleural_shift(18.0, 10.0, 0.4)), 2)
    3.2
    """
    return chest_wall_share * (jnp.asarray(mean_alveolar_pressure) + mean_effort - reference) - mean_effort
