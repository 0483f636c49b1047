"""Bringing archives back: thaw, fetch, unpack, prove, name."""
