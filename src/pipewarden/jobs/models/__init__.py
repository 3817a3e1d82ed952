"""What joins the life of models to a workspace."""
