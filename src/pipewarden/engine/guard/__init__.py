"""What keeps a run from making its machine swap: fewer workers while memory is short."""
