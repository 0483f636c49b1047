"""``python -m glacier_backup``."""

from glacier_backup.cli.main import entry

if __name__ == "__main__":
    entry()
