"""Who filed what for when, each value with where it is known from."""
