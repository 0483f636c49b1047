"""Archives are deleted at every kind of place, and forgotten then."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.config.prices import read_prices
from glacier_backup.destination.destination import Destination
from glacier_backup.interrupt import StopRequest
from glacier_backup.model.archive import ArchiveRecord
from glacier_backup.model.candidate import Fingerprint
from glacier_backup.model.recipe import Recipe, Step
from glacier_backup.model.retention import Policy
from glacier_backup.model.stored import ArchiveFilter
from glacier_backup.plan.removal import Present
from glacier_backup.plan.retention import Policies
from glacier_backup.units import now
from glacier_backup.workflow.prune import Prune, plan_prune
from glacier_backup.workflow.removing.remove import Remover, carry_out
from tests.catalog.values import record
from tests.contract.places import Place
from tests.contract.sending import LABEL, send
from tests.streams import BytesStream

RECIPE = Recipe((Step("tar", {"format": "pax"}),))


def test_pruning_deletes_what_no_rule_keeps_and_nothing_else(
    place: Place, destination: Destination, tmp_path: Path
) -> None:
    foreign = place.put("foreign", b"of others")
    fingerprint = Fingerprint("d1" * 32, bytes=3, entries=1, newest_mtime_ns=0)
    with Catalog.open(str(tmp_path / "catalog.sqlite3")) as catalog:
        known = destination.identify(holds_archives=False)
        place_id = catalog.register(destination.place, known)
        for number in range(3):
            label = replace(LABEL, time=LABEL.time + timedelta(days=number))
            receipt = send(destination, BytesStream(b"abc%d" % number), label)
            record(catalog, None, place_id, ArchiveRecord(label, "", RECIPE, fingerprint, (receipt,)))
        there = place.whole()

        order = Prune(Policies({"/data": Policy(keep_last=1)}), LABEL.host, Present(read_prices(), now()))
        with closing(place.connect()) as reached:
            remover = Remover(catalog, lambda _: reached, lambda event: None, StopRequest())
            summary = carry_out(plan_prune(order, catalog), remover)

        assert (summary.removed, summary.failed, summary.exit_code) == (2, 0, 0)
        assert place.whole() == there - 2
        (left,) = catalog.stored_archives(ArchiveFilter())
        assert place.stored(receipt) == b"abc2"
        assert left.volumes[0].locator == receipt.locator
        assert foreign
