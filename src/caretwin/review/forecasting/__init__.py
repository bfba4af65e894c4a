"""Every measured level forecast from what was known just before it, scored, and summed up per model."""

from caretwin.review.forecasting.level_forecast import LevelForecast, Refused
from caretwin.review.forecasting.replay import Replay, replay
from caretwin.review.forecasting.summary import summarise

__all__ = ["LevelForecast", "Refused", "Replay", "replay", "summarise"]
