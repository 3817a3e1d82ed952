"""Commands that heal, and that simulate what is to be healed."""
