"""How good a model is: with labels, without them, and against what it was at training."""
