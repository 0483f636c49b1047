"""Labels of all kinds: paths as a disk may have them."""

from __future__ import annotations

import string
from datetime import UTC, datetime

from hypothesis import strategies as st

from glacier_backup.model.archive import Label
from glacier_backup.model.increment import Link
from glacier_backup.model.naming import archive_name, group_path
from glacier_backup.model.snapshot import Span

TIME = datetime(2026, 3, 21, 4, 0, 0, 123456, tzinfo=UTC)


def from_disk(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def label(path: str = "/data/photos", **fields: object) -> Label:
    known = {
        "name": "photos.tar",
        "path": path,
        "host": "nas",
        "kind": "directory",
        "container": "tar",
        "time": TIME,
        "recipe_id": "1a2b3c4d5e6f",
    }
    return Label(**(known | fields))  # type: ignore[arg-type]  # any of the fields


_BYTES = st.integers(1, 255).filter(lambda byte: byte != ord("/"))
_LETTERS = st.text(string.ascii_letters + " .;%~=-_", min_size=1, max_size=60).map(str.encode)
_WORDS = st.text(min_size=1, max_size=40).map(lambda text: text.encode().replace(b"/", b"_").replace(b"\0", b"_"))
_LONG = st.tuples(_WORDS, st.integers(1, 255)).map(lambda word: (word[0] * word[1])[: word[1]])
_RAW = st.lists(_BYTES, min_size=1, max_size=255).map(bytes)
NAMES = (_LETTERS | _WORDS | _LONG | _RAW).map(from_disk).filter(lambda name: name not in (".", ".."))


LIKE_DATASETS = st.sampled_from(["zfs:", "zfs:~", "zfs:~~", "zfs:tank", "zfs"])
"""Names of files that could be taken for the scheme of datasets."""


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Absolute paths of up to 4,096 bytes, short ones mostly."""
    names = draw(st.lists(NAMES | LIKE_DATASETS, max_size=30 if draw(st.booleans()) else 4))
    path = ""
    for name in names:
        if len((path + "/" + name).encode("utf-8", "surrogateescape")) <= 4096:
            path += f"/{name}"
    return path or "/"


HOSTS = st.text(string.ascii_lowercase + string.digits + ".-", min_size=1, max_size=64).filter(
    lambda host: host not in (".", "..")
)
TIMES = st.datetimes(datetime(1970, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
RECIPES = st.text("0123456789abcdef", min_size=12, max_size=12)

SEALS = st.sampled_from(
    [
        ("", 0, "data", ""),
        (".zst.age", 0, "data", "zstd:3+age"),
        (".zst.v001.age", 1, "data", "zstd:3+split:4294967296+age"),
        (".v1234.enc.vol000+100.par2", 1234, "parity", "split:1048576:letters+openssl+par2:5"),
        (".age.recipe.json", 7, "manifest", "zstd:skipped+age+split:5"),
    ]
)
"""Suffix, volume, role and steps, as they go together."""

GROUPS = st.builds(group_path, paths(), st.text("0123456789abcdef", min_size=12, max_size=12))
"""Paths of groups; whatever else is called so is none."""

_ONES = st.builds(
    Label,
    name=NAMES,
    path=paths() | GROUPS,
    host=HOSTS,
    kind=st.sampled_from(["file", "directory", "link"]),
    container=st.sampled_from(["raw", "tar"]),
    time=TIMES,
    recipe_id=RECIPES,
    mtime_ns=st.none() | st.integers(-(2**63), 2**63 - 1),
    mode=st.none() | st.integers(0, 0o7777),
)
_GROUPS = st.builds(
    Label,
    name=NAMES,
    path=GROUPS,
    host=HOSTS,
    kind=st.just("group"),
    container=st.just("tar"),
    time=TIMES,
    recipe_id=RECIPES,
)

_OF_ZFS = string.ascii_letters + string.digits + "_.: -"
SNAPSHOTS = st.text(_OF_ZFS, min_size=1, max_size=60).filter(lambda name: not name.startswith("-"))
"""Names of snapshots."""
SPANS = st.builds(Span, SNAPSHOTS, st.just("") | st.text("0123456789abcdef", min_size=16, max_size=16), SNAPSHOTS)
_COMPONENTS = st.text(_OF_ZFS, min_size=1, max_size=30).filter(lambda name: name not in (".", "..")) | LIKE_DATASETS
DATASET_PATHS = st.lists(_COMPONENTS | NAMES, min_size=1, max_size=5).map(lambda names: "zfs:" + "/".join(names))
"""Of datasets; with components that ZFS wouldn't take, too."""
_NUMBERS = st.just(0) | st.integers(1, 99_999)


_BASELINE = Span("offsite-20260321")


def dataset(path: str, span: Span = _BASELINE, number: int = 0, **fields: object) -> Label:
    """Of an archive of a dataset; where it is an increment the one before it is of the same time."""
    link = Link(number, TIME, TIME) if number else Link(0)
    span = span._replace(base=(span.base or "offsite-20260314") if number else "")
    told = {"name": archive_name(path, "zfs", "dataset"), "kind": "dataset", "container": "zfs"}
    return label(path, **(told | {"link": str(link), "span": str(span)} | fields))


LABELS = (
    _ONES
    | _GROUPS
    | st.builds(dataset, DATASET_PATHS, SPANS, _NUMBERS, name=NAMES, host=HOSTS, time=TIMES, recipe_id=RECIPES)
)
