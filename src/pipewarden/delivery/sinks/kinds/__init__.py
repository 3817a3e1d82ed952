"""One module for each kind of sink."""
