"""What commands print: for a person, for a pipe, for a machine."""
