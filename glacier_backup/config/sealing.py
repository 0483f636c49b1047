"""What a section says of its seal, over what ``[main]`` does → the seal that is in force, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from glacier_backup.config.given import Given, Spot
from glacier_backup.config.layers import laid_over
from glacier_backup.config.recipients import complaint, is_private
from glacier_backup.config.seal_options import SEAL_OPTIONS
from glacier_backup.config.seal_settings import SealSettings
from glacier_backup.config.seal_values import PASSWORDS
from glacier_backup.errors import Problem
from glacier_backup.seal.order import COMPRESSION, ENCRYPTION, PARITY, SPLIT

SEAL = frozenset(option.name for option in SEAL_OPTIONS)

_BY_DEFAULT = ("split", "age")
"""What ``encrypt = yes`` stands for by itself."""

_OF_STEPS: Mapping[str, tuple[str, ...]] = {
    "recipients": ("age", "gpg"),
    "recipients_file": ("age", "gpg"),
    "zstd_level": ("zstd",),
    "gzip_level": ("gzip",),
    "openssl_cipher": ("openssl",),
    "openssl_digest": ("openssl",),
    "openssl_iterations": ("openssl",),
    "volume_size": ("split",),
    "volume_names": ("split",),
    "redundancy": ("par2",),
}
"""Options that mean something for these steps alone."""


class Seal(NamedTuple):
    """What is in force in one section, or of what lies in none."""

    given: dict[str, Given]
    """The options of seals, those of ``[main]`` where the section has none; ``seal`` says all steps there are."""

    def settings(self) -> SealSettings:
        """Only when nothing is wrong."""
        values = {name: given.value for name, given in self.given.items() if name != "encrypt"}
        origins = tuple((name, str(given.spot)) for name, given in self.given.items())
        return SealSettings.model_validate({**values, "origins": origins})

    @property
    def steps(self) -> tuple[str, ...]:
        """Also none where they can't be read."""
        return _texts(self.given.get("seal"))

    @property
    def encryption(self) -> str | None:
        return next((step for step in self.steps if step in ENCRYPTION), None)

    def has(self, *names: str) -> bool:
        """Whether any of these options says something, or tries to."""
        return any(name in self.given and self.given[name].value != () for name in names)


def only_seal(options: Mapping[str, Given]) -> dict[str, Given]:
    """Those of ``options`` that are about seals."""
    return {name: given for name, given in options.items() if name in SEAL}


def sealed_as(own: Mapping[str, Given], below: Seal | None = None) -> Seal:
    """What ``own`` options say, with what they don't say from ``below``."""
    given = laid_over({} if below is None else below.given, own)
    encrypt = own.get("encrypt")
    if encrypt is not None and "seal" not in own:
        given["seal"] = Given(_adapted(below, wanted=encrypt.value is True), encrypt.spot)
    return Seal(given)


def _adapted(below: Seal | None, *, wanted: bool) -> tuple[str, ...]:
    """The steps of ``below`` with one that encrypts, or without."""
    steps = () if below is None else below.steps
    if wanted == any(step in ENCRYPTION for step in steps):
        return steps
    if wanted:
        at = steps.index(SPLIT) + 1 if SPLIT in steps else sum(step in COMPRESSION for step in steps)
        return (*steps[:at], *(("age",) if SPLIT in steps else _BY_DEFAULT), *steps[at:])
    # What came with the encryption goes with it.
    says_split = PARITY in steps or (below is not None and "encrypt" not in below.given)
    return tuple(step for step in steps if step not in ENCRYPTION and (says_split or step != SPLIT))


def at_odds(own: Mapping[str, Given], seal: Seal) -> Iterator[Problem]:
    """What the ``own`` options of a section say against each other, and against ``encrypt`` of ``[main]``: that may say
    no where a section encrypts, but not the other way round."""
    yield from _private_keys(own)
    encrypt, steps = seal.given.get("encrypt"), own.get("seal")
    if encrypt is None or steps is None or steps.value is None:
        return
    encrypts = seal.encryption is not None
    written = ", ".join(seal.steps) or "none"
    if encrypt.value is True and not encrypts:
        spot = encrypt.spot if "encrypt" in own else steps.spot
        found = f"yes, and seal = {written}" if "encrypt" in own else f"{written}, and encrypt = yes ({encrypt.spot})"
        yield spot.problem(f"found {found}, which doesn't encrypt; expected age, gpg or openssl among its steps")
    elif encrypt.value is False and encrypts and "encrypt" in own:
        yield encrypt.spot.problem(f"found no, and seal = {written}, which encrypts; expected only one of them")


def lacking(seal: Seal) -> Iterator[Problem]:
    """What a seal that is in force can't do without, and what it can't do with."""
    steps, private = seal.given.get("seal"), seal.given.get("private_names")
    if steps is not None and seal.encryption is not None:
        yield from _keys_missing(steps.spot, seal)
        yield from _not_theirs(seal)
    elif private is not None and private.value is True and (steps is None or steps.value is not None):
        yield private.spot.problem(
            "found yes, and nothing encrypts: manifests and the copy of the catalog would tell all names; "
            "expected encrypt = yes, or a seal with age, gpg or openssl"
        )


def _keys_missing(asks: Spot, seal: Seal) -> Iterator[Problem]:
    passwords, recipients = seal.has(*PASSWORDS), seal.has("recipients", "recipients_file")
    if seal.encryption == "openssl" and not passwords:
        expected = "password_file, or another of the password options"
        yield asks.problem(f"openssl encrypts with a password, and there is none; expected {expected}")
    elif seal.encryption == "age" and not recipients and not passwords:
        expected = "recipients = age1… (age-keygen makes such a key), or password_file"
        yield asks.problem(f"age encrypts for a key or with a password, and there is neither; expected {expected}")
    elif seal.encryption == "gpg" and not recipients and not passwords:
        expected = "recipients = ID (gpg --list-keys names them), or password_file"
        yield asks.problem(f"gpg encrypts for a key or with a password, and there is neither; expected {expected}")


def _private_keys(own: Mapping[str, Given]) -> Iterator[Problem]:
    """Whatever the steps are: recipients are shown."""
    given = own.get("recipients")
    if given is not None and any(map(is_private, _texts(given))):
        yield given.spot.problem(complaint(next(filter(is_private, _texts(given))), ""))


def _not_theirs(seal: Seal) -> Iterator[Problem]:
    """Recipients that aren't those of the step that encrypts."""
    given = seal.given.get("recipients")
    if given is None or seal.encryption not in ("age", "gpg"):
        return
    for one in _texts(given):
        wrong = "" if is_private(one) else complaint(one, seal.encryption)
        if wrong:
            yield given.spot.problem(wrong)


def several_passwords(seals: Iterable[Seal]) -> Iterator[Problem]:
    """Where keys are to be made that different passwords protect: there is one for all."""
    first = None
    for seal in seals:
        given = [seal.given[name] for name in PASSWORDS if name in seal.given]
        if seal.encryption != "age" or seal.has("recipients", "recipients_file") or not given:
            continue
        first = first or given[0]
        if (given[0].value, given[0].spot.name) != (first.value, first.spot.name):
            yield given[0].spot.problem(
                "one password protects the key that is made for all, and [main] or a section above has another; "
                "expected the same, or recipients"
            )


def idle(own: Mapping[str, Given], seals: Iterable[Seal]) -> Iterator[str]:
    """What is set and yet has no effect in any of the ``seals`` that it is for."""
    used = {step for seal in seals for step in seal.steps}
    for name, given in own.items():
        steps = _OF_STEPS.get(name, ())
        if steps and given.value != () and not used.intersection(steps):
            yield str(given.spot.problem(f"has no effect without the step {' or '.join(steps)} in seal"))


def _texts(given: Given | None) -> tuple[str, ...]:
    return given.value if given is not None and isinstance(given.value, tuple) else ()
