"""Drift: whether what a model gets and answers is still what its version was made for."""
