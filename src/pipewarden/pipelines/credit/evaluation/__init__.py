"""Evaluation: scores with intervals, by segment, and what the model goes by."""
