"""What the API answers, as data with types; with the requests of `models.py` the source of the OpenAPI description."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from pipeline.core.flags import Flag
from pipeline.core.inputs.placement_file import PlacementSettings, ShadowSettings
from pipeline.core.labels import Category
from pipeline.review.gallery import PictureState
from pipeline.review.masks import Kind
from pipeline.review.verdicts import Mark

Version = Annotated[str, Field(description='Changes with the content; "" while there is none.')]
Size = Annotated[tuple[int, int], Field(description="Height and width in pixels.")]
XY = tuple[float, float]


class Answer(BaseModel):
    """An answer of an operation, or a part of one."""

    model_config = ConfigDict(frozen=True)


# ---- inputs ---------------------------------------------------------------------------------------------------------------


class Problem(Answer):
    """An input that cannot be used."""

    path: str
    reason: str
    remedy: str


class Status(Answer):
    """Counts of inputs and pictures, and the inputs that cannot be used."""

    people: int
    garments: int
    backgrounds: int
    pairs: int
    pictures: int
    """Wanted pictures."""
    done: int
    """Pictures that exist."""
    engines: list[str]
    notes: list[str]
    problems: list[Problem]
    streams: int
    """Open event streams."""


class Input(Answer):
    """One picture of the inputs folder."""

    id: str
    """What `only` and `skip` of a job take."""
    ref: str
    """Its address is /files/<ref>."""
    version: Version
    category: Category | None = None
    """Of a garment."""


class Inputs(Answer):
    """Photos, garments and backgrounds."""

    person: list[Input]
    cloth: list[Input]
    background: list[Input]


class GarmentChoice(Answer):
    """A garment that may be worn."""

    id: str
    category: Category


class PairsFile(Answer):
    """The pairs of people and garments."""

    version: Version
    people: list[str]
    garments: list[GarmentChoice]
    pairs: list[tuple[str, str]]
    file: bool
    """Whether there is a list; without one every person wears every garment."""
    table: bool
    """Whether the list is a table, which only its own program edits."""


class PairsSaved(Answer):
    """What a save of the pairs led to."""

    pairs: int
    version: Version


# ---- settings files -------------------------------------------------------------------------------------------------------


class BrokenFile(Answer):
    """A settings file that cannot be used, as it is written."""

    name: str
    """`lookbook.toml`, or the path below the inputs folder."""
    message: str
    remedy: str
    line: int | None
    """Where the mistake is, from 1; None where that is not known."""
    text: str
    """Its first 20,000 characters."""
    version: Version


class FileAside(Answer):
    """A settings file that was put aside."""

    name: str
    kept_as: str
    """Its name now, in the same folder."""
    version: Version
    """Of what is in its place: what bringing it back is based on."""


class SettingsState(Answer):
    """Settings files with a mistake, and those that were put aside, of each file the latest first."""

    broken: list[BrokenFile]
    aside: list[FileAside]


# ---- jobs -----------------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    """The state of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class WebhookState(StrEnum):
    """Whether a job's webhook was told that the job is over."""

    NONE = "none"
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class StageCount(Answer):
    """The progress of one stage."""

    stage: str
    to_do: int
    made: int
    failed: int
    found: int
    """Items that were made already."""


class ItemFailure(Answer):
    """An item that failed alone."""

    stage: str
    item: str
    message: str
    remedy: str


class Job(Answer):
    """A job and its progress."""

    id: str
    state: JobState
    steps: list[str]
    only: list[str]
    force: bool
    sizes: list[str] | None
    """None = as the workspace's settings say; so with the next two."""
    format: str | None
    layers: bool | None
    created: str
    """Local time, ISO 8601; so is `ended`."""
    ended: str
    exit_code: int | None
    message: str
    remedy: str
    to_do: int
    made: int
    failed: int
    found: int
    """Items that were made already and did not have to be made again."""
    seconds: float
    seconds_left: float | None
    """None before the first estimate and after the end."""
    stages: list[StageCount]
    failures: list[ItemFailure]
    webhook: WebhookState
    webhook_message: str
    """Why its webhook did not take the message."""


class Jobs(Answer):
    """The last jobs, newest first."""

    jobs: list[Job]


class JobEvent(Answer):
    """One line of a job's log; its further fields depend on its kind."""

    model_config = ConfigDict(frozen=True, extra="allow")

    number: int
    kind: str


class JobEvents(Answer):
    """Events of a job."""

    events: list[JobEvent]


class Made(Answer):
    """An item that a job made."""

    stage: str
    item: str


class JobNotice(Answer):
    """What a job's webhook is told when the job is over."""

    id: str
    state: JobState
    created: str
    ended: str
    exit_code: int | None
    made: int
    failed: int
    found: int
    items: list[Made]
    """The first hundred that it made."""
    results: str
    """Path of all that it made, and of the pictures."""


class PictureFile(Answer):
    """A file of a finished picture."""

    name: str
    """Its own name, that of a size or a layer below a folder: `1x1-1080/ann__tee__room.png`, `layers/…`."""
    ref: str
    url: str


class JobPicture(PictureFile):
    """A finished picture."""

    item: str
    further: list[PictureFile]
    """Its further sizes and its layers."""
    found: bool
    """True when it was there already, and fits what was asked."""


class JobResults(Answer):
    """What a job made, and the finished pictures it was asked for."""

    made: list[Made]
    pictures: list[JobPicture]
    folder: str
    failures: list[ItemFailure]


# ---- gallery --------------------------------------------------------------------------------------------------------------


class Card(Answer):
    """A finished picture, or one that is still missing, as the gallery shows it."""

    id: str
    pair: str
    person: str
    wearer: str
    """Who wears it: the person, or what the first pass of an outfit makes of one."""
    garment: str
    worn: str
    """The garment, or the outfit."""
    category: Category
    background: str
    engine: str
    ref: str
    version: Version
    state: PictureState
    flags: list[Flag]
    preview: bool
    score: float | None
    verdict: Mark | None
    stale: bool
    """Whether the picture was made again after the verdict."""
    message: str
    remedy: str


class Cards(Answer):
    """One page of the gallery."""

    version: int
    total: int
    offset: int
    items: list[Card]
    shapes: list[int] | None
    """Of all pictures that fit, where asked for: how many in a row are upright, then how many are wider than high, and so on."""


class Artefact(Answer):
    """A file that a picture was made of."""

    label: str
    ref: str
    version: Version
    size: Size | None
    window: tuple[float, float, float, float] | None
    """Left, top, right and bottom of the part of its photo or background that is shown, as fractions; None = all."""


class FlagNote(Answer):
    """A flag, explained."""

    flag: Flag
    about: str
    detail: str


class StepFacts(Answer):
    """What a step wrote down about an item."""

    step: str
    slot: str
    seconds: float
    facts: dict[str, str]
    kept: list[str]
    """Files edited by hand."""


class Details(Card):
    """One picture with all its stages, flags, facts and its recipe."""

    stages: list[Artefact]
    notices: list[FlagNote]
    facts: list[StepFacts]
    recipe: dict[str, Any] | None


class Judged(Answer):
    """The pictures that were judged."""

    items: list[Card]


# ---- masks and placement --------------------------------------------------------------------------------------------------


class MaskChoice(Answer):
    """A mask that can be edited."""

    kind: Kind
    id: str
    category: Category


class Masks(Answer):
    """Masks that can be edited."""

    masks: list[MaskChoice]


class MaskState(Answer):
    """The files of one mask."""

    mask: str
    under: str
    """The picture under the mask."""
    version: Version
    under_version: Version
    size: Size | None
    """None while the mask is not made yet."""
    only: str
    """For `only` of a job that redoes what follows, with `steps`."""
    steps: list[str]


class BackgroundChoice(Answer):
    """A background to place people on."""

    id: str
    ref: str
    version: Version
    by_hand: bool
    """Whether it has a placement file."""


class Backgrounds(Answer):
    """Backgrounds, pairs to place on them, and what a place is before anybody says something."""

    backgrounds: list[BackgroundChoice]
    pairs: list[str]
    automatic: PlacementSettings
    automatic_shadow: ShadowSettings


class FigureState(Answer):
    """Where one figure stands, in pixels of the background."""

    spot: int
    guest: str
    anchored: bool
    """Whether the photo cuts the body off below, so that it belongs to the lower edge."""
    foot: XY
    height: float
    flip: bool
    z: int
    box: tuple[float, float, float, float]
    """Left, top, right, bottom."""
    direction: XY
    """Of the shadow of the head, from the feet, in units of the height."""
    opacity: float
    reflection: float | None
    """Of the floor, 0..1; None = as `compose.reflection` says."""


class Arrangement(Answer):
    """What follows from placement settings."""

    size: Size
    ground: float
    """Row of the ground line in pixels."""
    ground_confidence: float
    anchored: bool
    figures: list[FigureState]


class PlacementText(Answer):
    """A background's placement file as it is written, whether or not it can be read."""

    file: str
    text: str
    version: Version
    undo: int
    """How many saves can be taken back."""


class PlacementState(Answer):
    """The placement file of a background, and what follows from it for one pair."""

    background: str
    pair: str
    person: str
    ref: str
    placement_settings: PlacementSettings
    arrangement: Arrangement
    file: str
    text: str
    version: Version
    undo: int
    """How many saves can be taken back."""
