"""Jobs: left by a run over a place of the server, by documents, by files; and steered."""
