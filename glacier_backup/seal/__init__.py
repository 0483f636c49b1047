"""Sealing: compression, encryption, volumes and parity, each of which stock tools undo."""
