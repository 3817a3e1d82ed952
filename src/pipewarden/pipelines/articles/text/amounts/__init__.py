"""Amounts: sums of money and measures."""
