"""The closed loop's rules: what may follow what, and whether to act at all."""
