"""What runs a job: the local runner, with its controls."""
