"""Flags of a published training script, with their meaning there, as settings here. A recipe gives its table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.core.errors import UsageError, nearest

Listed = Callable[[str, Sequence[str], Sequence[str]], list[str]]
"""A flag, its values and the settings so far → further settings."""


@dataclass(frozen=True, kw_only=True)
class PublishedFlags:
    """What a script knows.

    Args:
        numbers: flag with one value → the setting that it is.
        switches: flag without a value → `section.key=value`.
        lists: flag with several values → what makes settings of them.
        elsewhere: flag → where it is said here, or why it is not.
    """

    numbers: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, Listed] = field(default_factory=dict)
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def translate(self, words: Sequence[str]) -> tuple[tuple[str, ...], list[str]]:
        """Settings, and a line for each flag that says what became of it.

        Args:
            words: `--transform_size shiftscale3 hflip --use_atv_loss`.

        Raises:
            UsageError: a flag that the script does not have, or a value it does not know.
        """
        settings: list[str] = []
        lines: list[str] = []
        for flag, values in _grouped(words):
            if flag in self.elsewhere:
                lines.append(f"{' '.join([flag, *values])}: {self.elsewhere[flag]}")
                continue
            made = self._settings(flag, values, settings)
            settings += made
            lines.append(f"{' '.join([flag, *values])} = {' '.join(f'--set {each}' for each in made)}")
        return tuple(settings), lines

    def _settings(self, flag: str, values: Sequence[str], before: Sequence[str]) -> list[str]:
        if flag in self.lists:
            return self.lists[flag](flag, values, before)
        if flag in self.numbers and len(values) == 1:
            return [f"{self.numbers[flag]}={values[0]}"]
        if flag in self.switches:
            return [self.switches[flag]]
        known = [*self.lists, *self.numbers, *self.switches, *self.elsewhere]
        raise UsageError(f"{' '.join([flag, *values])}: no flag of the published script as it is written", nearest(flag, known))


def _grouped(words: Sequence[str]) -> list[tuple[str, list[str]]]:
    groups: list[tuple[str, list[str]]] = []
    for word in words:
        if word.startswith("--"):
            flag, equals, value = word.partition("=")
            groups.append((flag, [value] if equals else []))
        elif groups:
            groups[-1][1].append(word)
        else:
            raise UsageError(f"{word!r}: what is it?", "published flags begin with --")
    return groups


def epochs_of_two_phases(constant: int, decay: int) -> dict[str, Listed]:
    """`--niter` and `--niter_decay` of pix2pixHD's family: epochs at the whole rate, and of its fall; together the run's.

    Args:
        constant, decay: what the script has where a flag is not given.
    """
    keys = {"--niter": ("optimiser.constant_epochs", constant), "--niter_decay": ("optimiser.decay_epochs", decay)}

    def made(flag: str, values: Sequence[str], before: Sequence[str]) -> list[str]:
        (value,) = values
        other, usual = next(each for name, each in keys.items() if name != flag)
        given = next((int(each.partition("=")[2]) for each in before if each.startswith(f"{other}=")), usual)
        return [f"{keys[flag][0]}={value}", f"loop.epochs={int(value) + given}"]

    return dict.fromkeys(keys, made)
