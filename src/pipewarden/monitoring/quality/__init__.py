"""Data quality: whether what a model gets has the form and the values of its version's baseline."""
