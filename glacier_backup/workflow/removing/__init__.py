"""Deleting archives, at their destinations first."""
