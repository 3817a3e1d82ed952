"""The life of a model version: registered, deployed, served, rolled back."""
