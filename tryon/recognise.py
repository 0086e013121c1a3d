"""Which kind of model file is this? Recognised by the names of its tensors, and by the widths of a few where names are the same.

Every engine lists the kinds that it reads beside its code (`keys.py`), `tryon/other_files.py` lists those that none reads. A kind
that has another one's names too says so in `before`, so the order in which kinds are listed decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.core.errors import WeightsError

Shapes = Mapping[str, tuple[int, ...]]
"""Tensor name → shape, outermost axis first."""

SHOWN = 3
"""Names shown of a file that is unknown."""


@dataclass(frozen=True, kw_only=True)
class FileKind:
    """A kind of model file.

    Args:
        name: unique; what other kinds name in `before`.
        about: what it is, with its article: "a StableVITON checkpoint".
        has: tensor names that it has, all of them.
        inputs: weight → number of its input channels (its second axis), where names alone do not tell.
        before: kinds whose names it has too; a file of both is this one.
        engines: engines of the catalogue that read it.
        convert: what turns it into the form that loads in seconds, as `module:function`.
        convert_for: the same for engines for which it is another function.
        variants: `--variant` → engine, where models of one layout are told apart by it.
        claimed: engines whose files may have just these names too: they read one where the user says that it is theirs.
        inside: where the file lies in the folder that is the model, where a model is a folder.
        folder_names: what a part of that folder's path may be called → the engine whose model it is then.
        row: row of the weights table that it belongs to, where that is not the engine's first.
        advice: what to do with a file that no engine reads.
    """

    name: str
    about: str
    has: tuple[str, ...] = ()
    inputs: Mapping[str, int] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    engines: tuple[str, ...] = ()
    convert: str = ""
    convert_for: Mapping[str, str] = field(default_factory=dict)
    variants: Mapping[str, str] = field(default_factory=dict)
    claimed: tuple[str, ...] = ()
    inside: str = ""
    folder_names: Mapping[str, str] = field(default_factory=dict)
    row: str = ""
    advice: str = ""

    def lacks(self, shapes: Shapes) -> tuple[str, ...]:
        """What a file would need to be of this kind; empty when it is."""
        names = [name for name in self.has if name not in shapes]
        widths = [f"{name} with {count} inputs" for name, count in self.inputs.items() if not _takes(shapes, name, count)]
        return (*names, *widths)

    def share(self, shapes: Shapes) -> float:
        """How much of what is looked for is there, 0 to 1."""
        return 1 - len(self.lacks(shapes)) / (len(self.has) + len(self.inputs))


def recognise(shapes: Shapes, kinds: Iterable[FileKind]) -> FileKind | None:
    """The kind of a file; None when it is none of these."""
    fitting = [kind for kind in kinds if not kind.lacks(shapes)]
    first = [kind for kind in fitting if not any(kind.name in other.before for other in fitting)]
    assert len(first) <= 1, f"kinds of model files that need an order: {', '.join(sorted(kind.name for kind in first))}"
    return first[0] if first else None


def unknown_file(path: Path, shapes: Shapes, kinds: Sequence[FileKind]) -> WeightsError:
    """The error for a file of no known kind: what it holds, which kind is nearest, and what that would need."""
    nearest = max(kinds, key=lambda kind: kind.share(shapes))
    some = ", ".join(list(shapes)[:SHOWN])
    if nearest.share(shapes):
        looked_for = f"nearest: {nearest.about}, but without {', '.join(nearest.lacks(shapes))}"
    else:
        looked_for = "looked for: " + "; ".join(f"{kind.about} ({', '.join([*kind.has, *kind.inputs][:1])})" for kind in kinds)
    message = f"{path}: a model file of no known kind ({len(shapes)} tensors: {some} …)\n  {looked_for}"
    engines = "|".join(sorted({engine for kind in kinds for engine in kind.engines}))
    return WeightsError(message, f"name the engine to see every difference: python run.py weights convert {engines} {path}")


def other_engine(path: Path, kind: FileKind, wanted: str = "") -> WeightsError:
    """The error for a file that the wanted engine, or any engine, does not read."""
    reader = f"engine {wanted} does not read it" if wanted else "no engine here reads it"
    return WeightsError(f"{path}: this is {kind.about}; {reader}", kind.advice or f"python run.py weights convert {path}")


def _takes(shapes: Shapes, name: str, count: int) -> bool:
    return len(shapes.get(name, ())) > 1 and shapes[name][1] == count
