"""What is asked about glucose: the band that is wanted, what may be changed, and by how much at once."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limits:
    """The rules of a treatment; every one of them is a local setting.

    low, high       band that is wanted [mmol/L]
    severe          glucose that harms at once [mmol/L]
    allowed         most that the chance of any glucose below ``low`` within the interval may be
    insulin_rise    largest rise of the insulin rate at one decision [U/h]
    insulin_most    highest rate that is proposed [U/h]
    feed_change     largest change of the feed at one decision, as a fraction of the goal
    feed_least      lowest feed that is proposed, as a fraction of the goal
    intervals       hours until the next measurement, to choose from
    allowed_above   most that the chance of ending above ``high`` may be for an interval longer than the shortest
    cost_above      worth of 1 mmol/L above ``high`` against a share of time in the band
    cost_feed       worth of the whole feed against a share of time in the band
    cost_change     worth of 1 U/h of change against a share of time in the band: a pump is not turned for nothing
    oldest_glucose  hours after which a glucose no longer says where the patient is

    Source of the band, the 5 %, the 3 U/h, the 30 % and the intervals: STAR, as Fisk et al. 2011 and Uyttendaele et
    al., Biomed Eng Online 2020, doi:10.1186/s12938-020-00771-6, report them. Assumed: ``insulin_most`` (SPRINT stopped
    at 6 U/h because more no longer acts; care without a model goes beyond), ``allowed_above``, the costs and
    ``oldest_glucose``. ``cost_feed`` was chosen of 0.1, 0.15 and 0.3 on 14 virtual patients of another seed than the
    trial's, as the smallest that left half of all hours at the full feed.
    """

    low: float = 4.4
    high: float = 8.0
    severe: float = 2.2
    allowed: float = 0.05
    insulin_rise: float = 3.0
    insulin_most: float = 10.0
    feed_change: float = 0.3
    feed_least: float = 0.3
    intervals: tuple[int, ...] = (1, 2, 3)
    allowed_above: float = 0.25
    cost_above: float = 0.1
    cost_feed: float = 0.15
    cost_change: float = 0.003
    oldest_glucose: float = 4.0


@dataclass(frozen=True)
class Question:
    """What is asked.

    now        h from the record's origin
    feed_goal  glucose of the full feed [mmol/min]; None: the feed is not to be touched
    uncharted  whether glucose may enter that nobody charted; None: when no feed at all was charted
    limits     see :class:`Limits`
    """

    now: float
    feed_goal: float | None = None
    uncharted: bool | None = None
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
