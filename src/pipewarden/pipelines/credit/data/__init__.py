"""Tables: what is asked of them, how they are read, named by content and split."""
