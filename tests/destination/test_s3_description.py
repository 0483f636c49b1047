"""What an object's metadata says of the archive, whatever it is called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glacier_backup.destination.buckets.description import LONGEST, described, description
from glacier_backup.model.naming import describe
from tests.contract.sending import LABEL


@pytest.mark.parametrize("name", [" " * 255, "%" * 255, "\n" * 255, "ä" * 127, "photos.tar"])
def test_no_name_makes_it_longer_than_metadata_may_be(name: str) -> None:
    label = replace(LABEL, name=name, path=f"/data/{name}")

    text = description(label)

    assert len(text) <= LONGEST
    assert text.isascii()
    assert text == text.strip()
    assert described(text) == describe(label)


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=300))
def test_it_says_what_a_vault_would(name: str) -> None:
    label = replace(LABEL, name=name, path=f"/data/{name}")

    assert described(description(label)) == describe(label)
