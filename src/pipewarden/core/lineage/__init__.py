"""What came from what, as a graph."""
