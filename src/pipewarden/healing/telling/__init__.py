"""What is written of healings for people to read."""
