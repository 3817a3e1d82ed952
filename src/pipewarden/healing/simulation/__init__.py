"""Worlds that change on purpose, and the requests and labels that come out of them."""
