"""A directory of this machine, as :mod:`glacier_backup.destination.local` works with it."""
