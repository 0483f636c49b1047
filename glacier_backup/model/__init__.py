"""Frozen values that cross between rooms. They hold; they do not act, and they know no vendor and no clock."""
