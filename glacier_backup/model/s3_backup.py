"""What s3-backup calls things in its buckets."""

from __future__ import annotations

ORIGIN = "s3-backup"

GROUP = "*~.zip"
"""What the keys of its ZIPs end with, and no other key does, unless filters have made something else of it."""
