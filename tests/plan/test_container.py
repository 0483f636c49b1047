from __future__ import annotations

import pytest

from glacier_backup.plan.container import container_for


@pytest.mark.parametrize("least", [0, 1])
def test_a_directory_is_a_tar_whatever_its_size(least: int) -> None:
    assert container_for("directory", 0, least) == container_for("directory", 5, least) == "tar"


@pytest.mark.parametrize(("size", "least", "container"), [(1, 1, "raw"), (0, 0, "raw"), (0, 1, "tar")])
def test_a_file_is_raw_unless_it_is_too_empty(size: int, least: int, container: str) -> None:
    assert container_for("file", size, least) == container
