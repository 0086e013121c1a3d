"""What a step works on: a person, a garment, a pair, a scene.

Items are made once by `pipeline.core.inputs.collection` and carried everywhere; their ids name the artefacts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pipeline.core.labels import Category
from pipeline.core.layout import ORIGINAL, Ref


class Unit(StrEnum):
    """What a step is repeated over."""

    PERSON = "person"
    GARMENT = "garment"
    PAIR = "pair"
    SCENE = "scene"


@dataclass(frozen=True, slots=True)
class Person:
    """One photo of a person, or what the first pass of an outfit made of one.

    Args:
        id: unique, readable, free of spaces; the stem of every artefact.
        source: the photo.
        categories: the garment categories that some pair wants for this person; parsing makes one agnostic mask for each.
        recipes: per category the agnostic recipe that its engine was trained with, "" = the default; () = the default for all.
        after: the pass of an outfit whose result this person is; None = a photo.
    """

    id: str
    source: Ref
    categories: tuple[Category, ...] = (Category.UPPER,)
    recipes: tuple[str, ...] = ()
    after: Pair | None = None

    @property
    def original(self) -> Person:
        """The person in the photo that everything began with."""
        return self if self.after is None else self.after.person.original


@dataclass(frozen=True, slots=True)
class Garment:
    """One garment picture.

    Args:
        id: unique, readable, free of spaces; the stem of every artefact.
        source: the picture.
        category: what it replaces.
        given: its folder says the category; otherwise it was guessed from the picture.
    """

    id: str
    source: Ref
    category: Category = Category.UPPER
    given: bool = True


@dataclass(frozen=True, slots=True)
class Background:
    """One background picture; `ORIGINAL` stands for the person's own photo and has no source."""

    id: str
    source: Ref


@dataclass(frozen=True, slots=True)
class Pair:
    """A person and a garment, to be dressed by one engine; of an outfit, the last of its passes.

    Args:
        person, garment: who wears what; in a later pass of an outfit `person` is what the pass before it made.
        engine: name of the try-on engine.
        attempt: which of the pictures that different seeds give; it decides the dressed picture's bytes, not its name.
        outfit: of an outfit, what stands for all its garments in the id; "" = a single garment.
    """

    person: Person
    garment: Garment
    engine: str
    attempt: int = field(default=0, repr=False)
    outfit: str = ""

    @property
    def id(self) -> str:
        """`<person>__<garment>`, of an outfit `<person>__<outfit>`; single ids never contain a double underscore."""
        return f"{self.person.original.id}__{self.outfit or self.garment.id}"

    @property
    def passes(self) -> tuple[Pair, ...]:
        """The pairs to dress one after the other, itself the last: one, of an outfit two."""
        return (self,) if self.person.after is None else (*self.person.after.passes, self)

    @property
    def garments(self) -> tuple[Garment, ...]:
        """Everything that is put on, in the order of the passes."""
        return tuple(each.garment for each in self.passes)

    @property
    def categories(self) -> frozenset[Category]:
        """What its garments replace."""
        return frozenset(garment.category for garment in self.garments)

    @property
    def parts(self) -> tuple[str, ...]:
        """The ids of all that it is made of, itself the last: people, garments, passes."""
        return tuple(name for each in self.passes for name in (each.person.id, each.garment.id, each.id))


@dataclass(frozen=True, slots=True)
class Scene:
    """A dressed pair in front of a background."""

    pair: Pair
    background: Background

    @property
    def id(self) -> str:
        """`<person>__<garment>__<background>`."""
        return f"{self.pair.id}__{self.background.id}"


ORIGINAL_BACKGROUND = Background(ORIGINAL, "")

Item = Person | Garment | Pair | Scene
