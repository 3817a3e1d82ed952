"""Models in memory that answer requests, and the log of what they answered."""
