"""Predictions made elsewhere and labels of any: taken in, counted, and let go of."""
