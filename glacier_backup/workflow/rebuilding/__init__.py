"""Making a catalog of what is stored."""
