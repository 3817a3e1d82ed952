"""What comes in: tables of weekly rows, and the regular series that they become."""
