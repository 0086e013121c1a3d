"""The agnostic step: the person without the garment to replace, for each garment category that some pair needs.

A step of its own after parsing, so that a retouched parse map is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import field_validator

from pipeline.core import images, layout, masks
from pipeline.core.config import StepConfig
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import Frame, check_canvas_size
from pipeline.core.items import Item, Person, Unit
from pipeline.core.labels import SIDE_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.layout import Ref
from pipeline.core.masks import Mask
from pipeline.core.step import Encode, Produced, StepBase
from preprocess.agnostic.layers import layer_notices
from preprocess.agnostic.parse_agnostic import parse_agnostic
from preprocess.agnostic.rules.conditions import Conditions, MaskRule, ReducedParse
from preprocess.agnostic.rules.hands import VERSION as HANDS_VERSION
from preprocess.agnostic.rules.hands import source as hand_source
from preprocess.agnostic.rules.keep import HANDS, Keepable
from preprocess.agnostic.rules.table import AUTO, RULES, agnostic_mask, name_for, rule_for, rule_named
from preprocess.agnostic.shown_arms import with_shown_arms
from preprocess.agnostic.strokes import Margins
from preprocess.agnostic.waist import Waist, lower_unseen, settled_waist, short_one_piece
from preprocess.person.body import Joints, leg_in_view
from preprocess.person.body_parts import read_index
from preprocess.person.parse_lists import read_opinions
from preprocess.person.person_view import read_openpose_joints

SHARES: dict[Category, tuple[float, float]] = {
    Category.UPPER: (0.05, 0.72),
    Category.LOWER: (0.05, 0.65),
    Category.DRESS: (0.10, 0.82),
}
"""Usual share of the canvas per category; a mask outside these limits is flagged."""


class AgnosticConfig(StepConfig):
    """Settings of the agnostic masks."""

    margin: float = 0.046
    """Margin around the worn garment, as a share of the body's width (12 px on a VITON-HD photo)."""
    hem_margin: float = 0.03
    """How far the mask reaches below the worn garment's hem, as a share of the body's width."""
    recipe: str = AUTO
    """The mask rule: auto (the one with which the try-on engine was trained), hr-viton, viton-hd, ootd-hd, catvton, …"""
    keep: tuple[Keepable, ...] = ()
    """What no mask covers: hands (never drawn anew, see docs/hands.md), hair, bags, scarf."""

    @field_validator("recipe")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in {AUTO, *RULES}:
            raise ValueError(f"allowed are {', '.join((AUTO, *RULES))}")
        return name


@dataclass(frozen=True)
class AgnosticInputs:
    """What one person's masks are made of, all on the same canvas.

    Args:
        person: the item.
        image: (h, w, 3) uint8 RGB.
        conditions: what the rules look at.
        rules: one per wanted category.
    """

    person: Person
    image: NDArray[np.uint8]
    conditions: Conditions
    rules: Mapping[Category, MaskRule]


class AgnosticStep(StepBase):
    """Masks and reduced parse maps."""

    name: ClassVar[str] = "agnostic"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 5
    config: AgnosticConfig
    seconds = 0.1

    def reads(self, item: Item) -> Sequence[Ref]:
        """Picture, parse map, key-points; body parts for rules that need them."""
        names = self._rule_names(item).values()
        parts = (layout.DENSEPOSE_IUV,) if any(rule_named(name).needs_parts for name in names) else ()
        return [kind.of(item.id) for kind in (layout.IMAGE, layout.PARSE, layout.POSE_JSON, *parts)]

    def may_read(self, item: Item) -> Sequence[Ref]:
        """Landmarks, for joints outside the frame (a downloaded data set has none); for bags, the matte and ATR's labels."""
        matte = (layout.MATTE,) if "bags" in self.config.keep else ()
        lists = (layout.PARSE_LISTS,) if self._weighs_opinions(item) else ()
        parts = (layout.DENSEPOSE_IUV,) if HANDS in self.config.keep else ()
        return [kind.of(item.id) for kind in (layout.LANDMARKS, layout.FRAME, *matte, *lists, *parts)]

    def _weighs_opinions(self, item: Item) -> bool:
        rules = [rule_named(name) for name in self._rule_names(item).values()]
        return "bags" in self.config.keep or any(rule.weighs_opinions for rule in rules)

    def signature(self, item: Item) -> Mapping[str, str]:
        """The mask rule of each category, and how hands are found where they are kept."""
        hands = {HANDS: HANDS_VERSION} if HANDS in self.config.keep else {}
        return hands | {f"{category.value}_recipe": name for category, name in self._rule_names(item).items()}

    def _rule_names(self, item: Item) -> dict[Category, str]:
        assert isinstance(item, Person)
        of_engines = item.recipes or ("",) * len(item.categories)
        wanted = zip(item.categories, of_engines, strict=True)
        return {category: name_for(self.config.recipe, of_engine) for category, of_engine in wanted}

    def writes(self, item: Item) -> Sequence[Ref]:
        """Mask and reduced parse map per category; the grey picture follows the mask in a step of its own."""
        assert isinstance(item, Person)
        kinds = (layout.PARSE_AGNOSTIC, layout.AGNOSTIC_MASK)
        return [kind.of(item.id, category) for category in item.categories for kind in kinds]

    def read(self, item: Item) -> AgnosticInputs:
        """Decode.

        Raises:
            InputError: parse map or body parts do not have the picture's size, or a rule does not cover a category.
        """
        assert isinstance(item, Person)
        rules = {category: rule_for(category, name) for category, name in self._rule_names(item).items()}
        image = images.read_rgb(self.layout.path(layout.IMAGE.of(item.id)))
        parse = images.read_labels(self.layout.path(layout.PARSE.of(item.id)))
        check_canvas_size(self.layout, layout.PARSE.of(item.id), parse.shape, image.shape)
        parts = self._parts(item, image) if self._uses_parts(item, rules.values()) else None
        margins = Margins(self.config.margin, self.config.hem_margin)
        lists = self.layout.path(layout.PARSE_LISTS.of(item.id))
        opinions, bag = read_opinions(lists, parse) if self._weighs_opinions(item) and lists.is_file() else ((), None)
        conditions = Conditions(
            parse, read_openpose_joints(self.layout, item), parts, self._matte(item, image), margins, opinions, bag
        )
        return AgnosticInputs(item, image, conditions, rules)

    def _uses_parts(self, item: Person, rules: Iterable[MaskRule]) -> bool:
        """Whether a rule needs body parts, or they are there and hands are kept."""
        there = self.layout.path(layout.DENSEPOSE_IUV.of(item.id)).is_file()
        return any(rule.needs_parts for rule in rules) or (HANDS in self.config.keep and there)

    def _parts(self, item: Person, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        ref = layout.DENSEPOSE_IUV.of(item.id)
        parts = read_index(self.layout.path(ref))
        check_canvas_size(self.layout, ref, parts.shape, image.shape)
        return parts

    def _matte(self, item: Person, image: NDArray[np.uint8]) -> Mask | None:
        """(h, w) bool: the person on the canvas; None when no bags are kept or no matte exists."""
        matte, frame = (self.layout.path(kind.of(item.id)) for kind in (layout.MATTE, layout.FRAME))
        if "bags" not in self.config.keep or not (matte.is_file() and frame.is_file()):
            return None
        person = Frame.from_json(frame.read_text("utf-8")).to_canvas(images.read_grey(matte), fill=0) >= 128
        check_canvas_size(self.layout, layout.FRAME.of(item.id), person.shape, image.shape)
        return person

    def run(self, inputs: Sequence[AgnosticInputs]) -> Sequence[Produced]:
        """Make the masks, one person at a time."""
        return [self._one(each) for each in inputs]

    def _one(self, inputs: AgnosticInputs) -> Produced:
        files: dict[Ref, Encode] = {}
        notices: list[Notice] = []
        facts: dict[str, str] = {}
        waist = settled_waist(inputs.conditions.parse, inputs.image, inputs.conditions.body)
        shown = with_shown_joints(inputs.conditions)
        for category in inputs.person.categories:
            rule = inputs.rules[category]
            given = inputs.conditions if rule.as_published else shown
            conditions = with_settled_waist(given, waist, category, rule)
            mask = agnostic_mask(rule, category, conditions, self.config.keep)
            files |= artefacts(inputs.person, category, mask, conditions, rule.reduced_parse or parse_agnostic)
            notices += mask_notices(category, mask, conditions.body)
            facts |= {f"{category.value}_share": f"{mask.mean():.3f}", f"{category.value}_recipe": rule.name}
        if HANDS in self.config.keep:
            facts |= {f"{side}_{HANDS}": hand_source(inputs.conditions, side) for side in SIDE_LABELS}
        notices += waist_notices(inputs.person, waist, inputs.conditions)
        notices += layer_notices(inputs.rules.items(), inputs.conditions.parse, inputs.conditions.body)
        return Produced(files=files, notices=tuple(notices), facts=facts)


def with_settled_waist(conditions: Conditions, waist: Waist, category: Category, rule: MaskRule) -> Conditions:
    """The conditions of one category: a lower garment covers what is not surely upper, unless the rule is the published one."""
    if category is not Category.LOWER or rule.as_published:
        return conditions
    moved = waist.parse != conditions.parse
    opinions = tuple(np.where(moved & masks.labelled(each, UPPER_LABELS), waist.parse, each) for each in conditions.opinions)
    return replace(conditions, parse=waist.parse, opinions=opinions)


def with_shown_joints(conditions: Conditions) -> Conditions:
    """The conditions without arms that were only guessed behind something; the parse map says where the person is."""
    return replace(conditions, body=with_shown_arms(conditions.body, conditions.parse != Parse.BACKGROUND))


def waist_notices(person: Person, waist: Waist, conditions: Conditions) -> list[Notice]:
    """The flag of two garments that look so much alike that their border, or that they are two, is a guess.

    A dress replaces both, so it makes no difference there.
    """
    if set(person.categories) == {Category.DRESS}:
        return []
    if waist.guessed:
        return [Notice(Flag.GARMENTS_ALIKE, f"{waist.alike:.0%} of their colours are the same")]
    if lower_unseen(conditions.parse, conditions.body):
        return [Notice(Flag.GARMENTS_ALIKE, "nothing was found that is worn on the legs: it looks like skin, or like the top")]
    if short_one_piece(conditions.parse, conditions.body):
        return [Notice(Flag.GARMENTS_ALIKE, "a dress by its colour, but short enough to be a top and shorts")]
    return []


def artefacts(person: Person, category: Category, mask: Mask, conditions: Conditions, reduced: ReducedParse) -> dict[Ref, Encode]:
    """The encoders of one category's files."""
    return {
        layout.AGNOSTIC_MASK.of(person.id, category): lambda: images.mask_png(mask),
        layout.PARSE_AGNOSTIC.of(person.id, category): lambda: images.labels_png(
            reduced(category, conditions.parse, conditions.body)
        ),
    }


def mask_notices(category: Category, mask: Mask, body: Joints) -> list[Notice]:
    """Flags of one mask: an unusual share of the frame, or a garment for legs that are not in the photo."""
    if category != Category.UPPER and not leg_in_view(body, (mask.shape[0], mask.shape[1])):
        return [Notice(Flag.LEGS_NOT_VISIBLE, category.value)]
    return share_notices(category, mask)


def share_notices(category: Category, mask: Mask) -> list[Notice]:
    """Flags of a mask that covers an unusual share of the frame."""
    least, most = SHARES[category]
    share = float(mask.mean())
    detail = f"{category.value}: {share:.0%} of the frame, usual are {least:.0%} to {most:.0%}"
    notices = []
    if share < least:
        notices.append(Notice(Flag.MASK_TOO_SMALL, detail))
    if share > most:
        notices.append(Notice(Flag.MASK_TOO_LARGE, detail))
    return notices
