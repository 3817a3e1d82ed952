"""Where things came from, and what became of them, from all that is stored."""
