"""What a place has and the catalog doesn't know."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Label
from glacier_backup.model.finding import Finding
from glacier_backup.model.naming import ShortenedLabel
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.model.thaw import Stored
from glacier_backup.plan.told_by_key import Around, is_beside, presumed
from glacier_backup.workflow.verifying.doubts import Doubts
from glacier_backup.workflow.verifying.site import Site

_CURE = "glacier-backup catalog rebuild takes it in"


class Strangers:
    """Tells archives of ours from what others have stored."""

    def __init__(self, site: Site, catalog: Catalog, doubts: Doubts, around: Around) -> None:
        self._site = site
        self._catalog = catalog
        self._doubts = doubts
        self._around = around

    def judge(self, stored: Stored, note: Callable[[Finding], None]) -> Mapping[str, int]:
        """What one more object adds to a report; what a person should know of it is handed to ``note``."""
        key = self._site.key_of(stored.locator)
        if is_beside(key) or self._doubts.look_at(stored) or self._is_known_by_now(stored):
            return {}
        label = presumed(stored, key, self._around)
        if label is None:
            return {"foreign": 1, "foreign_bytes": stored.size}
        note(self._finding(stored, label.beginning if isinstance(label, ShortenedLabel) else label))
        return {"unknown": 1}

    def _is_known_by_now(self, stored: Stored) -> bool:
        """A run may have recorded it since the catalog was read; and what is sent in several objects is in the catalog
        before it is complete."""
        wanted = ArchiveFilter(place_id=self._site.id, locator=stored.locator)
        return self._catalog.is_part_of_unfinished(self._site.id, stored.locator) or any(
            self._catalog.stored_archives(wanted)
        )

    def _finding(self, stored: Stored, label: Label) -> Finding:
        twin = self._twin(label)
        place, locator = str(self._site.place), stored.locator
        if twin is None:
            what = "it is stored, and in no catalog"
            return Finding("unknown", what, place, label.path, locator, None, label.time, _CURE)
        what = f"it is stored a second time; the catalog knows it as {twin}"
        cure = f"{_CURE}, and then one can be removed: glacier-backup delete {locator}"
        return Finding("duplicate", what, place, label.path, locator, None, label.time, cure)

    def _twin(self, label: Label) -> str | None:
        """Where the catalog knows the very same archive to be."""
        wanted = ArchiveFilter(path=label.path, place_id=self._site.id, since=label.time, until=label.time)
        return next((one.volumes[0].locator for one in self._catalog.stored_archives(wanted)), None)
