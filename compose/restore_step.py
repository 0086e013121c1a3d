"""Restore: the dressed canvas back into the person's own photo, and the dressed person cut out for other backgrounds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from compose.before_after import BODY, BeforeAfter
from compose.blend import blend, changed_area, changed_in_photo, match_detail, prepare_paste, remove_cast
from compose.crop import view_around
from compose.delivery import PhotoDelivery, seed_and_attempt, size_notices
from compose.gate.faces import ReadFace, read_face
from compose.gate.gate import SMALL_HEIGHT_PX, GateConfig, GateInputs, measure_pair
from compose.kept_parts import HANDS, without_kept
from compose.matte import dressed_alpha, dressed_cutout
from pipeline.core import images
from pipeline.core.backend import MatteBackend
from pipeline.core.card import Resources, most_of
from pipeline.core.errors import InputError
from pipeline.core.flags import Notice
from pipeline.core.frame import Frame
from pipeline.core.items import ORIGINAL_BACKGROUND, Item, Pair, Scene, Unit
from pipeline.core.labels import LOWER_LABELS, UPPER_LABELS, Category, Parse
from pipeline.core.layout import (
    AGNOSTIC_MASK,
    CLOTH,
    CLOTH_MASK,
    CUTOUT,
    DENSEPOSE_IUV,
    DRESSED_CUTOUT,
    FRAME,
    IMAGE,
    LANDMARKS,
    MATTE,
    PARSE,
    TRYON,
    Folder,
    Ref,
)
from pipeline.core.masks import Mask, box_of, labelled
from pipeline.core.people_networks import PACKAGES
from pipeline.core.rect import Rect
from pipeline.core.seeds import grain_seed
from pipeline.core.step import Context, Encode, Produced, StepBase

REPLACED: dict[Category, tuple[Parse, ...]] = {
    Category.UPPER: (Parse.UPPER_CLOTHES, Parse.COAT),
    Category.LOWER: LOWER_LABELS,
    Category.DRESS: (*UPPER_LABELS, *LOWER_LABELS),
}
"""What a garment of each category replaces, beside the part of a dress that the mask covers."""
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
    backend_matte: bool = True
    """Ask the background backend where a wide garment gave way to background."""


@dataclass(frozen=True, kw_only=True)
class RestoreInputs(GateInputs):
    """What one pair is made of, beside what the gate reads; at photo resolution.

    Args:
        pair: the item.
        photo: (h, w, 3) RGB uint8.
        matte: (h, w) uint8, 255 = person.
        cutout: (h, w, 4) RGBA uint8: the person before.
        drawn: seed and attempt of the dressed picture, where it says so.
    """

    pair: Pair
    photo: NDArray[np.uint8]
    matte: NDArray[np.uint8]
    cutout: NDArray[np.uint8]
    drawn: Mapping[str, int] = field(default_factory=dict)


class RestoreStep(StepBase):
    """The shell: read, restore, cut out, describe."""

    name: ClassVar[str] = "restore"
    unit: ClassVar[Unit] = Unit.PAIR
    version: ClassVar[int] = 4
    config: RestoreConfig
    packages = (PACKAGES,)
    """Of the backend, and of the gate, which compares faces."""
    seconds = 0.42

    def __init__(self, config: RestoreConfig, context: Context, backend: MatteBackend | None = None) -> None:
        super().__init__(config, context)
        self.backend = backend if config.backend_matte else None
        self.read_face: ReadFace = read_face
        self._delivery = config.delivery()

    @property
    def resources(self) -> Resources:  # type: ignore[override]  # a value in the base
        """Its own, and the backend's."""
        own = Resources(memory_gb=0.9)
        return most_of([own, self.backend.card.resources]) if self.backend else own

    def reads(self, item: Item) -> Sequence[Ref]:
        """The photo, its frame and mattes, the mask, and the canvas before and after."""
        pair = _pair(item)
        person = pair.person.id
        return (
            pair.person.source,
            FRAME.of(person),
            MATTE.of(person),
            CUTOUT.of(person),
            AGNOSTIC_MASK.of(person, pair.garment.category),
            IMAGE.of(person),
            TRYON.of(pair.id, pair.engine),
        )

    def may_read(self, item: Item) -> Sequence[Ref]:
        """What the quality gate holds the picture against, and body parts when hands are to be kept."""
        pair = _pair(item)
        person = pair.person.id
        judged = (CLOTH.of(pair.garment.id), CLOTH_MASK.of(pair.garment.id), LANDMARKS.of(person), PARSE.of(person))
        return (*judged, *((DENSEPOSE_IUV.of(person),) if HANDS in self.config.keep else ()))

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
        pair = _pair(item)
        person = pair.person.id
        path = self.layout.path
        frame, mask = Frame.from_json(path(FRAME.of(person)).read_text("utf-8")), self._mask(pair)
        matte = images.read_grey(path(MATTE.of(person)))
        inputs = RestoreInputs(
            pair=pair,
            photo=images.read_photo(path(pair.person.source), self.context.max_megapixels).rgb,
            frame=frame,
            matte=matte,
            cutout=images.read_rgba(path(CUTOUT.of(person))),
            mask=mask,
            canvas=images.read_rgb(path(IMAGE.of(person))),
            result=images.read_rgb(path(TRYON.of(pair.id, pair.engine))),
            cloth=self._cloth(pair, CLOTH),
            cloth_mask=None if (garment := self._cloth(pair, CLOTH_MASK)) is None else garment[..., 0] > 127,
            face_oval=self._face_oval(pair),
            person=frame.to_canvas(matte, fill=0) >= BODY,
            worn=self._worn(pair, mask),
            drawn=seed_and_attempt(images.read_recipe(path(TRYON.of(pair.id, pair.engine)))),
        )
        check_sizes(inputs)
        return inputs

    def _mask(self, pair: Pair) -> Mask:
        """Where the result may show: the agnostic mask without what is to be kept."""
        mask = images.read_mask(self.layout.path(AGNOSTIC_MASK.of(pair.person.id, pair.garment.category)))
        parse = self.layout.path(PARSE.of(pair.person.id))
        if not self.config.keep or not parse.is_file():
            return mask
        parts = self.layout.path(DENSEPOSE_IUV.of(pair.person.id))
        body = images.read_arrays(parts)["I"] if HANDS in self.config.keep and parts.is_file() else None
        return without_kept(mask, images.read_labels(parse), self.config.keep, body)

    def _worn(self, pair: Pair, mask: Mask) -> Mask | None:
        """What the pair's garment replaces, of a dress the part in the mask; None without a parse map."""
        path = self.layout.path(PARSE.of(pair.person.id))
        if not path.is_file():
            return None
        parse = images.read_labels(path)
        fits = parse.shape == mask.shape  # the mask's step names a map of another size
        return labelled(parse, REPLACED[pair.garment.category]) | (parse == Parse.DRESS) & mask if fits else None

    def _cloth(self, pair: Pair, kind: Folder) -> NDArray[np.uint8] | None:
        path = self.layout.path(kind.of(pair.garment.id))
        return images.read_small(path, SMALL_HEIGHT_PX) if path.is_file() else None

    def _face_oval(self, pair: Pair) -> NDArray[np.float32] | None:
        path = self.layout.path(LANDMARKS.of(pair.person.id))
        return outline_of_face(path.read_text("utf-8")) if path.is_file() else None

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Restore each pair."""
        return [self._restore(each) for each in inputs]

    def _restore(self, inputs: RestoreInputs) -> Produced:
        seed = grain_seed(self.context.seed, inputs.pair.id)
        photos = dress_photo(inputs, self.config, seed)
        alpha = dressed_alpha(photos, partial(self._new_matte, photos) if self.backend else None)
        cutout = dressed_cutout(photos, inputs.cutout, alpha)
        recipe: dict[str, Any] = {"scene": Scene(inputs.pair, ORIGINAL_BACKGROUND).id, "engine": inputs.pair.engine}
        recipe |= inputs.drawn
        recipe |= {"settings": self.config.model_dump(mode="json", exclude=set(GateConfig.model_fields))}
        scores = measure_pair(inputs, photos, cutout, self.read_face)
        facts = {"changed": f"{float(photos.changed.mean()):.4f}"} | scores.facts(self.config)
        files, notices, window = self._pictures(inputs.pair, photos.dressed, alpha, recipe)
        facts |= {"window": window} if window else {}
        files[DRESSED_CUTOUT.of(inputs.pair.id, inputs.pair.engine)] = partial(images.png, cutout, inputs.drawn or None)
        return Produced(files, (*scores.notices(self.config), *notices), facts)

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
    colour = match_detail(inputs.photo, paste, inputs.frame, inputs.matte > 250, config.detail, seed)
    dressed = blend(inputs.photo, colour, paste.weight)
    return BeforeAfter(inputs.photo, dressed, inputs.matte, changed_in_photo(changed, inputs.frame))


def outline_of_face(landmarks: str) -> NDArray[np.float32] | None:
    """(n, 2) x, y in photo pixels from the raw landmarks' JSON, or None when no face was found."""
    oval = np.asarray(json.loads(landmarks).get("face_oval") or (), np.float32)
    return oval if oval.ndim == 2 and oval.shape[1] == 2 else None


def check_sizes(inputs: RestoreInputs) -> None:
    """Everything of the photo has its size, everything of the canvas the frame's.

    Raises:
        InputError: naming what does not fit.
    """
    frame = inputs.frame
    photo, canvas = (frame.photo_height, frame.photo_width), (frame.canvas_height, frame.canvas_width)
    expected = {"photo": photo, "matte": photo, "cutout": photo, "mask": canvas, "canvas": canvas, "result": canvas}
    for name, size in expected.items():
        found = getattr(inputs, name).shape[:2]
        if found != size:
            raise InputError(
                f"restore: {name} of {inputs.pair.id} is {found[1]}×{found[0]}, expected {size[1]}×{size[0]}",
                f"python run.py --from background --force --only {inputs.pair.person.id}",
            )


def _pair(item: Item) -> Pair:
    assert isinstance(item, Pair), f"restore works on pairs, not on {type(item).__name__}"
    return item
