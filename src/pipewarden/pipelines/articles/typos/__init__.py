"""Typo correction: what is protected by span, what a word may have meant, and how sure that is."""
