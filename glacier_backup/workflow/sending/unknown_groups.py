"""Groups of which nobody knows what is in them, once another one of the same name has taken their place.

All that belongs in such a group is in the new one, or is stored by itself. What else was in it was deleted, as far as
anybody can tell: with ``deleted = expire`` it is no part of the newest state.
"""

from __future__ import annotations

from datetime import datetime

from glacier_backup.model.candidate import Candidate
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.workflow.sending.desk import Sending


def put_away_unknown(sending: Sending, candidate: Candidate, at: datetime) -> None:
    """Those of the name of ``candidate``, a group that was stored ``at`` that time. Raises CatalogError."""
    rules = sending.tools.trees.get(candidate.section)
    is_prefixed = candidate.contents is not None and candidate.contents.prefix is not None
    if rules is None or not rules.expire_deleted or not is_prefixed:
        return
    same = sending.catalog.stored_archives(ArchiveFilter(path=candidate.path, place_id=sending.place_id))
    unknown = [one.id for one in same if one.kind == "group" and not one.has_members and one.expired_at is None]
    if unknown:
        sending.catalog.expire(sending.place_id, unknown, (), at)
