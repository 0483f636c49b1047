"""Schema 1: runs, destinations, archives, uploads, volumes, members, problems.

Fixed with the release of 2.0.0: never to be edited from then on.
"""

from __future__ import annotations

STATEMENTS = (
    # "glbc": the database is a catalog of ours.
    "PRAGMA application_id = 1735156323",
    """
    CREATE TABLE runs (
        id INTEGER NOT NULL PRIMARY KEY,
        started TEXT NOT NULL,
        ended TEXT,
        host TEXT NOT NULL,
        pid INTEGER NOT NULL,
        program TEXT NOT NULL,
        exit_code INTEGER,
        sent INTEGER,
        failed INTEGER,
        skipped INTEGER,
        bytes INTEGER
    )
    """,
    """
    CREATE TABLE destinations (
        id INTEGER NOT NULL PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        region TEXT NOT NULL,
        account TEXT NOT NULL,
        own BOOLEAN NOT NULL,
        reached_by TEXT NOT NULL,
        UNIQUE (kind, name, region, account)
    )
    """,
    """
    CREATE TABLE archives (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        run INTEGER REFERENCES runs (id),
        destination INTEGER NOT NULL REFERENCES destinations (id),
        path TEXT NOT NULL,
        name TEXT NOT NULL,
        host TEXT,
        kind TEXT,
        container TEXT,
        recipe TEXT,
        description TEXT,
        source_bytes INTEGER,
        stored_bytes INTEGER,
        entries INTEGER,
        digest TEXT,
        newest_mtime_ns BIGINT,
        mode INTEGER,
        label_time TEXT,
        fixed_key TEXT,
        sent_at TEXT,
        problems INTEGER NOT NULL,
        changed_while_read BOOLEAN NOT NULL,
        origin TEXT
    )
    """,
    "CREATE INDEX archives_by_path ON archives (destination, path) WHERE sent_at IS NOT NULL",
    "CREATE INDEX archives_by_time ON archives (sent_at)",
    "CREATE INDEX archives_by_key ON archives (destination, fixed_key) WHERE fixed_key IS NOT NULL",
    """
    CREATE TABLE uploads (
        archive INTEGER NOT NULL PRIMARY KEY REFERENCES archives (id) ON DELETE CASCADE,
        begun_at TEXT NOT NULL,
        part_size INTEGER NOT NULL,
        upload_id TEXT,
        bytes INTEGER,
        tree_hash TEXT,
        sha256 TEXT,
        crc64nvme TEXT,
        doubtful BOOLEAN NOT NULL,
        leaves BLOB
    )
    """,
    """
    CREATE TABLE volumes (
        archive INTEGER NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        locator TEXT NOT NULL,
        bytes INTEGER,
        tree_hash TEXT,
        sha256 TEXT,
        crc64nvme TEXT,
        storage_class TEXT,
        stored_at TEXT NOT NULL,
        leaves BLOB,
        PRIMARY KEY (archive, number)
    )
    """,
    """
    CREATE TABLE members (
        archive INTEGER NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        path TEXT NOT NULL,
        type INTEGER NOT NULL,
        size INTEGER NOT NULL,
        mtime_ns BIGINT NOT NULL,
        mode INTEGER NOT NULL,
        "offset" INTEGER NOT NULL,
        target TEXT,
        PRIMARY KEY (archive, number)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE problems (
        archive INTEGER NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        path TEXT NOT NULL,
        cause TEXT NOT NULL,
        PRIMARY KEY (archive, number)
    ) WITHOUT ROWID
    """,
)
