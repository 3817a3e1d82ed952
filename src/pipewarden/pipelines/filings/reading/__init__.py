"""From bytes on disk to lines of text that know where they stand."""
