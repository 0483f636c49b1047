"""What all settings are made of."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, InstanceOf, SkipValidation

Text = InstanceOf[str]
"""Text that may hold bytes which are not UTF-8, as lone surrogates: pydantic's own check for text turns these away."""

Origins = Annotated[tuple[tuple[str, str], ...], SkipValidation]
"""Option and where its value comes from; options that have their default are not there."""


class Frozen(BaseModel):
    """Values that never change, of which each is known by its name."""

    # A value that isn't right may be a secret: pydantic's message would quote it.
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
