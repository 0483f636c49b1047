"""Schema 1: runs, destinations, archives, uploads, volumes, members, problems, restores, thaws, copies.

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
        origin TEXT,
        suffix TEXT NOT NULL DEFAULT '',
        seal TEXT NOT NULL DEFAULT '',
        alias TEXT,
        told TEXT,
        sha256 TEXT,
        expired_at TEXT
    )
    """,
    "CREATE INDEX archives_by_path ON archives (destination, path) WHERE sent_at IS NOT NULL",
    "CREATE INDEX archives_by_name ON archives (name) WHERE sent_at IS NOT NULL",
    "CREATE INDEX archives_by_time ON archives (sent_at)",
    "CREATE INDEX archives_by_told ON archives (told) WHERE told IS NOT NULL",
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
        hmac_sha256 TEXT,
        doubtful BOOLEAN NOT NULL,
        role TEXT,
        volume INTEGER,
        suffix TEXT,
        slice_sha256 TEXT,
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
        verified_at TEXT,
        damaged_at TEXT,
        damage TEXT,
        damage_read BOOLEAN,
        role TEXT NOT NULL DEFAULT 'data',
        volume INTEGER NOT NULL DEFAULT 0,
        suffix TEXT NOT NULL DEFAULT '',
        hmac_sha256 TEXT,
        slice_sha256 TEXT,
        leaves BLOB,
        PRIMARY KEY (archive, number)
    )
    """,
    "CREATE INDEX volumes_by_locator ON volumes (locator)",
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
        sha256 BLOB,
        source TEXT,
        PRIMARY KEY (archive, number)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE names (
        archive INTEGER NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
        first INTEGER NOT NULL,
        count INTEGER NOT NULL,
        folders INTEGER NOT NULL,
        text BLOB NOT NULL,
        PRIMARY KEY (archive, first)
    )
    """,
    """
    CREATE TABLE grouped (
        destination INTEGER NOT NULL,
        path TEXT NOT NULL,
        archive INTEGER NOT NULL,
        number INTEGER NOT NULL,
        mtime_ns BIGINT,
        PRIMARY KEY (destination, path, archive)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX grouped_touched ON grouped (archive, number) WHERE mtime_ns IS NOT NULL",
    """
    CREATE TABLE gone (
        destination INTEGER NOT NULL,
        path TEXT NOT NULL,
        at TEXT NOT NULL,
        archive INTEGER NOT NULL,
        PRIMARY KEY (destination, path, at)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE looks (
        destination INTEGER NOT NULL,
        look INTEGER NOT NULL,
        archive INTEGER NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (destination, look, archive, number)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE vanished (
        archive INTEGER NOT NULL REFERENCES archives (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        path TEXT NOT NULL,
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
    """
    CREATE TABLE restores (
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        purpose TEXT NOT NULL,
        target TEXT NOT NULL,
        what TEXT NOT NULL,
        at TEXT NOT NULL,
        tier TEXT NOT NULL,
        days INTEGER NOT NULL,
        overwrite BOOLEAN NOT NULL,
        place TEXT NOT NULL,
        created_at TEXT NOT NULL,
        ended_at TEXT
    )
    """,
    """
    CREATE TABLE restore_items (
        restore INTEGER NOT NULL REFERENCES restores (id) ON DELETE CASCADE,
        number INTEGER NOT NULL,
        archive INTEGER NOT NULL,
        state INTEGER NOT NULL,
        goes_to TEXT NOT NULL,
        member TEXT,
        ranges TEXT,
        cause TEXT,
        numbers TEXT,
        chain TEXT,
        PRIMARY KEY (restore, number)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX restore_items_by_state ON restore_items (restore, state)",
    """
    CREATE TABLE thaws (
        destination INTEGER NOT NULL REFERENCES destinations (id),
        locator TEXT NOT NULL,
        start INTEGER NOT NULL,
        stop INTEGER NOT NULL,
        id TEXT NOT NULL,
        state TEXT NOT NULL,
        until TEXT,
        cause TEXT,
        tier TEXT NOT NULL,
        requested_at TEXT NOT NULL,
        storage_class TEXT,
        PRIMARY KEY (destination, locator, start, stop)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE changes (
        id INTEGER NOT NULL PRIMARY KEY,
        count INTEGER NOT NULL
    )
    """,
    """
    CREATE TABLE copies (
        place TEXT NOT NULL,
        locator TEXT NOT NULL,
        changes INTEGER,
        copied_at TEXT NOT NULL,
        PRIMARY KEY (place, locator)
    ) WITHOUT ROWID
    """,
)
