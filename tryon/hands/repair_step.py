"""The hand repair as a part of `tryon`, after the engine: its picture in, the same with better hands out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pipeline.core import images
from pipeline.core.arrays import RGB
from pipeline.core.card import Resources
from pipeline.core.console import LOG
from pipeline.core.errors import InputError, UsageError
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import whole_photo
from pipeline.core.hands.facts import REPAIR, Fate, facts_of
from pipeline.core.hands.views import HandPlace, ReadHand, places, read_hand
from pipeline.core.items import Item, Pair, Unit
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.labels import BARE_LABELS
from pipeline.core.layout import AGNOSTIC_MASK, IMAGE, PARSE, POSE_JSON, REPAIRED, TEST, TRYON, Ref
from pipeline.core.machine.device import choose_device
from pipeline.core.masks import Mask, labelled, worn_under
from pipeline.core.seeds import noise_seed
from pipeline.core.step import Context, Produced, StepBase
from pipeline.core.weights.access import paths, require
from pipeline.core.weights.files import digest_of
from tryon.hands.config import PARTS, SEED_NEGATIVE, SEED_PROMPT, UNETS, RepairConfig, card_of
from tryon.hands.hand_masks import arm_mask, read_given_mask
from tryon.hands.visible import Hand, hands_of

if TYPE_CHECKING:
    from tryon.hands.painter import Painter


_LOG = logging.getLogger(LOG)
MASK_ENDINGS = ("_mask.png", ".png", ".jpg")


@dataclass(frozen=True)
class RepairInputs:
    """What one pair is repaired from, on the canvas.

    Args:
        pair: the item.
        dressed: (h, w, 3) uint8 RGB by the engine, and its recipe.
        photo: (h, w, 3) uint8 RGB: the person before.
        allowed: (h, w) bool, True = may be repainted.
        hands: of the photo.
        places: where these hands must be, by side.
        parse: (h, w) uint8 of `Parse`; only for the published way.
        worn: (h, w) bool, the garment that is replaced, where the parse map says it.
        bare: (h, w) bool, arms, hands and gloves, likewise.
        given: (h, w) bool, the user's mask of the hands, where there is one.
    """

    pair: Pair
    dressed: RGB
    recipe: Mapping[str, Any]
    photo: RGB
    allowed: Mask
    hands: Sequence[Hand]
    places: Mapping[str, HandPlace] = field(default_factory=dict)
    parse: NDArray[np.uint8] | None = None
    worn: Mask | None = None
    bare: Mask | None = None
    given: Mask | None = None


class HandRepairStep(StepBase):
    """The shell: read, repair, describe."""

    name: ClassVar[str] = REPAIR
    unit: ClassVar[Unit] = Unit.PAIR
    version: ClassVar[int] = 3
    config: RepairConfig

    def __init__(self, config: RepairConfig, context: Context) -> None:
        super().__init__(config, context)
        card = card_of(config)
        self.packages, self.seconds = card.packages, card.seconds
        self.resources: Resources = card.resources
        self.read_hand: ReadHand = read_hand
        self._said_unnamed = False

    def reads(self, item: Item) -> Sequence[Ref]:
        """The engine's picture, the person before, where hands are, and where may be painted."""
        pair = _pair(item)
        person = pair.person.id
        mask = AGNOSTIC_MASK.of(person, pair.garment.category)
        own = (TRYON.of(pair.id, pair.engine), IMAGE.of(person), POSE_JSON.of(person), mask)
        return (*own, PARSE.of(person)) if self.config.published else own

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The parse map, which says what is cloth where a hand is judged."""
        return () if self.config.published else (PARSE.of(_pair(item).person.id),)

    def writes(self, item: Item) -> Sequence[Ref]:
        """One picture below the engine's own folder."""
        pair = _pair(item)
        return (REPAIRED.of(pair.id, pair.engine),)

    def signature(self, item: Item) -> Mapping[str, str]:
        """Seed, and the contents of LoRA and given mask."""
        pair = _pair(item)
        mask = self._mask_file(pair)
        given = {"mask": digest_of(mask).sha256} if mask is not None else {}
        return {"seed": str(self._seed(pair)), "lora": self._lora_sha, **given}

    def load(self) -> None:
        """Open the networks."""
        _ = self.painter

    def read(self, item: Item) -> RepairInputs:
        """Decode everything.

        Raises:
            InputError: artefacts of different sizes; or a given mask that is none, or of another size.
        """
        pair = _pair(item)
        person, path = pair.person.id, self.layout.path
        source = path(TRYON.of(pair.id, pair.engine))
        keypoints = path(POSE_JSON.of(person))
        recipe = images.read_recipe(source) or {}
        mask = images.read_mask(path(AGNOSTIC_MASK.of(person, pair.garment.category)))
        points = keypoints.read_text("utf-8")
        parse = images.read_labels(path(PARSE.of(person))) if self.config.published or path(PARSE.of(person)).is_file() else None
        known = parse if parse is not None and parse.shape == mask.shape else None
        inputs = RepairInputs(
            pair=pair,
            dressed=images.read_rgb(source),
            recipe=recipe,
            photo=images.read_rgb(path(IMAGE.of(person))),
            allowed=np.ones_like(mask) if recipe.get("mask_free") else mask,
            hands=hands_of(points, str(keypoints)),
            places=places(keypoints_from_json(points, str(keypoints)), whole_photo(mask.shape, mask.shape)),
            parse=parse if self.config.published else None,
            worn=None if known is None else worn_under(known, pair.garment.category, mask),
            bare=None if known is None else labelled(known, BARE_LABELS),
            given=self._given(pair, mask),
        )
        sizes = {inputs.dressed.shape[:2], inputs.photo.shape[:2], inputs.allowed.shape}
        if len(sizes) > 1 or (inputs.parse is not None and inputs.parse.shape not in sizes):
            raise InputError(f"{pair.id}: picture, photo and mask differ in size: {sorted(sizes)}", "python run.py --force")
        return inputs

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Repair each pair."""
        return [self._published(each) if self.config.published else self._repaired(each) for each in inputs]

    @cached_property
    def painter(self) -> Painter:
        """The networks; opened at the first use."""
        from tryon.hands.base_model import Files
        from tryon.hands.painter import Painter

        weights = self.layout.weights
        unet, vae, text = (require(name, weights) for name in (UNETS[self._model], *PARTS[:2]))
        vocabulary = paths(PARTS[2], weights)["vocab.json"].parent
        return Painter(Files(unet, vae, text, vocabulary), self._painting, choose_device(self.context.device))

    @property
    def _model(self) -> str:
        return "plain" if self.config.published else self.config.model

    @property
    def _painting(self) -> RepairConfig:
        """The settings in use: those of the published way where it is asked for."""
        own = {"model": "plain", "lora_strength": 0.8, "strength": 0.65, "steps": 75, "guidance_scale": 7.5}
        words = {"prompt": SEED_PROMPT, "negative": SEED_NEGATIVE}
        return self.config.model_copy(update={**own, **words}) if self.config.published else self.config

    @cached_property
    def _lora_sha(self) -> str:
        if self.config.lora is None:
            return ""
        if not self.config.lora.is_file():
            raise UsageError(f"repair.lora: there is no file {self.config.lora}", "give a LoRA file, or leave it out")
        return digest_of(self.config.lora).sha256

    def _given(self, pair: Pair, like: Mask) -> Mask | None:
        """The user's mask of a person's hands; a line says what was assumed to read it."""
        file = self._mask_file(pair)
        if file is None:
            self._say_unnamed(pair)
            return None
        mask, assumed = read_given_mask(file, (like.shape[0], like.shape[1]))
        if assumed:
            _LOG.warning("%s: %s", file, ", ".join(assumed))
        return mask

    def _say_unnamed(self, pair: Pair) -> None:
        """Once, because a wrong name would go unnoticed; many may have none on purpose."""
        if self.config.masks is None or self._said_unnamed:
            return
        self._said_unnamed = True
        *first, last = (f"{pair.person.id}{ending}" for ending in MASK_ENDINGS)
        line = "%s: no %s or %s; who has no mask is repaired by the hull of the key-points (said once)"
        _LOG.warning(line, self.config.masks, ", ".join(first), last)

    def _mask_file(self, pair: Pair) -> Path | None:
        """The file of a person in `repair.masks`; None where there is none.

        Raises:
            UsageError: there is no such folder, or masks are given for the published way, which makes its own.
        """
        folder = self.config.masks
        if folder is None:
            return None
        if self.config.published:
            raise UsageError("repair.masks: the published way makes its own masks of the parse map", "leave out one of the two")
        if not folder.is_dir():
            make = f"python run.py hands masks {folder} --data {self.layout.outputs / Path(TEST).parent}"
            raise UsageError(f"repair.masks: there is no folder {folder}", make)
        return next((path for path in (folder / f"{pair.person.id}{ending}" for ending in MASK_ENDINGS) if path.is_file()), None)

    def _repaired(self, inputs: RepairInputs) -> Produced:
        from tryon.hands.repair import Drawing, repair_hands
        from tryon.hands.score import judge_by

        config, first = self.config, self._seed(inputs.pair)
        seeds = [first + number for number in range(config.candidates)]
        judge = judge_by(inputs.photo, inputs.places, self.read_hand, inputs.worn, inputs.bare)
        drawing = Drawing(seeds, self.painter.paint, judge, config)
        done = repair_hands(inputs.dressed, inputs.photo, inputs.allowed, inputs.hands, drawing, inputs.given)
        for side, line in done.lines.items():
            _LOG.debug("%s: %s hand %s", inputs.pair.id, side, line)
        repaired = [side for side, fact in done.hands.items() if fact.fate is Fate.REPAIRED]
        notices = tuple(Notice(Flag.HAND_REPAIRED, f"{side} hand {done.lines[side]}") for side in repaired)
        return self._produced(inputs, done.picture, {"hands": done.lines, "seeds": done.seeds}, notices, facts_of(done.hands))

    def _published(self, inputs: RepairInputs) -> Produced:
        from tryon.hands.seed_infer import seed_infer

        assert inputs.parse is not None
        mask = arm_mask(inputs.parse)
        picture = seed_infer(self.painter.networks, inputs.dressed, mask)
        if picture is None:
            raise InputError(f"{inputs.pair.id}: the networks overflowed", "--set repair.numbers=fp32")
        notices = (Notice(Flag.HAND_REPAIRED, "the published way: every hand, unjudged"),) if mask.any() else ()
        return self._produced(inputs, picture, {"preset": self.config.preset}, notices, {})

    def _produced(
        self, inputs: RepairInputs, picture: RGB, what: Mapping[str, Any], notices: tuple[Notice, ...], facts: Mapping[str, str]
    ) -> Produced:
        settings = self._painting.model_dump(mode="json")
        how = {**what, "weights": dict(self.model_files), "lora": self._lora_sha, "settings": settings}
        recipe = {**inputs.recipe, "hand_repair": how}
        ref = REPAIRED.of(inputs.pair.id, inputs.pair.engine)
        return Produced({ref: partial(images.png, picture, recipe)}, notices, facts)

    def _seed(self, pair: Pair) -> int:
        return noise_seed(self.context.seed, pair.person.id, pair.garment.id, pair.attempt)


def _pair(item: Item) -> Pair:
    assert isinstance(item, Pair), f"hand-repair works on pairs, not on {type(item).__name__}"
    return item
