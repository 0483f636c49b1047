"""Sending candidates to their destinations."""
