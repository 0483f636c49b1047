"""Files of whole trees that got another time and nothing else: the catalog learns it, and no later run reads them."""

from __future__ import annotations

from glacier_backup.model.contents import Contents
from glacier_backup.model.plan import Skip
from glacier_backup.model.reason import Recognised, Touched
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.group_changes import times_of
from glacier_backup.plan.s3_backup_zip import members_of_zip
from glacier_backup.workflow.sending.desk import Sending

TOGETHER = 1000
"""Noted in one transaction. Of what isn't noted when a run dies the next one reads the content again."""


class Touches:
    """Those of one destination's decisions, noted some at a time. Only for one thread."""

    def __init__(self, sending: Sending) -> None:
        self._sending = sending
        self._looks: list[tuple[int, str, str]] = []
        """Archive, path and look of each, to be noted."""

    def add(self, skip: Skip) -> None:
        """If it is about such a file, or a group of some. Raises CatalogError."""
        if isinstance(skip.reason, Recognised) and skip.contents is not None:
            self._note_recognised(skip.path, skip.contents, skip.reason.archive)
        if not isinstance(skip.reason, Touched):
            return
        if skip.contents is not None:
            self._note_group(skip.path, skip.contents, skip.reason)
            return
        self._looks.append((skip.reason.archive, skip.path, skip.reason.digest))
        if len(self._looks) >= TOGETHER:
            self.note()

    def note(self) -> None:
        """All that are left. Raises CatalogError."""
        looks, self._looks = self._looks, []
        if looks:
            self._sending.catalog.touched(self._sending.place_id, looks)

    def _note_group(self, path: str, contents: Contents, reason: Touched) -> None:
        """What has changed of it is worked out once more: the plan has no room for that."""
        catalog = self._sending.catalog
        looks = [*times_of(path, contents, catalog.group_members(reason.archive))]
        catalog.touched_group(self._sending.place_id, reason.archive, reason.digest, looks)

    def _note_recognised(self, path: str, contents: Contents, id: int) -> None:
        """What is in a group that another system has stored, and that it is as it was: from now on its files are known
        by their paths, and it is compared like any other. Of one that isn't built as those are, nothing is noted."""
        catalog = self._sending.catalog
        for archive in catalog.stored_archives(ArchiveFilter(ids=(id,))):
            if not archive.has_members:
                members = members_of_zip(contents, archive)
                if members is None:
                    return
                catalog.learn(id, members, {})
            looks = [*times_of(path, contents, catalog.group_members(id))]
            catalog.touched_group(self._sending.place_id, id, contents.digest, looks)
