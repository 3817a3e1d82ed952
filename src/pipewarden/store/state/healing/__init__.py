"""Healings: every decision about a model, and the state of what came of it."""
