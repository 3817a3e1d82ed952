"""Punctuation: its marks, and the space around them."""
