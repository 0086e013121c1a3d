"""The folders behind the page: their items, and whether anything in them changed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from pipeline.api import PreparedRun, Request, prepare
from pipeline.core.inputs.collection import Collection, discover
from pipeline.core.items import ORIGINAL_BACKGROUND, Background, Garment, Pair, Person, Scene
from pipeline.core.layout import CONFIG_FILE, FINAL, LEDGER, Layout, Ref
from pipeline.review.input_stamp import InputStamp, stamp_of

Named = TypeVar("Named")


class UnknownItemError(LookupError):
    """No such person, garment, background or scene."""


@dataclass(frozen=True)
class Items:
    """All items, by id.

    Args:
        prepared: the request with settings and engines chosen.
        every: all people, garments and backgrounds, whether or not the pairs file names them.
        scenes: the finished pictures that are wanted, by id, in the order of the pairs.
    """

    prepared: PreparedRun
    every: Collection
    scenes: Mapping[str, Scene]

    @property
    def wanted(self) -> Collection:
        """The items that the pairs file names; all, without one."""
        return self.prepared.assembly.everything

    def scene(self, ident: str) -> Scene:
        """One finished picture."""
        return _known(self.scenes, ident, "picture")

    def person(self, ident: str) -> Person:
        """One person, or what the first pass of an outfit makes of one."""
        return _known(self._persons, ident, "person")

    def garment(self, ident: str) -> Garment:
        """One garment."""
        return _known(self._garments, ident, "garment")

    def background(self, ident: str) -> Background:
        """One background."""
        return _known(self._backgrounds, ident, "background")

    def pair(self, ident: str) -> Pair:
        """One pair."""
        return _known(self._pairs, ident, "pair")

    @cached_property
    def _persons(self) -> Mapping[str, Person]:
        return {each.id: each for each in (*self.wanted.persons, *self.every.persons, *self.wanted.derived)}

    @cached_property
    def _garments(self) -> Mapping[str, Garment]:
        return {each.id: each for each in self.every.garments}

    @cached_property
    def _backgrounds(self) -> Mapping[str, Background]:
        return {each.id: each for each in self.every.backgrounds}

    @cached_property
    def _pairs(self) -> Mapping[str, Pair]:
        return {each.id: each for each in self.wanted.pairs}


class Workspace:
    """Reads the inputs folder again when it changed.

    Args:
        request: folders and settings.
    """

    def __init__(self, request: Request) -> None:
        self.request = replace(request, inputs=request.inputs.absolute(), outputs=request.outputs.absolute())
        self.layout: Layout = self.request.layout
        self._inputs = InputStamp(self.layout.inputs, self.request.config or self.layout.inputs.parent / CONFIG_FILE)
        self._guard = threading.Lock()
        self._stamp = ""
        self._items: Items | None = None

    def items(self) -> Items:
        """The items of the inputs folder as it is now.

        Raises:
            LookbookError: a setting or the inputs folder does not fit.
        """
        with self._guard:
            stamp = self._inputs.quickly()
            if self._items is None or stamp != self._stamp:
                self._items = self._read()
                self._stamp = stamp
            return self._items

    def _read(self) -> Items:
        self.layout.inputs.mkdir(parents=True, exist_ok=True)
        prepared = prepare(replace(self.request, steps=()))
        every = discover(self.layout, lambda category: "", guess=prepared.guesser)
        backgrounds = (ORIGINAL_BACKGROUND, *prepared.assembly.everything.backgrounds)
        scenes = (Scene(pair, background) for pair in prepared.assembly.everything.pairs for background in backgrounds)
        return Items(prepared, every, {scene.id: scene for scene in scenes})

    def inputs_stamp(self) -> str:
        """A text that changes when an input is added, removed or replaced, or a setting changes; costs one listing."""
        return self._inputs.of_now()

    def outputs_stamp(self) -> str:
        """A text that changes when a run records a result, or when finished pictures are added or removed."""
        ledgers = (stamp_of(path) for path in sorted(self.layout.path(LEDGER).glob("*.sqlite")))
        folders = (str(path.stat().st_mtime_ns) for path in sorted(self.layout.path(FINAL.path).glob("*")))
        return "|".join((*ledgers, *folders))

    def plain(self, text: str) -> str:
        """A message without this machine's folders: `…/shop/inputs/person/ann.jpg` → `inputs/person/ann.jpg`."""
        for folder in (self.layout.inputs, self.layout.outputs):
            text = text.replace(f"{folder.parent}/", "")
        return text


def version_of(layout: Layout, ref: Ref) -> str:
    """24 hex digits that change with a file's content, "" when it is not there. Never reads the file."""
    stamp = stamp_of(layout.path(ref))
    return stamp and hashlib.sha256(f"{ref}\0{stamp}".encode("utf-8", "surrogateescape")).hexdigest()[:24]


def _known(items: Mapping[str, Named], ident: str, kind: str) -> Named:
    try:
        return items[ident]
    except KeyError:
        raise UnknownItemError(f"no {kind} {ident!r}") from None
