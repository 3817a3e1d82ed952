"""From the paragraphs of a section to one segment per risk factor."""
