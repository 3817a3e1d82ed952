"""Where an Item begins and ends, what its text says, and the honest answer where there is none."""
