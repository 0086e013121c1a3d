"""Restore: the dressed canvas back into the person's own photo, and the dressed person cut out for other backgrounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from compose.blend import blend, changed_area, changed_in_photo, match_detail, prepare_paste, remove_cast
from compose.crop import view_around
from compose.delivery import PhotoDelivery, size_notices
from compose.dressed_matte.before_after import BODY, Alpha, BeforeAfter
from compose.dressed_matte.matte import dressed_alpha, dressed_cutout
from compose.dressed_matte.solid_hands import solid_hands
from compose.gate.faces import ReadFace, face_similarity, read_face
from compose.gate.gate import measure_pair
from compose.gate.hands import HandEvidence, JudgedHand, judge_hands
from compose.gate.scores import GateConfig
from compose.hand_paste import paste_hands
from compose.restore_inputs import RestoreInputs, judged_by, read_inputs, restored_from
from pipeline.core import images
from pipeline.core.backend import MatteBackend
from pipeline.core.card import Resources, most_of
from pipeline.core.flags import Flag, Notice
from pipeline.core.hands.facts import facts_of
from pipeline.core.hands.views import ReadHand, read_hand
from pipeline.core.items import ORIGINAL_BACKGROUND, Item, Pair, Scene, Unit
from pipeline.core.layout import (
    DRESSED_CUTOUT,
    Ref,
)
from pipeline.core.masks import box_of, bytes_of
from pipeline.core.people_networks import PACKAGES
from pipeline.core.rect import Rect
from pipeline.core.seeds import grain_seed
from pipeline.core.step import Context, Encode, Produced, StepBase

ASK_SIDE_PX = 576
"""Long side of the picture shown to the backend: it only has to say where a sleeve is gone, not draw the edge."""


class RestoreConfig(GateConfig, PhotoDelivery):
    """How the repainted area joins the photo, what the finished picture must reach, and how it is handed on."""

    feather_px: float = Field(4.0, ge=0)
    """Width of the soft seam at the border of the repainted area, canvas pixels."""
    detail: float = Field(1.0, ge=0, le=1)
    """How much of the photo's grain and sharpness the repainted area gets when the photo is larger than the canvas."""
    cast_correction: bool = True
    """Take out a small constant colour cast of the engine."""
    keep: tuple[Literal["hair", "face", "arms", "hands", "accessories"], ...] = ()
    """Parts that always stay the photo's own, whatever the engine paints there; taken from the parse map."""
    paste_hands: bool = False
    """Copy the photo's own hand back over one that was flagged, where it belongs: see docs/hands.md."""
    backend_matte: bool = True
    """Ask the background backend where a wide garment gave way to background."""


class RestoreStep(StepBase):
    """The shell: read, restore, cut out, describe."""

    name: ClassVar[str] = "restore"
    unit: ClassVar[Unit] = Unit.PAIR
    version: ClassVar[int] = 8
    config: RestoreConfig
    packages = (PACKAGES,)
    """Of the backend, and of the gate, which compares faces."""
    seconds = 0.42

    def __init__(self, config: RestoreConfig, context: Context, backend: MatteBackend | None = None) -> None:
        super().__init__(config, context)
        self.backend = backend if config.backend_matte else None
        self.read_face: ReadFace = read_face
        self.read_hand: ReadHand = read_hand
        self._delivery = config.delivery()

    @property
    def resources(self) -> Resources:  # type: ignore[override]  # a value in the base
        """Its own, and the backend's."""
        own = Resources(memory_gb=0.9)
        return most_of([own, self.backend.card.resources]) if self.backend else own

    def reads(self, item: Item) -> Sequence[Ref]:
        """The photo, its frame and mattes, the mask, and the canvas before and after."""
        return restored_from(_pair(item), self.context.dressed)

    def may_read(self, item: Item) -> Sequence[Ref]:
        """What the quality gate holds the picture against, and body parts when hands are to be kept."""
        return judged_by(_pair(item), self.config.keep)

    def writes(self, item: Item) -> Sequence[Ref]:
        """The dressed photo, its further sizes, and the dressed person without background."""
        pair = _pair(item)
        pictures = self._delivery.refs(Scene(pair, ORIGINAL_BACKGROUND).id, pair.engine)
        return (*pictures, DRESSED_CUTOUT.of(pair.id, pair.engine))

    def signature(self, item: Item) -> Mapping[str, str]:
        """The backend, the size limit of photos, and the seed of the grain."""
        return {
            "backend": self.backend.card.signature(" ") if self.backend else "",
            "max_megapixels": str(self.context.max_megapixels),
            "seed": str(grain_seed(self.context.seed, _pair(item).id)),
        }

    def load(self) -> None:
        """Bring up the background backend."""
        if self.backend:
            self.backend.load(self.context.device)

    def read(self, item: Item) -> RestoreInputs:
        """Decode everything.

        Raises:
            InputError: artefacts that do not fit each other in size.
        """
        return read_inputs(_pair(item), self.layout, self.config.keep, self.context.max_megapixels, self.context.dressed)

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Restore each pair."""
        return [self._restore(each) for each in inputs]

    def _restore(self, inputs: RestoreInputs) -> Produced:
        photos, alpha, hands = self.dressed(inputs)
        cutout = dressed_cutout(photos, inputs.cutout, alpha)
        recipe: dict[str, Any] = {"scene": Scene(inputs.pair, ORIGINAL_BACKGROUND).id, "engine": inputs.pair.engine}
        recipe |= inputs.drawn
        recipe |= {"settings": self.config.model_dump(mode="json", exclude=set(GateConfig.model_fields))}
        scores = measure_pair(inputs, photos, cutout, self.read_face, hands)
        facts = {"changed": f"{float(photos.changed.mean()):.4f}"} | scores.facts(self.config)
        facts |= facts_of({side: hand.fact for side, hand in hands.items()})
        files, notices, window = self._pictures(inputs.pair, photos.dressed, alpha, recipe)
        facts |= {"window": window} if window else {}
        files[DRESSED_CUTOUT.of(inputs.pair.id, inputs.pair.engine)] = partial(images.png, cutout, inputs.drawn or None)
        return Produced(files, (*scores.notices(self.config), *self.redrawn(inputs), *notices), facts)

    def settled_hands(self, inputs: RestoreInputs, photos: BeforeAfter) -> tuple[BeforeAfter, dict[str, JudgedHand]]:
        """What became of each hand, by side, and the photo with those that were pasted."""
        least = self.config.least_hand_likeness
        if not least:
            return photos, {}
        evidence = HandEvidence(inputs.frame, inputs.hands, inputs.bare, inputs.worn, inputs.garment())
        hands = judge_hands(evidence, photos, least, self.read_hand)
        return paste_hands(photos, hands, evidence, least, self.read_hand) if self.config.paste_hands else (photos, hands)

    def redrawn(self, inputs: RestoreInputs) -> tuple[Notice, ...]:
        """The flag of a picture in which an engine that uses no mask drew another face; the photo's is kept all the same."""
        if inputs.whole is None or inputs.face_oval is None or not len(inputs.face_oval):
            return ()
        oval, least = inputs.frame.points_to_canvas(inputs.face_oval), self.config.least_face_similarity
        likeness = face_similarity(inputs.canvas, inputs.whole, oval, self.read_face)
        if likeness is None or likeness >= least:
            return ()
        return (Notice(Flag.FACE_REDRAWN, f"likeness {likeness:.2f}, wanted {least:g}"),)

    def dressed(self, inputs: RestoreInputs) -> tuple[BeforeAfter, Alpha, dict[str, JudgedHand]]:
        """The photo before and after, the matte of the dressed person, and what became of each hand."""
        photos = dress_photo(inputs, self.config, grain_seed(self.context.seed, inputs.pair.id))
        photos, hands = self.settled_hands(inputs, photos)
        alpha = dressed_alpha(photos, partial(self._new_matte, photos) if self.backend else None)
        return photos, with_own_hands(alpha, photos, inputs), hands

    def _pictures(
        self, pair: Pair, dressed: NDArray[np.uint8], alpha: NDArray[np.uint8], recipe: Mapping[str, Any]
    ) -> tuple[dict[Ref, Encode], list[Notice], str]:
        """The dressed photo in every size, cut around the person; their notices; the part that the finished picture shows."""
        delivery, scene = self._delivery, Scene(pair, ORIGINAL_BACKGROUND).id
        tall, wide = dressed.shape[:2]
        box = box_of(alpha >= BODY) or Rect(0, 0, tall, wide)
        files: dict[Ref, Encode] = {}
        notices: list[Notice] = []
        window = ""
        for size in delivery.wanted:
            view = view_around(box, (tall, wide), size)
            files[delivery.ref(size, scene, pair.engine)] = delivery.encoder(view.of(dressed), recipe)
            notices += size_notices(size, view.cuts_people(box, (tall, wide)), size.long_side_px > max(view.size))
            if not size.folder and view.size != (tall, wide):
                window = view.window((tall, wide))
        return files, notices, window

    def _new_matte(self, photos: BeforeAfter) -> NDArray[np.uint8] | None:
        """The backend's matte of the dressed picture; it only has to say where a sleeve is gone, so a small picture will do."""
        box = box_of(photos.alpha >= BODY)
        if self.backend is None or box is None:
            return None
        height, width = photos.alpha.shape
        factor = min(1.0, ASK_SIDE_PX / max(height, width))
        size = (max(1, round(width * factor)), max(1, round(height * factor)))
        small = cv2.resize(photos.dressed, size, interpolation=cv2.INTER_AREA)
        matte = self.backend.matte_in(small, box.scaled(factor))
        return cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR) if matte.any() else None


def dress_photo(inputs: RestoreInputs, config: RestoreConfig, seed: int) -> BeforeAfter:
    """Paste the repainted area into the photo; everything outside the mask stays bit-identical."""
    changed = changed_area(inputs.canvas, inputs.result, inputs.mask)
    result = remove_cast(inputs.canvas, inputs.result, inputs.mask) if config.cast_correction else inputs.result
    paste = prepare_paste(inputs.photo, inputs.frame, result, inputs.mask, changed, config.feather_px)
    enlargement = inputs.softness / inputs.frame.scale
    colour = match_detail(inputs.photo, paste, enlargement, inputs.matte > 250, config.detail, seed)
    dressed = blend(inputs.photo, colour, paste.weight)
    return BeforeAfter(inputs.photo, dressed, inputs.matte, changed_in_photo(changed, inputs.frame))


def with_own_hands(alpha: Alpha, photos: BeforeAfter, inputs: RestoreInputs) -> Alpha:
    """The matte (h, w) uint8 of the dressed person with the photo's own hands whole, as far as the parse map knows them."""
    if inputs.bare is None or not inputs.bare.any():
        return alpha
    bare = inputs.frame.to_photo(bytes_of(inputs.bare) * np.uint8(255)) > 127
    return solid_hands(alpha, photos, bare)


def _pair(item: Item) -> Pair:
    assert isinstance(item, Pair), f"restore works on pairs, not on {type(item).__name__}"
    return item
