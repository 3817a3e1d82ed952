"""How a result becomes a published document, or a quarantined one."""
