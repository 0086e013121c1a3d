"""Step 5, cloth: a garment photo becomes a garment on VITON-HD's light grey canvas, and its mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core import images, masks
from pipeline.core.arrays import RGB
from pipeline.core.backend import Backend
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.frame import Frame
from pipeline.core.images import Photo, photo_notices
from pipeline.core.items import Garment, Item, Unit
from pipeline.core.labels import Category
from pipeline.core.layout import CANVAS, CLOTH, CLOTH_MASK, Ref
from pipeline.core.pixels import foreground
from pipeline.core.pixels.watermark import watermark_notices
from pipeline.core.rect import Window, span
from pipeline.core.step import BackendStep, Context, Produced
from preprocess.cloth.category import guess_doubt
from preprocess.cloth.embedded import cut_garment
from preprocess.cloth.foreign_parts import without_foreign_parts
from preprocess.cloth.outline import category_doubt, outline_doubts
from preprocess.cloth.paper_tag import tag_notices
from preprocess.cloth.picture_frame import inner_picture
from preprocess.cloth.sheer import made_opaque, sheer_share
from preprocess.cloth.turned import turned_by
from preprocess.cloth.wearer_signs import Wearer
from preprocess.cloth.whole_garment import wholeness_notices
from preprocess.person.not_found import NotFound

WORK_SIDE = 1536
"""Longer side to which larger photos are reduced: the garment still has more pixels than on its canvas."""
MIN_GARMENT_PX = 40
"""Smaller garments have too little texture to be enlarged."""
CLOSE_UP_SHARE = 0.45
"""A garment smaller than this share of a reduced photo is cut out again from a crop of the full photo."""

Alpha = NDArray[np.uint8]


class ClothConfig(StepConfig):
    """Settings of the cloth step."""

    height_share: float = 0.80
    """Garment height / canvas height; VITON-HD's own pictures have 0.75 to 0.85."""
    width_share: float = 0.88
    """Widest garment / canvas width."""
    ground: int = 244
    """Grey level of the canvas, as in VITON-HD's own pictures."""


class GarmentBackend(Backend, Protocol):
    """Separates a garment from its ground."""

    def cut(self, photo: RGB) -> Alpha | NotFound:
        """(h, w, 3) RGB uint8 → (h, w) uint8 soft alpha, 255 = garment; all zero when nothing differs from the ground."""


class WearerBackend(Backend, Protocol):
    """Detects a wearer of the garment."""

    def wearer(self, photo: RGB) -> Wearer | None:
        """(h, w, 3) RGB uint8 → a body in the picture, and whether it wears the garment; None without a body."""

    def cut(self, photo: RGB, body: NDArray[np.float32], category: Category) -> Alpha:
        """The garment's (h, w) uint8 alpha, without its wearer."""


@dataclass(frozen=True)
class CutGarment:
    """A garment separated from its ground, at the photo's or a reduced size.

    Args:
        rgb: (h, w, 3) uint8.
        alpha: (h, w) uint8, 255 = garment.
        share: share of the photo that the garment covers, in [0, 1].
        worn: whether a person wears it.
        missed: why the backend's network did not find the garment, which the embedded backend then cut out; None when it did.
        remarks: flags raised while it was cut.
    """

    rgb: RGB
    alpha: Alpha
    share: float
    worn: bool = False
    missed: NotFound | None = None
    remarks: tuple[Notice, ...] = ()


def reduced(photo: Photo) -> Photo:
    """The photo, reduced to `WORK_SIDE` where its longer side is larger."""
    height, width = photo.rgb.shape[:2]
    scale = WORK_SIDE / max(height, width)
    if scale >= 1:
        return photo
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    alpha = None if photo.alpha is None else cv2.resize(photo.alpha, size, interpolation=cv2.INTER_AREA)
    return Photo(cv2.resize(photo.rgb, size, interpolation=cv2.INTER_AREA), alpha, photo.scaled_from, photo.frames)


def close_up_window(alpha: Alpha, size: tuple[int, ...]) -> Window:
    """Rows and columns of a photo of `size` (h, w) that show the garment of a reduced alpha with a margin of a quarter."""
    box = masks.box_of(alpha > 127)
    assert box is not None
    scale, margin = size[0] / alpha.shape[0], 0.25 * box.longer_side
    rows = span((box.top - margin) * scale, (box.bottom + margin) * scale, size[0])
    return rows, span((box.left - margin) * scale, (box.right + margin) * scale, size[1])


def frame_of(alpha: Alpha, config: ClothConfig) -> Frame:
    """The window of a garment photo that centres the garment on the canvas at the wanted size; it never stretches."""
    box = masks.box_of(alpha > 127)
    assert box is not None
    scale = min(config.height_share * CANVAS[0] / box.height, config.width_share * CANVAS[1] / box.width)
    window_height, window_width = CANVAS[0] / scale, CANVAS[1] / scale
    return Frame(
        photo_height=alpha.shape[0],
        photo_width=alpha.shape[1],
        top=box.top + (box.height - window_height) / 2,
        left=box.left + (box.width - window_width) / 2,
        height=window_height,
    )


def on_ground(rgb: RGB, alpha: Alpha, ground: int) -> RGB:
    """(h, w, 3) and (h, w) uint8 → (h, w, 3) uint8: the garment on an even grey, its edges cleaned of the old ground."""
    box = masks.box_of(alpha > 0)
    assert box is not None
    window = box.window(alpha.shape, 16)
    share = alpha[window][..., None] / np.float32(255)
    colours = foreground.estimate_foreground(rgb[window], alpha[window])
    painted = np.full(rgb.shape, ground, np.uint8)
    painted[window] = (ground + share * (colours - np.float32(ground)) + 0.5).astype(np.uint8)
    return painted


def normalise(rgb: RGB, alpha: Alpha, config: ClothConfig) -> tuple[RGB, Alpha]:
    """Put a garment on the canvas.

    Args:
        rgb: (h, w, 3) uint8.
        alpha: (h, w) uint8, 255 = garment; not empty.
        config: sizes and grey level.

    Returns:
        (1024, 768, 3) uint8 garment on light grey, (1024, 768) uint8 mask, 0 or 255.
    """
    frame = frame_of(alpha, config)
    cloth = frame.to_canvas(on_ground(rgb, alpha, config.ground), fill=config.ground)
    mask = frame.to_canvas(alpha, fill=0) >= 128
    return cloth, np.where(mask, 255, 0).astype(np.uint8)


def notices_of(garment: CutGarment, mask: Alpha, category: Category, given: bool = True) -> tuple[Notice, ...]:
    """Quality flags of one garment; the category of a worn one cannot be checked by its outline.

    Args:
        garment: as cut.
        mask: (h, w) uint8 on the canvas.
        category: that of its folder, or the one guessed before the run.
        given: whether the folder gives the category.
    """
    if garment.worn:
        return (Notice(Flag.GARMENT_WORN, "a wearer's body was found"),)
    found = [*garment.remarks, *([garment.missed.notice] if garment.missed else [])]
    found += [Notice(Flag.CLOTH_MASK_SUSPECT, "; ".join(doubts))] if (doubts := outline_doubts(mask > 0, garment.share)) else []
    found += [Notice(Flag.GARMENT_TURNED, turned)] if (turned := turned_by(mask > 0, category)) else []
    doubt = f"in {category.value}, but {misfit}" if given and (misfit := category_doubt(mask > 0, category)) else ""
    if doubt := doubt or ("" if given else guess_doubt(mask > 0, category)):
        found.append(Notice(Flag.CATEGORY_SUSPECT, doubt))
    return tuple(found)


class ClothStep(BackendStep[GarmentBackend]):
    """Reads a garment photo, writes the canvas and the mask."""

    name: ClassVar[str] = "cloth"
    unit: ClassVar[Unit] = Unit.GARMENT
    version: ClassVar[int] = 7
    config: ClothConfig

    def __init__(
        self, config: ClothConfig, context: Context, backend: GarmentBackend, wearers: WearerBackend | None = None
    ) -> None:
        super().__init__(config, context, backend)
        self.wearers = wearers or _embedded_wearers()

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]  # a value in the base
        """Those of both backends."""
        return (*self.backend.card.packages, *self.wearers.card.packages)

    def reads(self, item: Item) -> Sequence[Ref]:
        """The garment photo."""
        return (_garment(item).source,)

    def writes(self, item: Item) -> Sequence[Ref]:
        """Canvas and mask."""
        return CLOTH.of(item.id), CLOTH_MASK.of(item.id)

    def signature(self, item: Item) -> Mapping[str, str]:
        """Both backends, and the category, which decides what is cut out of a worn outfit and what is flagged."""
        cards = {"backend": self.backend.card, "wearers": self.wearers.card}
        garment = _garment(item)
        category = garment.category.value if garment.given else f"{garment.category.value}, guessed"
        return {kind: card.signature("-") for kind, card in cards.items()} | {"category": category}

    def load(self) -> None:
        """Load both backends and the compiled colour solver."""
        super().load()
        self.wearers.load(self.context.device)
        foreground.warm()

    def read(self, item: Item) -> tuple[Garment, Photo]:
        """Decode the garment photo."""
        garment = _garment(item)
        return garment, images.read_photo(self.layout.path(garment.source), self.context.max_megapixels)

    def run(self, inputs: Sequence[tuple[Garment, Photo]]) -> Sequence[Produced]:
        """Cut the garment out, place it on the canvas, check it."""
        return [self._one(garment, photo) for garment, photo in inputs]

    def _one(self, garment: Garment, photo: Photo) -> Produced:
        cut = self._cut(garment, photo)
        cloth, mask = normalise(cut.rgb, cut.alpha, self.config)
        files = {CLOTH.of(garment.id): lambda: images.jpeg(cloth), CLOTH_MASK.of(garment.id): lambda: images.jpeg(mask)}
        facts = {"garment_share": f"{cut.share:.3f}", "mask_share": f"{(mask > 0).mean():.3f}"}
        facts |= {} if garment.given else {"category": f"{garment.category.value}, guessed"}
        notices = (*notices_of(cut, mask, garment.category, garment.given), *photo_notices(photo))
        return Produced(files, notices, facts)

    def _cut(self, garment: Garment, photo: Photo) -> CutGarment:
        cut = self._cut_out(garment, without_frame(photo))
        if cut.worn:
            return cut
        parts = without_foreign_parts(cut.rgb, cut.alpha)
        seen = [*parts.notices, *wholeness_notices(parts.alpha > 127), *tag_notices(cut.rgb, parts.alpha)]
        if not parts.notices:  # a hanger's hook is a thin stroke too
            seen += watermark_notices(cut.rgb, parts.alpha > 20)
        return replace(cut, alpha=parts.alpha, remarks=(*cut.remarks, *seen))

    def _cut_out(self, garment: Garment, photo: Photo) -> CutGarment:
        small, path = reduced(photo), self.layout.path(garment.source)
        if small.alpha is not None and _has_outline(small.alpha):
            return _checked(path, cut_by_transparency(small.rgb, small.alpha))
        wearer = self.wearers.wearer(small.rgb)
        if wearer is not None and wearer.signs.is_wearer:
            alpha = self.wearers.cut(small.rgb, wearer.body, garment.category)
            return _checked(path, CutGarment(small.rgb, alpha, _share(alpha), worn=True))
        remarks = () if wearer is None else (wearer.signs.notice,)
        answer = self.backend.cut(small.rgb)
        missed = answer if isinstance(answer, NotFound) else None
        alpha = cut_garment(small.rgb) if isinstance(answer, NotFound) else answer
        cut = _checked(path, CutGarment(small.rgb, alpha, _share(alpha), missed=missed, remarks=remarks))
        return self._close_up(photo, cut)

    def _close_up(self, photo: Photo, cut: CutGarment) -> CutGarment:
        """A small garment in a large photo is cut out again from the full pixels."""
        rows, columns = close_up_window(cut.alpha, photo.rgb.shape[:2])
        if (
            max((rows.stop - rows.start) / photo.rgb.shape[0], (columns.stop - columns.start) / photo.rgb.shape[1])
            > CLOSE_UP_SHARE
        ):
            return cut
        near = reduced(Photo(np.ascontiguousarray(photo.rgb[rows, columns])))
        answer = cut_garment(near.rgb) if cut.missed else self.backend.cut(near.rgb)
        if isinstance(answer, NotFound) or _share(answer) <= 0.05:
            return cut
        return replace(cut, rgb=near.rgb, alpha=answer)


def cut_by_transparency(rgb: RGB, alpha: Alpha) -> CutGarment:
    """A garment whose picture says what it is by its transparency; what is see-through is drawn opaque, and flagged."""
    colours, sheer = without_white(rgb, alpha), sheer_share(alpha)
    if not sheer:
        return CutGarment(colours, alpha, _share(alpha))
    solid = made_opaque(alpha)
    remark = Notice(Flag.GARMENT_SHEER, f"{sheer:.0%} of it")
    return CutGarment(colours, solid, _share(solid), remarks=(remark,))


def without_white(rgb: RGB, alpha: Alpha) -> RGB:
    """Undo the decoder's blending with white, so that soft edges have the garment's own colour."""
    share = np.maximum(alpha, 8).astype(np.float32)[..., None] / 255
    undone: RGB = np.clip(np.round((rgb - 255 * (1 - share)) / share), 0, 255).astype(np.uint8)
    return undone


def without_frame(photo: Photo) -> Photo:
    """The part of an opaque photo inside its frame; the same photo when it has no frame, or transparency."""
    if photo.alpha is not None and _has_outline(photo.alpha):
        return photo
    inner = inner_picture(photo.rgb)
    return photo if inner is None else Photo(np.ascontiguousarray(photo.rgb[inner.window(photo.rgb.shape)]))


def _has_outline(alpha: Alpha) -> bool:
    """Whether the transparency is an outline, not only the rounded corners of an opaque picture."""
    return bool((alpha < 32).mean() > 0.05)


def _share(alpha: Alpha) -> float:
    return float((alpha > 127).mean())


def _checked(path: Path, cut: CutGarment) -> CutGarment:
    box = masks.box_of(cut.alpha > 127)
    if box is None or min(box.height, box.width) < MIN_GARMENT_PX:
        seen = (
            "nothing differs from the ground"
            if box is None
            else f"what differs from the ground is only {box.width}×{box.height} px"
        )
        raise InputError(
            f"cloth: no garment found in {path}: {seen}",
            "use a photo on a plain ground that differs from the garment, or a PNG with transparency",
        )
    return cut


def _garment(item: Item) -> Garment:
    assert isinstance(item, Garment)
    return item


def _embedded_wearers() -> WearerBackend:
    from preprocess.cloth.worn_garment import WornGarment

    return WornGarment()
