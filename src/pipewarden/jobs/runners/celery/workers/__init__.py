"""The worker's side: take a chunk, work on it in a child that can be killed, answer."""
