"""The kinds of channels, a module each."""
