"""Several candidates are under way at once, and each records its steps."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from glacier_backup.catalog.catalog import Catalog
from glacier_backup.model.archive import Member
from tests.catalog.inside import soundness
from tests.catalog.values import LOCAL, a_member, an_archive, checksums, filled, intended, record

_THREADS, _EACH = 8, 6


def test_archives_recorded_by_several_threads_are_all_whole(catalog: Catalog, path: str) -> None:
    place = catalog.register(LOCAL, LOCAL)

    def work(thread: int) -> list[int]:
        ids = []
        for number in range(_EACH):
            name = f"{thread}/{number}"
            members = [a_member(f"{name}/{member}") for member in range(50)]
            ids.append(record(catalog, None, place, an_archive(f"/srv/{name}", locator=name), members))
            assert f"/srv/{name}" in catalog.last_sent(place, [f"/srv/{name}"])
            assert all(upload.record.label.path.startswith("/srv/") for upload in catalog.unfinished(place))
        return ids

    with ThreadPoolExecutor(_THREADS) as pool:
        ids = [id for made in pool.map(work, range(_THREADS)) for id in made]

    assert sorted(ids) == list(range(1, _THREADS * _EACH + 1))
    assert {listed.locator for listed in catalog.archives()} == {
        f"{thread}/{number}" for thread in range(_THREADS) for number in range(_EACH)
    }
    assert all(len(list(catalog.members(id))) == 50 for id in ids)
    assert catalog.unfinished(place) == ()
    assert soundness(path) == []


def test_a_thread_waits_for_the_transaction_of_another(catalog: Catalog) -> None:
    place = filled(catalog, an_archive("/srv/before"))
    slow = an_archive("/srv/slow")
    archive = catalog.intend(None, place, intended(slow), 2**24)
    in_the_middle, go_on = threading.Event(), threading.Event()

    def members() -> Iterator[Member]:
        yield a_member()
        in_the_middle.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(2) as pool:
        completing = pool.submit(catalog.completing, archive, intended(slow), checksums(slow), members())
        assert in_the_middle.wait(20)
        reading = pool.submit(catalog.unfinished, place)
        threading.Event().wait(0.1)
        assert not reading.done()
        go_on.set()
        completing.result(20)

        assert [upload.checksums for upload in reading.result(20)] == [checksums(slow)]


def test_a_look_may_be_shared_by_threads_too(path: str) -> None:
    with Catalog.open(path) as catalog:
        place = filled(catalog, *(an_archive(f"/srv/{number}") for number in range(20)))

    with Catalog.peek(path) as catalog, ThreadPoolExecutor(_THREADS) as pool:
        found = pool.map(lambda number: catalog.last_sent(place, [f"/srv/{number}"]), range(20))

        assert [list(one) for one in found] == [[f"/srv/{number}"] for number in range(20)]
