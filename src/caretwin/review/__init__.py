"""How forecasts fared, and what people did with advice."""
