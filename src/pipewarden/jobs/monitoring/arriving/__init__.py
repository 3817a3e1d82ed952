"""Weeks that came since series were trained: where they are, and what was forecast of them."""
