"""What an artefact was made from, as one short text: the same text means the same bytes.

See docs/architecture.md#one-place-for-each-kind-of-knowledge.

A fingerprint covers the contents of the input files in the order of their roles, the resolved settings, the step's name and
version, and its signature (backend, weights, engine, seed). It never covers a path, a host, a clock or source text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from pipeline.core.items import Item
from pipeline.core.layout import Ref
from pipeline.core.step import Step

FINGERPRINT_DIGITS = 32
SHORT_DIGITS = 12
"""Digits of a content hash kept in a basis, where it only has to explain."""
ABSENT = "-"

ContentOf = Callable[[Ref], str | None]
"""The content hash of a file; None when it is not there."""


def sha256_of_bytes(data: bytes) -> str:
    """Lower-case hex of a file's future contents."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Lower-case hex of a file's contents, read in pieces.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@dataclass(frozen=True, slots=True)
class Basis:
    """The parts behind a fingerprint, kept so that a later plan can say what changed.

    Args:
        version: the step's version.
        settings: the resolved settings.
        signature: what else decides the pixels.
        inputs: input file → shortened content hash, `-` for an optional file that was absent.
    """

    version: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    signature: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[Ref, str] = field(default_factory=dict)

    def to_json(self) -> str:
        """Compact text for the ledger."""
        parts = {"version": self.version, "settings": self.settings, "signature": self.signature, "inputs": self.inputs}
        return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def basis_from_json(text: str) -> Basis:
    """The inverse of `Basis.to_json`."""
    return Basis(**json.loads(text))


class Fingerprinter:
    """Fingerprints of one step's items; what is the same for all of them is hashed once.

    Args:
        step: whose items.
        content_of: looks up content hashes.
    """

    def __init__(self, step: Step, content_of: ContentOf) -> None:
        self._step = step
        self._content_of = content_of
        self._settings: dict[str, Any] = step.config.model_dump(mode="json")
        self._models = {f"weights {name}": sha256 for name, sha256 in step.model_files.items()}
        head = json.dumps([step.name, step.version, self._settings, self._models], sort_keys=True, ensure_ascii=False)
        self._head = hashlib.sha256(head.encode())

    def of(self, item: Item, reads: Sequence[Ref] | None = None) -> str | None:
        """The fingerprint the item would get now; None when a file it must read is absent.

        Args:
            item: one of the step's.
            reads: `step.reads(item)`, where the caller has it already.
        """
        content_of = self._content_of
        contents = [content_of(ref) for ref in (self._step.reads(item) if reads is None else reads)]
        if None in contents:
            return None
        parts = cast("list[str]", contents)
        parts.append("may")
        for ref in self._step.may_read(item):
            parts.append(content_of(ref) or ABSENT)
        for pair in sorted(self._step.signature(item).items()):
            parts.append("=".join(pair))
        digest = self._head.copy()
        digest.update("\0".join(parts).encode())
        return digest.hexdigest()[:FINGERPRINT_DIGITS]

    def basis(self, item: Item) -> Basis:
        """The parts of the item's fingerprint as they are now."""
        refs = [*self._step.reads(item), *self._step.may_read(item)]
        inputs = {ref: (self._content_of(ref) or ABSENT)[:SHORT_DIGITS] for ref in refs}
        return Basis(self._step.version, self._settings, {**self._step.signature(item), **self._models}, inputs)
