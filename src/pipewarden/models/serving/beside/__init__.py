"""Challengers in a service: opened beside the champions, asked beside them, counted, stopped."""
