"""The candidates: how each is fitted, and the closed form in which it forecasts."""
