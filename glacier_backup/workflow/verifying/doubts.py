"""Archives of which nobody knew whether they were stored: an inventory tells.

A vault forgets an upload some time after it was completed. When a run died just then, the next one can't find out
whether there is an archive, and sends another (see docs/interruptions.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Checksums, Receipt
from glacier_backup.model.finding import Finding, FindingKind
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.thaw import Stored
from glacier_backup.model.upload import Unfinished
from glacier_backup.units import local_time
from glacier_backup.workflow.verifying.site import Site


class Doubts:
    """Those of one place. There are few, if any."""

    def __init__(self, site: Site, catalog: Catalog) -> None:
        self._site = site
        self._catalog = catalog
        self._left = {one.record.description: one for one in catalog.doubtful(site.id)}
        # Of one in several objects each is told by its own label.
        self._under_way = {site.destination.describe(one.label) for one in catalog.unfinished(site.id)}
        self._found: list[Finding] = []

    def look_at(self, stored: Stored) -> bool:
        """Whether something that the catalog doesn't know to be stored is one of them, or on its way: recorded now, or
        left to the run that sends it. Raises CatalogError."""
        for name in (stored.description, stored.locator):
            if name is None:
                continue
            if name in self._under_way:
                return True
            doubt = self._left.get(name)
            if doubt is not None and _is_that(stored, doubt.checksums):
                del self._left[name]
                self._settle(doubt, stored)
                return True
        return False

    def findings(self, looked_at: datetime) -> Iterator[Finding]:
        """What became of them, when all that is listed was looked at. What is not there, and would be, is forgotten, so
        that the next run sends it. Raises CatalogError."""
        yield from self._found
        lag = self._site.destination.inventory_lag
        for one in self._left.values():
            if one.begun < looked_at - lag:
                self._catalog.give_up(one.archive)
                yield self._finding(one, "given_up", "it was not stored", "the next backup sends it")
            else:
                cure = f"look again after {local_time(one.begun + lag)}"
                yield self._finding(one, "in_doubt", "whether it is stored can't be seen yet", cure)

    def _settle(self, doubt: Unfinished, stored: Stored) -> None:
        checksums = doubt.checksums
        if checksums is None:
            raise AssertionError("what is in doubt was completed, and so has checksums")
        receipt = Receipt(
            stored.locator,
            checksums.size,
            checksums.tree_hash,
            checksums.leaves,
            stored.stored_at,
            checksums.sha256,
            checksums.crc64nvme,
            stored.storage_class,
        )
        self._catalog.settle(doubt.archive, receipt)
        self._found.append(self._finding(doubt, "stored_after_all", f"it is stored after all, as {stored.locator}"))
        self._found += self._sent_again(doubt, checksums)

    def _sent_again(self, doubt: Unfinished, checksums: Checksums) -> Iterator[Finding]:
        path = doubt.record.label.path
        for archive in self._catalog.stored_archives(ArchiveFilter(path=path, place_id=self._site.id)):
            same = [one.locator for one in archive.volumes if one.tree_hash == checksums.tree_hash]
            if archive.id != doubt.archive and same:
                what = f"it was sent once more, as {same[0]}, while nobody knew that it was stored"
                yield self._finding(doubt, "duplicate", what, f"one is enough: glacier-backup delete {same[0]}")

    def _finding(self, one: Unfinished, kind: FindingKind, what: str, cure: str | None = None) -> Finding:
        label = one.record.label
        return Finding(kind, what, str(self._site.place), label.path, None, one.archive, label.time, cure)


def _is_that(stored: Stored, checksums: Checksums | None) -> bool:
    if checksums is None:
        return False
    return stored.size == checksums.size and stored.tree_hash in (None, checksums.tree_hash)
