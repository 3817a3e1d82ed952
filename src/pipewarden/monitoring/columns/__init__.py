"""Columns of a window and of a baseline: read as they come, and kept as far as they are needed."""
