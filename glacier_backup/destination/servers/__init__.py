"""An SFTP server, as :mod:`glacier_backup.destination.sftp` works with it."""
