"""The data that callers send, with its limits; also the source of the OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.catalog import STEPS
from pipeline.core.errors import UsageError
from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings, Spot
from pipeline.core.layout import PICTURE_SUFFIXES
from pipeline.request import LIMIT, RETRY_BAD, Request
from pipeline.review.jobs.webhook_address import read_webhook
from pipeline.review.verdicts import Mark
from pipeline.settings import schema


def _plain(text: str) -> str:
    """Refuse control characters: the text may become an argument of a process or a line of a file."""
    if not text.isprintable():
        raise ValueError("control characters are not allowed")
    return text


def _webhook(text: str) -> str:
    """Refuse what is no address of a webhook; "" is none."""
    if text:
        read_webhook(text)
    return text


Word = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_plain)]
if TYPE_CHECKING:
    Step = str
    Form = str
else:
    Step = Literal["all", *STEPS]  # a type checker would want the names written out once more
    Form = Literal[tuple(PICTURE_SUFFIXES)]

DELIVERING = ("compose", "restore")
"""The sections that say how finished pictures are handed on: before backgrounds, and in the person's own photo."""


def _sizes(texts: list[str]) -> list[str]:
    """Refuse what the setting of the same name refuses; folders are named after sizes."""
    try:
        schema()[DELIVERING[0]].model_validate({"sizes": texts})
    except ValidationError as problem:
        raise ValueError(str(problem.errors()[0]["ctx"]["error"])) from None
    return texts


Size = Annotated[str, StringConstraints(max_length=20, strip_whitespace=True), Field(examples=["1:1@1080", "3:4", "@800"])]
Sizes = Annotated[list[Size], Field(max_length=12), AfterValidator(_sizes)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewJob(_Strict):
    """A job to queue."""

    # The options of a run that a caller may choose: names, defaults and bounds are those of `Request`.

    steps: Annotated[list[Step], Field(min_length=1, max_length=1 + len(STEPS))] = ["all"]
    """Step names; `all` stands alone."""
    only: Annotated[list[Word], Field(max_length=500)] = []
    """Keep the people, garments, backgrounds or pairs (`person__garment`) that match these globs."""
    skip: Annotated[list[Word], Field(max_length=500)] = []
    """Leave out what matches."""
    force: bool = Request.force
    """Redo, and overwrite artefacts edited by hand."""
    retry_failed: bool = Request.retry_failed
    """Try again what failed with the same inputs."""
    retry_bad: Annotated[int, Field(ge=RETRY_BAD.least, le=RETRY_BAD.most)] = Request.retry_bad
    """Draw pairs with a low score again, up to so many times, and keep the best."""
    another: bool = Request.another
    """Draw another picture of the selected pairs, from the next attempt's seed, where their engine has one."""
    engine: Annotated[str, StringConstraints(max_length=60, pattern=r"^[a-z0-9_-]*$")] = ""
    """Try-on engine; empty as configured."""
    limit: Annotated[int, Field(ge=LIMIT.least, le=1_000_000)] | None = Request.limit
    """At most so many people."""
    sizes: Sizes | None = None
    """Further pictures: shape@long side, as in "1:1@1080", "3:4" or "@800". None = as the workspace's settings say."""
    format: Form | None = None
    """Of the finished pictures and their sizes. None = as the workspace's settings say."""
    layers: bool | None = None
    """Also write background, shadow and person of each picture before a background apart. None = as the settings say."""
    webhook: Annotated[
        str, Field(max_length=2000, examples=["https://hooks.shop.example/lookbook"]), AfterValidator(_webhook)
    ] = ""
    """Address that is told when the job is over; its host must be named at the command (`--webhook-to`). Empty = none."""

    def request(self, base: Request) -> Request:
        """What the job runs: these options, on the folders and settings of the page.

        Raises:
            UsageError: `all` beside other steps.
        """
        if "all" in self.steps and len(self.steps) > 1:
            raise UsageError("steps: 'all' stands alone", f"known: all, {', '.join(STEPS)}")
        settings = {"engine", "webhook", "sizes", "format", "layers"}
        return replace(base, overrides=(*base.overrides, *self._settings()), **self.model_dump(exclude=settings))

    def _settings(self) -> Iterator[str]:
        """What is a setting of the run, as `section.key=value`."""
        if self.engine:
            yield f"run.engine={self.engine}"
        for section in DELIVERING:
            if self.sizes is not None:
                yield f"{section}.sizes={json.dumps(self.sizes)}"
            if self.format is not None:
                yield f"{section}.format={self.format}"
        if self.layers is not None:
            yield f"compose.layers={str(self.layers).lower()}"


class NewVerdict(_Strict):
    """A decision about finished pictures."""

    items: Annotated[list[Word], Field(min_length=1, max_length=2000)]
    verdict: Mark


Text = Annotated[str, Field(max_length=200)]
Bound = Annotated[float | None, Field(allow_inf_nan=False)]
PAGE_SIZE = 200


class GalleryQuery(BaseModel):
    """Which finished pictures, in which order, and which page of them, as in the address of a gallery."""

    person: Text = ""
    garment: Text = ""
    background: Text = ""
    flag: Text = ""
    verdict: Text = ""
    state: Text = ""
    q: Text = ""
    min_score: Bound = None
    max_score: Bound = None
    sort: Annotated[str, Field(pattern="^(order|score)$")] = "order"
    offset: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    limit: Annotated[int, Field(ge=1, le=PAGE_SIZE)] = 100
    shapes: bool = False
    """Say of all pictures that fit, beyond this page too, which are wider than high."""


MOST_PX = 1e6
Number = Annotated[float, Field(allow_inf_nan=False, ge=-MOST_PX, le=MOST_PX)]
Point = Annotated[list[Number], Field(min_length=2, max_length=2)]


class PageShadow(ShadowSettings):
    """How a shadow differs from the automatic one."""

    direction: Point | None = None


class PageSpot(Spot):
    """One place to stand; null is found automatically. Numbers up to 1 are fractions, larger ones pixels."""

    people: list[Word] = Field(default=["*"], min_length=1, max_length=200)
    foot: Point | None = None
    height: Annotated[float, Field(gt=0, le=MOST_PX)] | None = None
    shadow: bool | PageShadow = True
    z: Annotated[int, Field(ge=-1000, le=1000)] = 0
    wears: Word | None = None
    """A garment: the one person named in `people` joins everybody else's picture, wearing it."""


class PagePlacement(PlacementSettings):
    """A background's placement file, within the limits of the page."""

    horizon: Annotated[float, Field(gt=0, le=MOST_PX)] | None = None
    spots: list[PageSpot] = Field(default=[PageSpot()], min_length=1, max_length=40)


class PictureOf(_Strict):
    """A composite to show."""

    pair: str = Field("", max_length=200)
    """Id of the pair; empty = any."""
    placement_settings: PagePlacement = PagePlacement()
    height: Annotated[int, Field(ge=64, le=2000)] = 800
    """Height of the picture in pixels."""


Base = Annotated[str, Query(max_length=64, description="Version that the editor started from; what changed meanwhile stays.")]
"""The required parameter of every change whose body has no room for it."""


class NewPlacement(_Strict):
    """Placement settings to save."""

    placement_settings: PagePlacement
    base: str = Field(max_length=64)
    """Version that the editor started from; a file that changed meanwhile is not overwritten."""


class Pairs(_Strict):
    """The wanted pairs of people and garments."""

    pairs: Annotated[list[tuple[Word, Word]], Field(max_length=200_000)]
    base: str = Field(max_length=64)
    """Version that the editor started from; "" = there was no pairs file."""


class NewName(_Strict):
    """Another name for a picture of the inputs folder."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=80, strip_whitespace=True), AfterValidator(_plain)]
    """Without folder and ending; spaces become underscores."""
    base: str = Field(max_length=64)
    """Version that the change starts from; a picture that was replaced meanwhile is not renamed."""


class Refusal(BaseModel):
    """Why a request was refused, and the remedy."""

    message: str
    remedy: str = ""
