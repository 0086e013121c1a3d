"""The form in which finished pictures are handed on: file format, shape, size, metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field

from pipeline.core import images
from pipeline.core.config import StepConfig
from pipeline.core.flags import Flag, Notice
from pipeline.core.layout import FINAL, SIZES, Ref
from pipeline.core.step import Encode

Form = Literal["png", "jpeg", "webp"]
AS_IT_IS = "original"
MOST_PX = 16383
_SHAPE = r"([1-9]\d{0,3}):([1-9]\d{0,3})"
_SIZE = re.compile(rf"(?:{_SHAPE})?(?:@([1-9]\d{{1,4}}))?")


@dataclass(frozen=True, slots=True)
class Size:
    """A shape and a size that a picture is wanted in.

    Args:
        ratio: width by height; None = the picture's own.
        long_side_px: of the longer side; 0 = as many pixels as there are. A picture is never enlarged.
        folder: the name of the folder below `sizes/`, "" for the finished picture itself.
    """

    ratio: float | None = None
    long_side_px: int = 0
    folder: str = ""


def read_size(text: str) -> Size:
    """`1:1@1080`, `3:4`, `@2000` → the size; its folder is `1x1-1080`, `3x4`, `2000`.

    Raises:
        ValueError: anything else.
    """
    found = _SIZE.fullmatch(text.strip())
    if not text.strip() or found is None:
        raise ValueError(f"not a size: {text!r}; write shape@long side, for example 1:1@1080, 3:4 or @2000")
    across, down, side = found.groups()
    if int(side or 0) > MOST_PX:
        raise ValueError(f"{text!r}: a side ends at {MOST_PX} px")
    folder = "-".join(part for part in (f"{across}x{down}" if across else "", side or "") if part)
    return Size(int(across) / int(down) if across else None, int(side or 0), folder)


def _shape(text: str) -> str:
    if text != AS_IT_IS and re.fullmatch(_SHAPE, text) is None:
        raise ValueError(f"not a shape: {text!r}; write original, or width:height, for example 3:4")
    return text


def _different_folders(sizes: tuple[str, ...]) -> tuple[str, ...]:
    folders = [read_size(each).folder for each in sizes]
    if len(set(folders)) < len(folders):
        raise ValueError("a size is named twice")
    return sizes


def _listed(value: object) -> object:
    """`1:1@1080,3:4` as well as a list, so that a shell needs no brackets."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Quality = Annotated[int, Field(ge=1, le=100)]
Shape = Annotated[str, AfterValidator(_shape)]
LongSide = Annotated[int, Field(ge=0, le=MOST_PX)]
Sizes = Annotated[tuple[str, ...], BeforeValidator(_listed), AfterValidator(_different_folders)]


class Delivery(StepConfig):
    """How finished pictures are handed on."""

    format: Form = "png"
    """png, jpeg or webp; all carry the sRGB profile."""
    quality: Quality = 92
    """Of jpeg and webp."""
    crop: Shape = AS_IT_IS
    """Shape of the finished picture: original, or width:height such as 3:4, 1:1, 16:9; cut round the people."""
    long_side_px: LongSide = 0
    """Longer side of the finished picture; 0 = as it comes. Never enlarged."""
    sizes: Sizes = ()
    """Further pictures, each in a folder of its own below `sizes/`: shape@long side, as in "1:1@1080", "3:4@1600", "@800"."""
    metadata: bool = True
    """Write the recipe into the picture; false = nothing but the pixels and their colour profile."""

    @cached_property
    def wanted(self) -> tuple[Size, ...]:
        """The finished picture itself, then the further sizes."""
        ratio = None if self.crop == AS_IT_IS else read_size(self.crop).ratio
        return (Size(ratio, self.long_side_px), *map(read_size, self.sizes))

    def refs(self, scene_id: str, engine: str) -> tuple[Ref, ...]:
        """The file of each wanted size, in the same order."""
        return tuple(self.ref(size, scene_id, engine) for size in self.wanted)

    def ref(self, size: Size, scene_id: str, engine: str) -> Ref:
        """The file of one size."""
        if size.folder:
            return SIZES.of(f"{size.folder}/{scene_id}", engine, self.format)
        return FINAL.of(scene_id, engine, self.format)

    def encoder(self, rgb: NDArray[np.uint8], recipe: Mapping[str, Any]) -> Encode:
        """What turns (h, w, 3) uint8 into the bytes of a file."""
        return partial(images.finished, rgb, self.format, self.quality, recipe if self.metadata else None)


def size_notices(size: Size, cuts: bool, short: bool) -> list[Notice]:
    """What the user should know about one size.

    Args:
        size: which.
        cuts: it cuts people who are not cut in the whole picture.
        short: the picture has fewer pixels.
    """
    name = size.folder or "the finished picture"
    found = [Notice(Flag.SIZE_CUTS_PERSON, name)] if cuts else []
    return found + ([Notice(Flag.SIZE_NOT_REACHED, f"{name}: fewer than {size.long_side_px} px")] if short else [])


class PhotoDelivery(StepConfig):
    """The same settings for the picture in the person's own photo; `[compose]` fills in what is None."""

    follows: ClassVar[str] = "compose"

    format: Form | None = None
    """As compose.format, unless given here."""
    quality: Quality | None = None
    """As compose.quality, unless given here."""
    crop: Shape | None = None
    """As compose.crop, unless given here."""
    long_side_px: LongSide | None = None
    """As compose.long_side_px, unless given here."""
    sizes: Sizes | None = None
    """As compose.sizes, unless given here."""
    metadata: bool | None = None
    """As compose.metadata, unless given here."""

    def delivery(self) -> Delivery:
        """What holds for the photo; what is still None is as by default."""
        own = {name: getattr(self, name) for name in Delivery.model_fields}
        return Delivery.model_validate({name: value for name, value in own.items() if value is not None})


def drawn_from(recipe: Mapping[str, Any] | None) -> dict[str, Any]:
    """What a recipe says about the draw of its picture: seed, attempt, and the passes of an outfit; {} where it says nothing."""
    named = recipe or {}
    kinds = {"seed": int, "attempt": int, "passes": list}
    return {name: named[name] for name, kind in kinds.items() if isinstance(named.get(name), kind)}
