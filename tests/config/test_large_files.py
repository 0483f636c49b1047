"""Files as people have them who write a section for each file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glacier_backup.config.load import load
from glacier_backup.config.references import quote
from glacier_backup.config.values import normal_path
from glacier_backup.errors import ConfigError
from tests.config.conftest import Desk

MAIN = "[main]\nvault_name = v\n"
PATHS = [f"/data/photos/2026/img_{number:05}.jpg" for number in range(10_000)]


def test_ten_thousand_sections_are_loaded(desk: Desk) -> None:
    loaded = desk.load(MAIN + "".join(f"[{path}]\nupload_if_changed = 'yes'\n\n" for path in PATHS))

    assert [section.path for section in loaded.sections] == PATHS
    assert all(section.upload_if_changed for section in loaded.sections)


def test_ten_thousand_times_the_same_slip_is_told(desk: Desk) -> None:
    with pytest.raises(ConfigError) as caught:
        desk.load(MAIN + "".join(f"[{path}]\nupload_if_chnged = yes\n\n" for path in PATHS))

    assert len(caught.value.problems) == 10_000


_NAMES = st.binary(min_size=1, max_size=20).map(os.fsdecode).filter(lambda name: not set(name) & set("\0\r\n/"))


@given(st.dictionaries(_NAMES, st.lists(_NAMES, max_size=3), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_name_that_a_file_can_have_arrives(tmp_path: Path, sections: dict[str, list[str]]) -> None:
    """All bytes but NUL and slash may be in a name; a line end can't be written in an INI file."""
    wanted = {normal_path(f"/d/{name}"): excludes for name, excludes in sections.items()}
    if len(wanted) != len(sections):
        return  # `.` and `..`
    text = MAIN + "".join(
        f"[{path.replace('${', '$${')}]\nexclude = " + quote("\n".join(excludes)).replace("\n", "\n  ") + "\n"
        for path, excludes in wanted.items()
    )
    file = tmp_path / "x.conf"
    file.write_bytes(os.fsencode(text))

    loaded = load(str(file), overrides={}, environ={"HOME": "/h"})

    assert {section.path: list(section.exclude) for section in loaded.sections} == wanted
