"""The tables as this program reads and writes them; :mod:`glacier_backup.catalog.migrations` makes them.

A test holds the two together. What is NULL is unknown: archives that were taken over from another system have no
fingerprint, and their volumes no checksum.

An archive is there from the intent to send it, with a row in ``uploads`` until it is known to be stored. One of several
objects, sealed in volumes, gets its ``volumes`` one by one meanwhile, and that row tells which is on its way. Files in
groups have a row in ``grouped``, by which their paths are found, and count once the archive is known to be stored.

What a restore asks for is kept apart from what is stored: an archive may be forgotten while a restore still names it,
which then finds out. Thaws are kept by locator, for the destination knows of no archives.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from glacier_backup.catalog.types import ExactText, Moment, WideInteger

TO_ITS_END = -1
"""What stands for no end of what is thawed; a key holds no NULL."""

INVENTORY = ""
"""What stands for no locator, likewise."""

metadata = MetaData()

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied_at", Moment, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started", Moment, nullable=False),
    Column("ended", Moment, comment="NULL while at work, and for ever when the run died"),
    Column("host", ExactText, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("program", Text, nullable=False, comment="version"),
    Column("exit_code", Integer),
    Column("sent", Integer),
    Column("failed", Integer),
    Column("skipped", Integer),
    Column("bytes", Integer, comment="of the sources of what was sent"),
)

destinations = Table(
    "destinations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", ExactText, nullable=False),
    Column("region", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("own", Boolean, nullable=False, comment="whether `-` stands for this account here"),
    Column("reached_by", Text, nullable=False, comment="how, where it is; see Place"),
    UniqueConstraint("kind", "name", "region", "account"),
)

archives = Table(
    "archives",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run", ForeignKey("runs.id")),
    Column("destination", ForeignKey("destinations.id"), nullable=False),
    Column("path", ExactText, nullable=False),
    Column("name", ExactText, nullable=False),
    Column("host", ExactText),
    Column("kind", Text),
    Column("container", Text),
    Column("recipe", Text, comment="JSON"),
    Column("description", ExactText),
    Column("source_bytes", Integer),
    Column("stored_bytes", Integer),
    Column("entries", Integer, comment="what the fingerprint covers"),
    Column("digest", Text, comment="of the fingerprint, hex"),
    Column("newest_mtime_ns", WideInteger),
    Column("mode", Integer, comment="of the candidate itself"),
    Column("label_time", Moment),
    Column("fixed_key", ExactText, comment="NULL where the key is made of host, path and time"),
    Column("sent_at", Moment, comment="NULL while it isn't known to be stored"),
    Column("problems", Integer, nullable=False, comment="how many rows the table of that name has"),
    Column("changed_while_read", Boolean, nullable=False),
    Column("origin", ExactText, comment="what it was taken over from; NULL for our own"),
    Column("suffix", ExactText, nullable=False, default="", server_default="", comment="see Label, as the next two"),
    Column("seal", ExactText, nullable=False, default="", server_default=""),
    Column("alias", ExactText, comment="NULL where no name is hidden"),
    Column("told", ExactText, comment="see Label; NULL where others may see the path itself"),
    Column("sha256", Text, comment="hex; of the content of a file of a tree, where it was hashed"),
    Column("expired_at", Moment, comment="when it ceased to be part of the newest state; NULL: never"),
    # Only of what is stored: the newest archive of a path is found without a look at the rows themselves.
    Index("archives_by_path", "destination", "path", sqlite_where=text("sent_at IS NOT NULL")),
    Index("archives_by_name", "name", sqlite_where=text("sent_at IS NOT NULL")),
    Index("archives_by_time", "sent_at"),
    Index("archives_by_told", "told", sqlite_where=text("told IS NOT NULL")),
    # Few have one that belong to no tree; of a tree all do, and whether a key is taken is asked before each is sent.
    Index("archives_by_key", "destination", "fixed_key", sqlite_where=text("fixed_key IS NOT NULL")),
    # An id is never used again, whatever is deleted: people and later runs may still have it in hand.
    sqlite_autoincrement=True,
)

uploads = Table(
    "uploads",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), primary_key=True),
    Column("begun_at", Moment, nullable=False, comment="or last gone on with"),
    Column("part_size", Integer, nullable=False),
    Column("upload_id", ExactText, comment="NULL until it was heard"),
    Column("bytes", Integer, comment="this and the checksums: NULL until every part is stored"),
    Column("tree_hash", Text, comment="hex"),
    Column("sha256", Text, comment="hex"),
    Column("crc64nvme", Text, comment="base64"),
    Column("hmac_sha256", Text, comment="hex; see Checksums"),
    Column("doubtful", Boolean, nullable=False, comment="whether nobody knows if it was completed"),
    Column("role", Text, comment="this and the next two: of one of several objects; NULL where none is on its way"),
    Column("volume", Integer),
    Column("suffix", ExactText),
    Column("slice_sha256", Text, comment="hex; see StoredVolume"),
    Column("leaves", LargeBinary, comment="32 bytes for each MiB"),
)

volumes = Table(
    "volumes",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="from 1, in the order in which they were stored"),
    Column("locator", ExactText, nullable=False),
    Column("bytes", Integer),
    Column("tree_hash", Text, comment="hex"),
    Column("sha256", Text, comment="hex"),
    Column("crc64nvme", Text, comment="base64"),
    Column("storage_class", Text),
    Column("stored_at", Moment, nullable=False),
    Column("verified_at", Moment, comment="when all of it was last found to be right"),
    Column("damaged_at", Moment, comment="when it was found to be missing or wrong; NULL: nothing is known"),
    Column("damage", ExactText, comment="in what way, in plain words"),
    Column("damage_read", Boolean, comment="whether its bytes were read for that: no list says otherwise then"),
    Column("role", Text, nullable=False, default="data", server_default="data"),
    Column(
        "volume", Integer, nullable=False, default=0, server_default=text("0"), comment="0: the archive is one object"
    ),
    Column("suffix", ExactText, nullable=False, default="", server_default="", comment="see Label"),
    Column("hmac_sha256", Text, comment="hex; see Checksums"),
    Column("slice_sha256", Text, comment="hex; NULL once the archive is complete"),
    # Last, for SQLite reads a row up to the column it needs and leaves may fill many pages.
    Column("leaves", LargeBinary, comment="32 bytes for each MiB"),
    PrimaryKeyConstraint("archive", "number"),
    # An inventory is told in locators.
    Index("volumes_by_locator", "locator"),
)

members = Table(
    "members",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="from 0, in stream order"),
    Column("path", ExactText, nullable=False),
    Column("type", Integer, nullable=False, comment="place in codes.MEMBER_TYPES"),
    Column("size", Integer, nullable=False),
    Column("mtime_ns", WideInteger, nullable=False),
    Column("mode", Integer, nullable=False),
    Column("offset", Integer, nullable=False),
    Column("target", ExactText),
    Column("sha256", LargeBinary, comment="32 bytes; NULL where nobody has hashed it"),
    Column("source", ExactText, comment="see Member; mostly NULL"),
    # Numbered and clustered: rows are appended in the order in which they come, and there is no second index.
    # A path may occur twice in a stream, so it is no key; they are found by what is in ``names``.
    PrimaryKeyConstraint("archive", "number"),
    sqlite_with_rowid=False,
)

names = Table(
    "names",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), nullable=False),
    Column("first", Integer, nullable=False, comment="number of the first of so many members"),
    Column("count", Integer, nullable=False),
    Column("folders", Integer, nullable=False, comment="where in the text their folders begin"),
    Column("text", LargeBinary, nullable=False, comment="zstd; see catalog.names"),
    PrimaryKeyConstraint("archive", "first"),
)

grouped = Table(
    "grouped",
    metadata,
    Column("destination", Integer, nullable=False),
    Column("path", ExactText, nullable=False, comment="of a file, or link, that is in a group, where it was"),
    Column("archive", Integer, nullable=False, comment="the group; without a reference, for there is no index by it"),
    Column("number", Integer, nullable=False, comment="of the member"),
    Column("mtime_ns", WideInteger, comment="another time that it got later, its content being the same; mostly NULL"),
    PrimaryKeyConstraint("destination", "path", "archive"),
    Index("grouped_touched", "archive", "number", sqlite_where=text("mtime_ns IS NOT NULL")),
    sqlite_with_rowid=False,
)

looks = Table(
    "looks",
    metadata,
    Column("destination", Integer, nullable=False),
    Column("look", Integer, nullable=False, comment="64 bits of what a file of a tree looked like"),
    Column("archive", Integer, nullable=False, comment="that holds it, in a group or alone; likewise"),
    Column("number", Integer, nullable=False, comment="of the member; 0 where it is alone"),
    PrimaryKeyConstraint("destination", "look", "archive", "number"),
    sqlite_with_rowid=False,
)

gone = Table(
    "gone",
    metadata,
    Column("destination", Integer, nullable=False),
    Column("path", ExactText, nullable=False, comment="of a file, or link, of a tree that was deleted at its source"),
    Column("at", Moment, nullable=False, comment="since when, as far as a run has seen it"),
    Column("archive", Integer, nullable=False, comment="the highest id then: what has a higher one came later"),
    PrimaryKeyConstraint("destination", "path", "at"),
    sqlite_with_rowid=False,
)

vanished = Table(
    "vanished",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), nullable=False, comment="an increment"),
    Column("number", Integer, nullable=False, comment="from 0, in the order of its list of what was deleted"),
    Column("path", ExactText, nullable=False, comment="as members are called; with all below it"),
    PrimaryKeyConstraint("archive", "number"),
    sqlite_with_rowid=False,
)

problems = Table(
    "problems",
    metadata,
    Column("archive", ForeignKey("archives.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="from 0"),
    Column("path", ExactText, nullable=False),
    Column("cause", ExactText, nullable=False),
    PrimaryKeyConstraint("archive", "number"),
    sqlite_with_rowid=False,
)

restores = Table(
    "restores",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("purpose", Text, nullable=False),
    Column("target", ExactText, nullable=False),
    Column("what", Text, nullable=False, comment="JSON"),
    Column("at", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("days", Integer, nullable=False),
    Column("overwrite", Boolean, nullable=False),
    Column("place", ExactText, nullable=False, comment="that it is to come from; empty where that doesn't matter"),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment, comment="NULL while anything is to be done"),
    sqlite_autoincrement=True,
)

restore_items = Table(
    "restore_items",
    metadata,
    Column("restore", ForeignKey("restores.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False, comment="from 0, in the plan's order"),
    Column("archive", Integer, nullable=False, comment="which may be forgotten meanwhile"),
    Column("state", Integer, nullable=False, comment="place in codes.ITEM_STATES"),
    Column("goes_to", ExactText, nullable=False, comment="below the target"),
    Column("member", ExactText),
    Column("ranges", Text, comment="JSON; NULL for all of it"),
    Column("cause", ExactText),
    Column("numbers", Text, comment="JSON; NULL where it is one thing"),
    Column("chain", Text, comment="JSON; NULL where it is no part of a chain"),
    PrimaryKeyConstraint("restore", "number"),
    # The key is part of it: what is in one state comes in the order of its numbers.
    Index("restore_items_by_state", "restore", "state"),
    sqlite_with_rowid=False,
)

thaws = Table(
    "thaws",
    metadata,
    Column("destination", ForeignKey("destinations.id"), nullable=False),
    Column("locator", ExactText, nullable=False, comment="INVENTORY for the list of all"),
    Column("start", Integer, nullable=False),
    Column("stop", Integer, nullable=False, comment="TO_ITS_END where it has none"),
    Column("id", ExactText, nullable=False, comment="as the destination calls it; may be empty"),
    Column("state", Text, nullable=False),
    Column("until", Moment),
    Column("cause", ExactText),
    Column("tier", Text, nullable=False),
    Column("requested_at", Moment, nullable=False),
    Column("storage_class", Text),
    PrimaryKeyConstraint("destination", "locator", "start", "stop"),
    sqlite_with_rowid=False,
)

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, comment="0: there is one row at most"),
    Column("count", Integer, nullable=False, comment="how often what is stored has changed"),
)

copies = Table(
    "copies",
    metadata,
    Column("place", ExactText, nullable=False, comment="where the copy was put"),
    Column("locator", ExactText, nullable=False, comment="what it is called there"),
    Column("changes", Integer, comment="the count that it holds; NULL until it is known to be stored"),
    Column("copied_at", Moment, nullable=False),
    PrimaryKeyConstraint("place", "locator"),
    sqlite_with_rowid=False,
)
