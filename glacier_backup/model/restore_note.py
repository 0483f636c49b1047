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
Edition 5.

These are backups made by glacier-backup. The program makes it easy to bring them back:

    glacier-backup restore --to DIRECTORY --catalog CATALOG

It is not needed. Everything here is in formats that stock tools read: tar, gzip, zstd, age, gpg, openssl, par2,
SQLite, JSON, ZFS. What was encrypted takes the key or the password of whoever made the backup: nothing here opens it.

What is what
------------
    HOST/PATH/OF/WHAT/WAS/SAVED/TIME.tar       a directory, as it was at TIME (UTC); TIME is
                                               20260321T040000.123456Z: date, T, time of day, Z
    HOST/PATH/OF/WHAT/WAS/SAVED/TIME.inc2.tar  what had changed there by TIME: the second increment behind the last
                                               TIME.tar before it
    HOST/PATH/OF/A/FILE.JPG/TIME.jpg           a single file as it was, under its time
    HOST/PATH/OF/A/FILE.JPG                    a file of a tree that is kept file by file, under its own name;
                                               one with ~TIME behind it is what it became later
    HOST/PATH/OF/A/TREE/~pack-…/TIME.tar       many files of that tree, their names beginning with TREE
    HOST/PATH/OF/A/TREE/PREFIX*~.zip           small files of that tree: see "A small file of a tree" below
    HOST/zfs:/POOL/DATASET/TIME.zfs            a dataset of ZFS, all that was in it at TIME: "A dataset of ZFS", below
    HOST/zfs:/POOL/DATASET/TIME.inc2.zfs       what had become of it by TIME: the second increment behind the last
                                               TIME.zfs before it
    DATASET/baseline-DATE/DATASET-TDATE-part-aaaaaa           the same, in pieces, under other names: of DATE, and
    DATASET/incrementals/FDATE-TDATE/DATASET-…-part-aaaaaa    from one DATE to the next
    ….rclonelink                               a symbolic link: the text in it is where it leads
    ….recipe.json                              beside an archive: its name, path, host, size and checksums
    ….sha256                                   beside an archive: its checksum
    ….zst  ….gz  ….age  ….gpg  ….enc           what was done to it, one after the other: see "Sealed" below
    ….v001  ….v002                             the pieces, in their order, of what was cut
    ….par2  ….vol000+100.par2                  what damage to the file in front of it is mended with
    xy/xy…26 letters and digits…               names are hidden: the catalog, or the manifest once it is opened, tells
    HOST/.catalog/TIME.sqlite3.gz              a list of everything that HOST has stored, and where
    HOST/.keys/identity-….age                  a key for age, encrypted with a password

The newest TIME is the newest state. In a part of a name that was too long, ~ and 32 digits stand for the rest; the
.recipe.json has the whole path.

A directory, or a disk or server with directories
-------------------------------------------------
Copy what you want (from a server: sftp -r USER@HOST:FOLDER, or scp, or rsync), then, in the folder that it is in:

    sha256sum -c TIME.tar.sha256         checks it
    tar -xpf TIME.tar -C DIRECTORY       unpacks it; as root with owners, add --xattrs --acls --numeric-owner

Where there are TIME.inc1.tar, TIME.inc2.tar … unpack the last TIME.tar before them, and then, in order and up to the
one that you want, each of them like this: first what it lists as deleted goes.

    tar -xOf TIME.inc1.tar .glacier-backup-deleted | (cd DIRECTORY && xargs -0 rm -rf --)
    tar -xpf TIME.inc1.tar -C DIRECTORY

A small file of a tree
----------------------
What isn't there under its own name is in a ZIP, under its whole name. Which one: leave out the last character of the
name, then one more, and so on, until there is a name that goes on with *~.zip; there may be *~2.zip, *~3.zip … too,
and the file is in one of them. In a bucket that is (what is cold has to be thawed in between: "A bucket", below):

    KEY=HOST/PATH/OF/A/FILE.JPG; NAME=$KEY
    while [ "$NAME" ]; do NAME=${NAME%?}; aws s3 ls "s3://BUCKET/PREFIX/$NAME*~" && break; done
    aws s3 cp "s3://BUCKET/PREFIX/$NAME*~.zip" FOUND.zip
    unzip FOUND.zip -d DIRECTORY

That holds in a bucket with versioning, where what is out of date is hidden. Where the ZIP doesn't have it, in a
directory, and where deleted files were kept, out of all that are called so the latest file counts:

    NAME=HOST/PATH/OF/A/FILE.JPG
    while [ "$NAME" ]; do NAME=${NAME%?}; ls -d "$NAME"'*~'*.zip* 2>/dev/null; done
    cp "THAT ZIP" FOUND.zip              unzip takes a * in a name for a pattern
    unzip -lv FOUND.zip                  shows the time of each file

A dataset of ZFS
----------------
These are what `zfs send` has made. On any machine with ZFS, into a dataset that isn't there yet: the last TIME.zfs
before the time that you want, and then, in order, each TIME.inc1.zfs, TIME.inc2.zfs … up to it.

    zfs receive POOL/NEW < TIME.zfs
    zfs receive -F POOL/NEW < TIME.inc1.zfs

Where they are called baseline-DATE and incrementals/FDATE-TDATE, the baseline comes first, and then each increment
whose F is the T of the one before; what openssl takes to open them, "Sealed" says:

    cat DATASET-TDATE-part-?????? | openssl enc -d … | zfs receive POOL/NEW

One file out of a dataset: receive all of it, and copy the file.

Sealed
------
Undo what the endings say, the last one first, and begin with a copy. Damaged? With its .par2 files beside it:

    par2 repair FILE.par2

    age -d -i KEYFILE -o FILE FILE.age                     KEYFILE: AGE-SECRET-KEY-1…, an ssh key, or identity-….age
    gpg -o FILE -d FILE.gpg
    openssl enc -d -aes-256-cbc -md sha512 -pbkdf2 -iter 250000 -in FILE.enc -out FILE
    zstd -d FILE.zst                                       gunzip FILE.gz

.v001, .v002 … (or .aaaaaa, .aaaaab …) are pieces. What stands behind that ending was done to each of them: undo it for
each. Then put them together, in order; what stands in front of it was done to the whole:

    cat FILE.v001 FILE.v002 > FILE                         FILE.* would take its parity and manifest, too

"recipe" in the .recipe.json has every step with its parameters, should they be others than these: iterations,
cipher and digest of openssl. .enc files are checked by "hmac_sha256" there; age and gpg check by themselves.

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

Each ArchiveDescription is a name, a blank, and what the archive is: p= its path, h= the host, t= the time, f= tar, zip,
zfs or raw; bytes that are no plain characters are %XX, and P= is the path in base64url; x= how it is sealed, v= which
piece it is; c= begins with the number of an increment. Then ask for the archives that you want, and hours later fetch
each:

    aws glacier initiate-job --account-id - --vault-name VAULT \\
        --job-parameters '{"Type": "archive-retrieval", "ArchiveId": "ID", "Tier": "Bulk"}'
    aws glacier get-job-output --account-id - --vault-name VAULT --job-id=JOB FILE

The catalog
-----------
    gunzip TIME.sqlite3.gz
    sqlite3 TIME.sqlite3 "SELECT sent_at, path, locator FROM archives JOIN volumes ON archive = id ORDER BY id, number"
    sqlite3 TIME.sqlite3 "SELECT * FROM members WHERE path LIKE '%holiday%'"       files inside archives

`locator` is the key in the bucket, the path below this folder, or the id in the vault. A catalog whose name goes on
behind .gz is sealed like the archives.
"""
"""ASCII but for dots, UTF-8, with lines of at most 120 characters."""


def edition_of(text: str) -> int:
    """Of a note that was found; 0 where it is none."""
    found = _EDITION.search(text)
    return int(found[1]) if found else 0


NOTE_EDITION = edition_of(NOTE)
