"""Listeners: told what happens, never asked."""
