"""Where published documents go beside the output folder."""
