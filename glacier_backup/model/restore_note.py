"""``RESTORE.md``: the note that lies beside archives, for somebody who has never heard of this program.

It is the same text everywhere, and says nothing that the names beside it don't. ``docs/recovery.md`` says more. Raise
the edition with every change: a note of an older one is replaced, one of a newer stays.
"""

from __future__ import annotations

import re

_EDITION = re.compile(r"^Edition ([0-9]{1,6})\.$", re.MULTILINE)

NOTE = """\
How to get these files back
===========================
Edition 1.

These are backups made by glacier-backup. The program makes it easy to bring them back:

    glacier-backup restore --to DIRECTORY --catalog CATALOG

It is not needed. Everything here is in formats that stock tools read: tar, gzip, SQLite, JSON.

What is what
------------
    HOST/PATH/OF/WHAT/WAS/SAVED/TIME.tar       a directory, as it was at TIME (UTC); TIME is
                                               20260321T040000.123456Z: date, T, time of day, Z
    HOST/PATH/OF/A/FILE.JPG/TIME.jpg           a single file as it was, under its time
    HOST/PATH/OF/A/FILE.JPG                    a file of a tree that is kept file by file, under its own name;
                                               one with ~TIME behind it is what it became later
    ….rclonelink                               a symbolic link: the text in it is where it leads
    ….recipe.json                              beside an archive: its name, path, host, size and checksums
    ….sha256                                   beside an archive: its checksum
    HOST/.catalog/TIME.sqlite3.gz              a list of everything that HOST has stored, and where

The newest TIME is the newest state. In a part of a name that was too long, ~ and 32 digits stand for the rest; the
.recipe.json has the whole path.

A directory, or a disk or server with directories
-------------------------------------------------
Copy what you want (from a server: sftp -r USER@HOST:FOLDER, or scp, or rsync), then, in the folder that it is in:

    sha256sum -c TIME.tar.sha256         checks it
    tar -xpf TIME.tar -C DIRECTORY       unpacks it; as root with owners, add --xattrs --acls --numeric-owner

A bucket (Amazon S3 or a store like it)
---------------------------------------
    aws s3 ls --recursive s3://BUCKET/PREFIX/
    aws s3api head-object --bucket BUCKET --key KEY

Where head-object shows the storage class GLACIER or DEEP_ARCHIVE, the object has to be thawed first, which takes
hours (Bulk: up to 48) and costs little:

    aws s3api restore-object --bucket BUCKET --key KEY \\
        --restore-request '{"Days": 7, "GlacierJobParameters": {"Tier": "Bulk"}}'

Once head-object shows ongoing-request="false":

    aws s3 cp s3://BUCKET/KEY FILE --force-glacier-transfer
    tar -xpf FILE -C DIRECTORY

In a bucket with versioning, `aws s3api list-object-versions` shows what files were before, and what was deleted.

A vault (Amazon Glacier)
------------------------
Archives in a vault have no names, only ids and descriptions. This note then lies elsewhere, beside a copy of the
catalog. Ask for the vault's inventory, and hours later fetch it:

    aws glacier initiate-job --account-id - --vault-name VAULT --job-parameters '{"Type": "inventory-retrieval"}'
    aws glacier get-job-output --account-id - --vault-name VAULT --job-id=JOB inventory.json

Each ArchiveDescription is a name, a blank, and what the archive is: p= its path, h= the host, t= the time, f= tar or
raw; bytes that are no plain characters are %XX, and P= is the path in base64url. Then ask for the archives that you
want, and hours later fetch each:

    aws glacier initiate-job --account-id - --vault-name VAULT \\
        --job-parameters '{"Type": "archive-retrieval", "ArchiveId": "ID", "Tier": "Bulk"}'
    aws glacier get-job-output --account-id - --vault-name VAULT --job-id=JOB FILE

The catalog
-----------
    gunzip TIME.sqlite3.gz
    sqlite3 TIME.sqlite3 "SELECT sent_at, path, locator FROM archives JOIN volumes ON archive = id ORDER BY path, id"
    sqlite3 TIME.sqlite3 "SELECT * FROM members WHERE path LIKE '%holiday%'"       files inside archives

`locator` is the key in the bucket, the path below this folder, or the id in the vault.
"""
"""ASCII but for dots, UTF-8, with lines of at most 120 characters."""


def edition_of(text: str) -> int:
    """Of a note that was found; 0 where it is none."""
    found = _EDITION.search(text)
    return int(found[1]) if found else 0


NOTE_EDITION = edition_of(NOTE)
