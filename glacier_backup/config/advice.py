"""What is allowed, and yet hardly what somebody meant."""

from __future__ import annotations

from collections.abc import Iterator

from glacier_backup.config.settings import SectionSettings


def advise(section: SectionSettings) -> Iterator[str]:
    """What to say about the ``exclude`` of a section."""
    if not section.exclude:
        return
    if section.upload_single_dir:
        yield (
            "has no effect with upload_single_dir: it chooses among what upload_dirs and upload_files find, "
            "and leaves nothing out of a directory that is sent as one archive"
        )
        return
    for prefix in section.exclude:
        if "/" in prefix.lstrip("/") and not prefix.startswith("/"):
            yield f"{prefix!r} begins no name, for it has a / in it; to leave out a full path begin with /"
        elif "*" in prefix or "?" in prefix:
            yield f"{prefix!r} is compared as it stands: * and ? have no special meaning"
