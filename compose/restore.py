"""Restore: the dressed canvas back into the person's own photo, and the dressed person cut out for other backgrounds."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from compose.blend import blend, changed_area, changed_in_photo, match_detail, prepare_paste, remove_cast
from compose.dressing import Dressing
from compose.matte import dressed_alpha, dressed_cutout, worth_asking
from pipeline.core import images
from pipeline.core.backend import MatteBackend
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.frame import Frame
from pipeline.core.items import ORIGINAL_BACKGROUND, Item, Pair, Scene, Unit
from pipeline.core.labels import Parse
from pipeline.core.layout import AGNOSTIC_MASK, CUTOUT, DRESSED_CUTOUT, FINAL, FRAME, IMAGE, MATTE, PARSE, TRYON, Ref
from pipeline.core.masks import Mask
from pipeline.core.step import Context, Produced, StepBase

ASK_SIDE_PX = 576
"""Long side of the picture shown to the backend: it only has to say where a sleeve is gone, not draw the edge."""


class RestoreConfig(StepConfig):
    """How the repainted area joins the photo."""

    feather_px: float = Field(4.0, ge=0)
    """Width of the soft seam at the border of the repainted area, canvas pixels."""
    detail: float = Field(1.0, ge=0, le=1)
    """How much of the photo's grain and sharpness the repainted area gets when the photo is larger than the canvas."""
    cast_correction: bool = True
    """Take out a small constant colour cast of the engine."""
    keep: tuple[Literal["hair", "face", "arms", "accessories"], ...] = ()
    """Parts that always stay the photo's own, whatever the engine paints there; taken from the parse map."""
    backend_matte: bool = True
    """Ask the background backend where a wide garment gave way to background."""


KEPT_LABELS: dict[str, tuple[Parse, ...]] = {
    "hair": (Parse.HAIR,),
    "face": (Parse.FACE,),
    "arms": (Parse.LEFT_ARM, Parse.RIGHT_ARM),
    "accessories": (Parse.HAT, Parse.SUNGLASSES, Parse.GLOVE, Parse.SCARF),
}


@dataclass(frozen=True)
class RestoreInputs:
    """What one pair is made of; canvas-sized unless said otherwise.

    Args:
        pair: which.
        photo: (h, w, 3) RGB uint8, photo resolution.
        frame: photo ↔ canvas.
        matte: (h, w) uint8, photo resolution.
        cutout: (h, w, 4) RGBA uint8, photo resolution.
        mask: bool, True = may be repainted.
        canvas: (1024, 768, 3) RGB uint8 the person before.
        result: (1024, 768, 3) RGB uint8 the dressed person.
    """

    pair: Pair
    photo: NDArray[np.uint8]
    frame: Frame
    matte: NDArray[np.uint8]
    cutout: NDArray[np.uint8]
    mask: Mask
    canvas: NDArray[np.uint8]
    result: NDArray[np.uint8]


class RestoreStep(StepBase):
    """The shell: read, restore, cut out, describe."""

    name: ClassVar[str] = "restore"
    unit: ClassVar[Unit] = Unit.PAIR
    version: ClassVar[int] = 2
    config: RestoreConfig

    def __init__(self, config: RestoreConfig, context: Context, backend: MatteBackend | None = None) -> None:
        super().__init__(config, context)
        self.backend = backend if config.backend_matte else None

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
        """The parse map, when parts of the photo are to be kept."""
        return (PARSE.of(_pair(item).person.id),) if self.config.keep else ()

    def writes(self, item: Item) -> Sequence[Ref]:
        """The dressed photo and the dressed person without background."""
        pair = _pair(item)
        return (FINAL.of(Scene(pair, ORIGINAL_BACKGROUND).id, pair.engine), DRESSED_CUTOUT.of(pair.id, pair.engine))

    def signature(self, item: Item) -> Mapping[str, str]:
        """The backend, the size limit of photos, and the seed of the grain."""
        card = self.backend.card if self.backend else None
        return {
            "backend": f"{card.name} {card.version}" if card else "",
            "max_megapixels": str(self.context.max_megapixels),
            "seed": str(_seed(self.context.seed, _pair(item))),
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
        inputs = RestoreInputs(
            pair=pair,
            photo=images.read_photo(path(pair.person.source), self.context.max_megapixels).rgb,
            frame=Frame.from_json(path(FRAME.of(person)).read_text("utf-8")),
            matte=images.read_grey(path(MATTE.of(person))),
            cutout=images.read_rgba(path(CUTOUT.of(person))),
            mask=self._mask(pair),
            canvas=images.read_rgb(path(IMAGE.of(person))),
            result=images.read_rgb(path(TRYON.of(pair.id, pair.engine))),
        )
        check_sizes(inputs)
        return inputs

    def _mask(self, pair: Pair) -> Mask:
        """Where the result may show: the agnostic mask without what is to be kept."""
        mask = images.read_mask(self.layout.path(AGNOSTIC_MASK.of(pair.person.id, pair.garment.category)))
        parse = self.layout.path(PARSE.of(pair.person.id))
        return without_kept(mask, images.read_labels(parse), self.config.keep) if self.config.keep and parse.is_file() else mask

    def run(self, inputs: Sequence[Any]) -> Sequence[Produced]:
        """Restore each pair."""
        return [self._restore(each) for each in inputs]

    def _restore(self, inputs: RestoreInputs) -> Produced:
        seed = _seed(self.context.seed, inputs.pair)
        dressing = dress_photo(inputs, self.config, seed)
        alpha = dressed_alpha(dressing, self._seen(dressing))
        cutout = dressed_cutout(dressing, inputs.cutout, alpha)
        photo_ref, cutout_ref = self.writes(inputs.pair)
        recipe: dict[str, Any] = {"scene": Scene(inputs.pair, ORIGINAL_BACKGROUND).id, "engine": inputs.pair.engine}
        recipe |= {"settings": self.config.model_dump(mode="json")}
        facts = {"changed": f"{float(dressing.changed.mean()):.4f}"}
        files = {photo_ref: partial(images.png, dressing.dressed, recipe), cutout_ref: partial(images.png, cutout)}
        return Produced(files, (), facts)

    def _seen(self, dressing: Dressing) -> NDArray[np.uint8] | None:
        """The backend's matte of the dressed picture, when colours alone cannot tell where the outline is now."""
        if self.backend is None or not worth_asking(dressing):
            return None
        seen = self.backend.matte(shrunk(dressing.dressed, ASK_SIDE_PX))
        height, width = dressing.dressed.shape[:2]
        return cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR) if seen.any() else None


def shrunk(picture: NDArray[np.uint8], side_px: int) -> NDArray[np.uint8]:
    """(h, w, 3) uint8 scaled down until its long side is at most `side_px`."""
    factor = side_px / max(picture.shape[:2])
    if factor >= 1:
        return picture
    size = (round(picture.shape[1] * factor), round(picture.shape[0] * factor))
    smaller: NDArray[np.uint8] = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return smaller


def dress_photo(inputs: RestoreInputs, config: RestoreConfig, seed: int) -> Dressing:
    """Paste the repainted area into the photo; everything outside the mask stays bit-identical."""
    changed = changed_area(inputs.canvas, inputs.result, inputs.mask)
    result = remove_cast(inputs.canvas, inputs.result, inputs.mask) if config.cast_correction else inputs.result
    paste = prepare_paste(inputs.photo, inputs.frame, result, inputs.mask, changed, config.feather_px)
    colour = match_detail(inputs.photo, paste, inputs.frame, inputs.matte > 250, config.detail, seed)
    dressed = blend(inputs.photo, colour, paste.weight)
    return Dressing(inputs.photo, dressed, inputs.matte, changed_in_photo(changed, inputs.frame))


def without_kept(mask: Mask, parse: NDArray[np.uint8], keep: Sequence[str]) -> Mask:
    """Take parts of the person out of a mask.

    Args:
        mask: (h, w) bool, True = may be repainted.
        parse: (h, w) uint8 of `Parse`.
        keep: names in `KEPT_LABELS`.
    """
    kept: Mask = mask & ~np.isin(parse, [label for name in keep for label in KEPT_LABELS[name]])
    return kept


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


def _seed(run_seed: int, pair: Pair) -> int:
    """The same for the same names on every machine."""
    return int.from_bytes(hashlib.sha256(f"{run_seed}/{pair.id}".encode()).digest()[:7], "big")


def _pair(item: Item) -> Pair:
    assert isinstance(item, Pair), f"restore works on pairs, not on {type(item).__name__}"
    return item
