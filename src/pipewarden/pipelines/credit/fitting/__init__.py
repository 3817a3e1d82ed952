"""Fitting: search, boosting, calibration, and the baseline beside them."""
