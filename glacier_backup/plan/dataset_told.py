"""What the label of a dataset's archive tells, when no catalog does."""

from __future__ import annotations

from glacier_backup.model.archive import Label
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.dataset_label import span_told
from glacier_backup.model.snapshot import digest_of
from glacier_backup.model.zfs_to_aws import snapshot_key


def key_of_snapshots(label: Label) -> str | None:
    """The fixed key that it has in the one layout in which datasets have such; None where it can have none."""
    span = span_told(label)
    try:
        return None if span is None else snapshot_key("zfs-to-aws", label.path, span)
    except ValueError:
        return None


def seen_snapshot(label: Label, size: int) -> Fingerprint | None:
    """What the dataset looked like, of which ``size`` bytes are stored; None where nothing tells the snapshot, and for
    what is no dataset."""
    span = span_told(label)
    if span is None or not span.guid:
        return None
    return Fingerprint(digest_of(span.guid), size, 1, int(label.time.timestamp() * 10**6) * 1000)
