"""A bucket, as :mod:`glacier_backup.destination.s3` works with it."""
