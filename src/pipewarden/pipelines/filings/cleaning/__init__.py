"""The text of a section without its pages: furniture removed, cut paragraphs joined."""
