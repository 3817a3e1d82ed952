"""What every request meets first: its trace, its key, its body, and how errors are told."""
