"""Models as they are printed: what there is, and what became of it."""
