"""How what is watched is printed."""
