"""From files that belong together to archives that can be opened: by their manifest, else by their names."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from glacier_backup.errors import DamageFound, GlacierBackupError, Interrupted, SealError
from glacier_backup.model.archive import Container, Label
from glacier_backup.model.candidate import Kind
from glacier_backup.model.dataset_label import span_told
from glacier_backup.model.manifest import Manifest, ObjectSums
from glacier_backup.model.naming import stored_name
from glacier_backup.model.recipe import Step
from glacier_backup.model.snapshot import stream_name
from glacier_backup.seal.keys import Keys
from glacier_backup.seal.order import COMMAND
from glacier_backup.workflow.opening.beginnings import looks_like_tar, looks_like_zip, sealed_by
from glacier_backup.workflow.opening.bundles import Bundle
from glacier_backup.workflow.opening.files import tree_hash_of
from glacier_backup.workflow.opening.manifests import is_manifest, of_file, read_manifest
from glacier_backup.workflow.opening.names import GROUP, SPLIT
from glacier_backup.workflow.opening.sealed import Layer, Piece, Sealed

Check = Callable[[], None]

_KINDS: Mapping[Container, Kind] = {"raw": "file", "tar": "directory", "zip": "group"}


class Refused(NamedTuple):
    """Something that can't be opened."""

    name: str
    error: GlacierBackupError


def archives(found: Sequence[Bundle], keys: Keys, check: Check) -> Iterator[Sealed | Refused]:
    """What there is to open. Where a manifest misses volumes, they are looked for among files whose names tell nothing,
    by their bytes: what was fetched from a vault is called as whoever fetched it liked."""
    strays = {path for bundle in found if bundle.tells_nothing for path in bundle.data.get(0, ())}
    for path in [path for path in strays if _is_manifest(path)]:
        strays.discard(path)
        for bundle in found:
            if bundle.tells_nothing and path in bundle.told:
                bundle.manifests, bundle.data = [path], {}
                bundle.told = {path: bundle.told[path]._replace(role="manifest")}
    for bundle in sorted(found, key=lambda bundle: bundle.tells_nothing):
        if bundle.tells_nothing and not strays & set(bundle.told):
            continue  # it was a volume of another archive
        try:
            sealed = _sealed(bundle, keys, check)
            yield _with_strays(sealed, strays, check)
        except Interrupted:
            raise
        except GlacierBackupError as error:
            yield Refused(bundle.archive, error)
        except OSError as error:
            yield Refused(bundle.archive, GlacierBackupError(str(error)))


def _is_manifest(path: str) -> bool:
    try:
        return is_manifest(path)
    except GlacierBackupError:
        return False  # it is told when it is to be opened


def _sealed(bundle: Bundle, keys: Keys, check: Check) -> Sealed:
    manifests = [read_manifest(path, bundle.told[path].steps, keys, check) for path in bundle.manifests]
    several = next((one for one in manifests if one.is_several), None)
    if several is not None:
        return _by_manifest(bundle, several, bundle.data)
    if manifests and 0 in bundle.data:
        fitting = of_file(manifests, _only(bundle.data[0], 0), check)
    else:
        fitting = max(manifests, key=lambda one: one.label.time, default=None)
    if fitting is not None:
        return _by_manifest(bundle, fitting, bundle.data)
    return _by_names(bundle, len(keys.undo))


def _by_manifest(bundle: Bundle, manifest: Manifest, data: Mapping[int, Sequence[str]]) -> Sealed:
    label = manifest.label

    def piece(sums: ObjectSums) -> Piece:
        path = _only(data[sums.volume], sums.volume) if sums.volume in data else None
        return Piece(sums.volume or 1, path, sums, tuple(bundle.parity.get(sums.volume, ())))

    return Sealed(
        name=bundle.archive if bundle.data or bundle.parity else f"{label.name}{label.suffix}",
        container=label.container,
        kind=label.kind,
        layers=(Layer(manifest.recipe.steps, tuple(map(piece, manifest.volumes))),),
        maker="ours",
        to=_called(label),
        is_certain=True,
        mtime_ns=label.mtime_ns if label.container == "raw" else None,
        mode=label.mode if label.container == "raw" else None,
        path=label.path,
    )


def _called(label: Label) -> str:
    """What comes out of it."""
    name = stored_name(label.path)
    if label.container == "zip":
        return _folder_of(name)
    span = span_told(label)
    return name if span is None else stream_name(name, span, label.container)


def _by_names(bundle: Bundle, commands: int) -> Sealed:
    """``commands`` are to be undone: no name tells of them."""
    container: Container = "tar" if bundle.stem.endswith(".tar") or bundle.maker == "pyArchiver" else "raw"
    is_group = GROUP.search(bundle.stem) is not None
    if is_group:
        container = "zip"
    if bundle.maker == "pyArchiver":
        files = sorted(bundle.data[0], key=os.path.basename)
        layers = [Layer((Step("tar"), *bundle.told[path].steps), (Piece(1, path),)) for path in files]
        return Sealed(bundle.archive, "tar", "directory", tuple(layers), bundle.maker, bundle.stem, is_certain=True)
    pieces = _pieces(bundle)
    known = [bundle.told[piece.path].steps for piece in pieces if piece.path is not None]
    first = pieces[0].path
    if not known:
        raise SealError(
            f"{bundle.archive}: there is neither a volume of it nor a manifest",
            hint="give its volumes, or at least one of them",
        )
    if any(steps != known[0] for steps in known):
        raise DamageFound(f"{bundle.archive}: its volumes were sealed in different ways, by their names")
    steps = known[0]
    if commands:
        steps = (Step(COMMAND, {"count": commands}), *steps)
    elif first is not None and all(step == SPLIT for step in steps):
        steps = (*sealed_by(first), *steps)
        if not steps and looks_like_tar(first):
            container = "tar"
        elif not steps and looks_like_zip(first):
            container = "zip"
        elif not steps and container == "raw" and bundle.tells_nothing:
            raise _unknown(first)
    packing = Step(container)
    return Sealed(
        name=bundle.archive,
        container=container,
        kind=_KINDS[container],
        layers=(Layer((packing, *steps), pieces),),
        maker=bundle.maker,
        to=_folder_of(bundle.stem) if container == "zip" else bundle.stem.removesuffix(".tar") or bundle.stem,
        # All groups of a tree have the same things in them, down to some depth.
        is_certain=is_group,
    )


def _folder_of(name: str) -> str:
    """Where the files of a ZIP go that don't lie below one directory."""
    group = GROUP.search(name)
    return name.removesuffix(".zip") or name if group is None else name[: group.start(1)] + name[group.end(1) :]


def _pieces(bundle: Bundle) -> tuple[Piece, ...]:
    """By the names alone, as far as they go."""
    numbers = {*bundle.data, *bundle.parity}
    if 0 in numbers and len(numbers) > 1:
        raise DamageFound(f"{bundle.archive}: it is there as a whole, and in volumes; open either of them by itself")
    for known, number in enumerate(sorted(numbers - {0}), 1):
        if number != known:  # a name may claim any number: what lies between isn't worth a list
            raise DamageFound(f"{bundle.archive}: volume {known} is missing, and there is no parity to mend it")

    def piece(number: int) -> Piece:
        path = _only(bundle.data[number], number) if number in bundle.data else None
        return Piece(number or 1, path, None, tuple(bundle.parity.get(number, ())))

    return tuple(map(piece, sorted(numbers)))


def _only(paths: Sequence[str], number: int) -> str:
    if len(paths) > 1:
        raise DamageFound(f"{paths[0]} and {paths[1]} are both volume {number or 1} of one archive, by their names")
    return paths[0]


def _with_strays(sealed: Sealed, strays: set[str], check: Check) -> Sealed:
    """``sealed`` with what it misses, as far as that is among ``strays``, where it is taken from."""
    if not strays or all(piece.path for layer in sealed.layers for piece in layer.pieces):
        return sealed
    sizes: dict[int, list[str]] = {}
    for path in sorted(strays):
        sizes.setdefault(os.path.getsize(path), []).append(path)

    def found(piece: Piece) -> Piece:
        if piece.path is not None or piece.sums is None:
            return piece
        for path in sizes.get(piece.sums.size, ()):
            if path in strays and tree_hash_of(path, check) == piece.sums.tree_hash:
                strays.discard(path)
                return piece._replace(path=path)
        return piece

    layers = (layer._replace(pieces=tuple(map(found, layer.pieces))) for layer in sealed.layers)
    return replace(sealed, layers=tuple(layers))


def _unknown(path: str) -> SealError:
    return SealError(
        f"nothing tells what {path} is: neither its name, nor how it begins, nor a manifest beside it",
        hint="name it as it was stored, such as NAME.tar.zst.age, or give its manifest (….recipe.json) too",
    )
