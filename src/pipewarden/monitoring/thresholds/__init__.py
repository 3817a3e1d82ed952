"""Thresholds from the past: what is usual of a figure, what a limit would have caught and cost."""
