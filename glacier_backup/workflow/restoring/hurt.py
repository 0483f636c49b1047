"""What says which volume it is that isn't as it was."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from glacier_backup.errors import DamageFound


class VolumeHurt(DamageFound):
    """Volumes that aren't there, or whose bytes aren't those that were sent."""

    def __init__(
        self, message: str, numbers: Collection[int], *, missing: bool = False, hint: str | None = None
    ) -> None:
        """``numbers`` as :attr:`~glacier_backup.model.stored.StoredVolume.number`; ``missing`` where nothing is there,
        which a list may deny later."""
        super().__init__(message, hint=hint)
        self.causes: Mapping[int, str] = dict.fromkeys(numbers, message)
        """By number."""
        self.missing = missing

    @staticmethod
    def of_several(errors: Sequence[VolumeHurt]) -> VolumeHurt:
        """All of them as one."""
        if len(errors) == 1:
            return errors[0]
        hint = next((one.hint for one in errors if one.hint), None)
        missing = all(one.missing for one in errors)
        result = VolumeHurt("; ".join(dict.fromkeys(map(str, errors))), (), missing=missing, hint=hint)
        result.causes = {number: cause for one in errors for number, cause in one.causes.items()}
        return result
