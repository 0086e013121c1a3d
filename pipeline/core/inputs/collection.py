"""From folders to items: people, garments, backgrounds, and which person wears what."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

from pipeline.core.errors import UsageError
from pipeline.core.inputs.ids import unique_ids
from pipeline.core.inputs.outfits import outfit_pairs
from pipeline.core.inputs.pairs import has_pair_file, pair_files, read_pairs, spellings
from pipeline.core.inputs.scan import Problem, find_pictures
from pipeline.core.items import Background, Garment, Pair, Person, Scene
from pipeline.core.labels import Category
from pipeline.core.layout import (
    BACKGROUND_INPUTS,
    CLOTH_INPUTS,
    INPUT_PREFIX,
    OLDER_BACKGROUND_INPUTS,
    ORIGINAL,
    PAIR_LISTS,
    PERSON_INPUTS,
    POSITION_FILE,
    Layout,
    Ref,
)

ChooseEngine = Callable[[Category], str]
RecipeOf = Callable[[str], str]
"""The agnostic recipe that an engine was trained with; "" = the default."""


GuessCategory = Callable[[Ref], Category]
"""The category of a garment picture whose folder does not name it."""


def no_recipe(engine: str) -> str:
    """The default recipe for every engine."""
    return ""


def upper(source: Ref) -> Category:
    """The category `upper` for every garment whose folder does not name another."""
    return Category.UPPER


@dataclass(frozen=True)
class Collection:
    """Everything a run may work on.

    Args:
        persons, garments, backgrounds: in a fixed order, by name.
        pairs: which person wears which garment, by which engine; of an outfit its last pass.
        problems: inputs that cannot be used, each with a reason.
        notes: what was assumed about the pair list.
    """

    persons: tuple[Person, ...] = ()
    garments: tuple[Garment, ...] = ()
    backgrounds: tuple[Background, ...] = ()
    pairs: tuple[Pair, ...] = ()
    problems: tuple[Problem, ...] = field(default_factory=tuple)
    notes: tuple[str, ...] = ()

    @cached_property
    def first_passes(self) -> tuple[Pair, ...]:
        """What outfits begin with, each once; a pair that is wanted for itself too is among them."""
        earlier = {each.id: each for pair in self.pairs for each in pair.passes[:-1]}
        return tuple(earlier.values())

    @cached_property
    def derived(self) -> tuple[Person, ...]:
        """What the first passes make, each once: people in the first garment of an outfit."""
        made = {pair.person.id: pair.person for pair in self.pairs if pair.person.after is not None}
        return tuple(made.values())

    def scenes(self) -> Iterable[Scene]:
        """Every pair in front of every background; the photo's own background belongs to the pair itself."""
        return (Scene(pair, background) for pair in self.pairs for background in self.backgrounds)


def discover(
    layout: Layout, choose_engine: ChooseEngine, recipe_of: RecipeOf = no_recipe, guess: GuessCategory = upper
) -> Collection:
    """Read the inputs folder.

    Args:
        layout: where the inputs are.
        choose_engine: the engine for a garment's category.
        recipe_of: the agnostic recipe that an engine wants.
        guess: the category of garments whose folder does not name it.
    """
    people, problems = _find(layout, PERSON_INPUTS, ())
    scenery, more = _scenery(layout)
    garments, yet_more = _garments(layout, guess)
    persons = tuple(Person(name, source) for name, source in people)
    listed = read_pairs(layout, persons, garments)
    pairs = [Pair(person, garment, choose_engine(garment.category)) for person, garment in listed.pairs]
    if listed.outfits:
        pairs += outfit_pairs(listed.outfits, choose_engine, [*(each.id for each in persons), *(each.id for each in garments)])
    return with_categories(
        Collection(
            persons=persons,
            garments=garments,
            backgrounds=tuple(Background(name, source) for name, source in scenery),
            pairs=tuple(pairs),
            problems=(*problems, *more, *yet_more, *listed.problems),
            notes=listed.notes,
        ),
        recipe_of,
    )


def with_categories(collection: Collection, recipe_of: RecipeOf = no_recipe) -> Collection:
    """Give each person the garment categories of its pairs, and their recipes, so that parsing makes only those masks."""
    wanted: dict[str, dict[Category, str]] = defaultdict(dict)
    for pair in (*collection.first_passes, *collection.pairs):
        wanted[pair.person.id][pair.garment.category] = pair.engine
    engines = {engine for choice in wanted.values() for engine in choice.values()}
    recipes = {engine: recipe_of(engine) for engine in engines}
    renewed = {person.id: _wearing(person, wanted[person.id], recipes) for person in collection.persons}

    def dressing(pair: Pair) -> Pair:
        person = pair.person
        if person.after is None:
            return replace(pair, person=renewed[person.id])
        return replace(pair, person=_wearing(replace(person, after=dressing(person.after)), wanted[person.id], recipes))

    return replace(collection, persons=tuple(renewed.values()), pairs=tuple(map(dressing, collection.pairs)))


def _wearing(person: Person, engines: Mapping[Category, str], recipes: Mapping[str, str]) -> Person:
    """The person with the categories wanted, in their fixed order, and the recipes where any engine names one."""
    categories = tuple(category for category in Category if category in engines)
    named = tuple(recipes[engines[category]] for category in categories)
    return replace(person, categories=categories or (Category.UPPER,), recipes=named if any(named) else ())


def _find(layout: Layout, folder: str, taken: Sequence[str]) -> tuple[list[tuple[str, Ref]], list[Problem]]:
    names, problems = find_pictures(layout.inputs / folder, layout.inputs)
    refs = [f"{INPUT_PREFIX}{folder}/{name}" for name in names]
    return list(zip(unique_ids(names, taken), refs, strict=True)), problems


def _scenery(layout: Layout) -> tuple[list[tuple[str, Ref]], list[Problem]]:
    """Backgrounds of `background/` and of the older folder `bg_images/`, which may also contain position files."""
    names, problems = find_pictures(layout.inputs / BACKGROUND_INPUTS, layout.inputs)
    older, left_out = find_pictures(layout.inputs / OLDER_BACKGROUND_INPUTS, layout.inputs)
    problems += [problem for problem in left_out if not problem.path.lower().endswith(POSITION_FILE)]
    refs = [f"{INPUT_PREFIX}{BACKGROUND_INPUTS}/{name}" for name in names]
    refs += [f"{INPUT_PREFIX}{OLDER_BACKGROUND_INPUTS}/{name}" for name in older]
    return list(zip(background_ids(names, older), refs, strict=True)), problems


def background_ids(names: Sequence[str], older: Sequence[str]) -> list[str]:
    """The id of every background: first of those in `background/`, then of those in the older folder `bg_images/`."""
    apart = [f"{OLDER_BACKGROUND_INPUTS}/{name}" if name in names else name for name in older]
    return unique_ids([*names, *apart], (ORIGINAL,))


def _garments(layout: Layout, guess: GuessCategory) -> tuple[tuple[Garment, ...], list[Problem]]:
    """Garments with the category of their first folder, or the guessed one."""
    names, problems = find_pictures(layout.inputs / CLOTH_INPUTS, layout.inputs)
    categories = [_category(name) for name in names]
    below = [name if category is None else name.partition("/")[2] for name, category in zip(names, categories, strict=True)]
    garments = [
        _garment(ident, f"{INPUT_PREFIX}{CLOTH_INPUTS}/{name}", category, guess)
        for ident, name, category in zip(unique_ids(below), names, categories, strict=True)
    ]
    return tuple(garments), problems


def _garment(ident: str, source: Ref, category: Category | None, guess: GuessCategory) -> Garment:
    return Garment(ident, source, category) if category is not None else Garment(ident, source, guess(source), given=False)


def _category(name: str) -> Category | None:
    head, _, rest = name.partition("/")
    return Category(head.lower()) if rest and head.lower() in list(Category) else None


MAX_NAMED = 5
"""At most this many inputs without a pair are named."""
Named = TypeVar("Named", Person, Garment, Background)


def select(collection: Collection, only: Sequence[str] = (), skip: Sequence[str] = (), limit: int | None = None) -> Collection:
    """Restrict a collection by globs on ids, file names and paths.

    A glob restricts the kinds it matches: `--only 'beach_*'` keeps those people and all garments and backgrounds. A glob with
    a double underscore is compared with pair ids. An outfit is wanted where one of its garments is, and left out likewise.

    Args:
        only: keep the items that match one of the globs.
        skip: leave out the items that match.
        limit: keep the first so many people.

    Raises:
        UsageError: a glob that matches nothing.
    """
    for glob in (*only, *skip):
        _must_match(glob, collection)
    pair_globs = [glob for glob in only if "__" in glob]
    plain = [glob for glob in only if "__" not in glob]
    persons = _restrict(collection.persons, plain, skip)[:limit]
    garments = _restrict(collection.garments, plain, skip)
    left_out = {item.id for item in collection.garments if any(matches(item, glob) for glob in skip)}
    keep = {item.id for item in persons}, {item.id for item in garments}
    pairs = [pair for pair in collection.pairs if pair.person.original.id in keep[0] and _worn(pair, keep[1], left_out)]
    pairs = [pair for pair in pairs if not any(_names(pair, glob) for glob in skip if "__" in glob)]
    if pair_globs:
        pairs = [pair for pair in pairs if any(_names(pair, glob) for glob in pair_globs)]
        used = _used(pairs)
        persons = tuple(item for item in persons if item.id in used[0])
        garments = tuple(item for item in garments if item.id in used[1])
    further = {garment.id for pair in pairs for garment in pair.garments} - {item.id for item in garments}
    if further:
        garments = tuple(item for item in collection.garments if item.id in keep[1] | further)
    backgrounds = _restrict(collection.backgrounds, plain, skip)
    return replace(collection, persons=persons, garments=garments, backgrounds=backgrounds, pairs=tuple(pairs))


def _worn(pair: Pair, wanted: Set[str], left_out: Set[str]) -> bool:
    """Whether one of a pair's garments is wanted and none is left out."""
    if pair.person.after is None:
        return pair.garment.id in wanted
    worn = {garment.id for garment in pair.garments}
    return bool(worn & wanted) and not worn & left_out


def _names(pair: Pair, glob: str) -> bool:
    """Whether a glob fits the pair's id, or that of its person with one of its garments."""
    if pair.person.after is None:
        return _glob(pair.id, glob)
    single = (Pair(pair.person.original, garment, pair.engine).id for garment in pair.garments)
    return any(_glob(name, glob) for name in (pair.id, *single))


def _used(pairs: Iterable[Pair]) -> tuple[Set[str], Set[str]]:
    """The ids of all people and garments of some pairs."""
    every = [each for pair in pairs for each in pair.passes]
    return {each.person.id for each in every}, {each.garment.id for each in every}


def _restrict(items: tuple[Named, ...], only: Sequence[str], skip: Sequence[str]) -> tuple[Named, ...]:
    wanted = [item for item in items if any(matches(item, glob) for glob in only)] or list(items)
    return tuple(item for item in wanted if not any(matches(item, glob) for glob in skip))


def matches(item: Person | Garment | Background, glob: str) -> bool:
    """Whether a glob fits an item's id, its file name, or its path below the inputs folder."""
    return any(_glob(text, glob) for text in spellings(item.id, item.source))


def _glob(text: str, glob: str) -> bool:
    return fnmatch.fnmatchcase(text.casefold(), glob.casefold())


def _must_match(glob: str, collection: Collection) -> None:
    items: tuple[Person | Garment | Background, ...] = (*collection.persons, *collection.garments, *collection.backgrounds)
    if any(matches(item, glob) for item in items) or any(_names(pair, glob) for pair in collection.pairs):
        return
    some = ", ".join(item.id for item in items[:8])
    raise UsageError(
        f"{glob!r} matches no person, garment, background or pair", f"there are for example: {some or 'no inputs at all'}"
    )


def paired_only(collection: Collection, layout: Layout) -> Collection:
    """Leave out the people and garments that no line of the pairs file names, where there is one."""
    if not has_pair_file(layout):
        return collection
    people, clothes = _used(collection.pairs)
    persons = tuple(item for item in collection.persons if item.id in people)
    garments = tuple(item for item in collection.garments if item.id in clothes)
    left_out = [item.id for item in collection.persons if item.id not in people]
    left_out += [item.id for item in collection.garments if item.id not in clothes]
    note = _unpaired_note(left_out, layout)
    return replace(collection, persons=persons, garments=garments, notes=(*collection.notes, *note))


def _unpaired_note(names: Sequence[str], layout: Layout) -> tuple[str, ...]:
    """Says which people and garments no line names: somebody who adds a photo expects a picture of it."""
    if not names:
        return ()
    shown = ", ".join(names[:MAX_NAMED]) + (f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else "")
    files = " or ".join(str(path) for path in pair_files(layout))
    return (f"nothing is made of {shown}: no line of {files} names them; add one, or remove the file to pair all with all",)


def pair_lists(collection: Collection) -> dict[Ref, str]:
    """The VITON-HD pair files: `person.jpg cloth.jpg` a line, one file per garment category that occurs."""
    lines: dict[Category, list[str]] = defaultdict(list)
    for pair in {each.id: each for each in (*collection.first_passes, *collection.pairs)}.values():
        lines[pair.garment.category].append(f"{pair.person.id}.jpg {pair.garment.id}.jpg")
    return {PAIR_LISTS[category]: "\n".join(rows) + "\n" for category, rows in lines.items()}
