"""An Amazon Glacier vault, as :mod:`glacier_backup.destination.glacier` works with it."""
