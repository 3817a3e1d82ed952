"""Which models answer, and how their documents are found and opened."""
