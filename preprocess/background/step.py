"""Step 1, background: select a person, find the pixels that belong to them, and remove the background's colour from the edges."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal, Protocol, cast

import numpy as np

from pipeline.core import images
from pipeline.core.arrays import RGB, Grey
from pipeline.core.backend import MatteBackend
from pipeline.core.config import StepConfig
from pipeline.core.errors import InputError
from pipeline.core.flags import Flag, Notice
from pipeline.core.images import photo_notices
from pipeline.core.items import Item, Person, Unit
from pipeline.core.layout import CUTOUT, LANDMARKS, MATTE, Ref, settings_file
from pipeline.core.masks import box_of
from pipeline.core.people_networks import PACKAGES
from pipeline.core.pixels import foreground
from pipeline.core.pixels.watermark import watermark_notices
from pipeline.core.step import BackendStep, Context, Produced
from preprocess.background import closed_form
from preprocess.background.alike_wall import alike_notices
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.held_things import held_thing_notices
from preprocess.background.overlapping_people import mixed_with
from preprocess.background.people import Selection
from preprocess.background.people_finder import PeopleFinder
from preprocess.background.photo_flags import photo_quality_notices
from preprocess.background.pose_flags import TURNS, pose_notices, torso_of, turns_needed
from preprocess.background.rim_erosion import eroded_matte
from preprocess.background.which_person import person_wanted
from preprocess.person.not_found import NotFound

SOLID, FAINT = 128, 20


class PersonMatteBackend(MatteBackend, Protocol):
    """A matte backend that separates the selected person."""

    @property
    def batch_size(self) -> int:
        """Photos per call, once it is loaded."""

    def mattes_of(self, photos: Sequence[RGB], selections: Sequence[Selection]) -> Sequence[Grey | NotFound]:
        """(h, w) uint8 soft alpha of the selected person in each (h, w, 3) RGB uint8 photo, without other people."""


class BackgroundConfig(StepConfig):
    """Settings of the background step."""

    smallest_share: float = 0.004
    """Share of the photo's area; a smaller matte counts as no person."""
    keep_transparency: bool = True
    """A photo that is already cut out (PNG with alpha) keeps its own edges."""
    refine: Literal["none", "closed-form", "gs-viton"] = "none"
    """Closed-form: refine hair, several seconds per photo. gs-viton: hard edges, rim pixels in other colours removed."""


@dataclass(frozen=True)
class BackgroundInputs:
    """One decoded photo and the number of the person to select."""

    path: Path
    photo: images.Photo
    person: int | None


class BackgroundStep(BackendStep[PersonMatteBackend]):
    """Photo → cut-out, matte, landmarks."""

    name: ClassVar[str] = "background"
    unit: ClassVar[Unit] = Unit.PERSON
    version: ClassVar[int] = 5
    config: BackgroundConfig

    def __init__(self, config: BackgroundConfig, context: Context, backend: PersonMatteBackend) -> None:
        super().__init__(config, context, backend)
        self._people = PeopleFinder()
        self._embedded = EmbeddedMatte()

    @property
    def packages(self) -> tuple[str, ...]:  # type: ignore[override]  # a value in the base
        """The backend's, and those of the search for people."""
        return (PACKAGES, *self.backend.card.packages)

    @property
    def batch_size(self) -> int:  # type: ignore[override]  # a number in the base, here the backend's
        """As many photos per call as the backend's device allows."""
        return self.backend.batch_size

    def reads(self, item: Item) -> Sequence[Ref]:
        """The photo."""
        return (cast(Person, item).source,)

    def may_read(self, item: Item) -> Sequence[Ref]:
        """The photo's settings file."""
        return (settings_file(cast(Person, item).source),)

    def writes(self, item: Item) -> Sequence[Ref]:
        """Cut-out, matte and landmarks."""
        return tuple(folder.of(cast(Person, item).id) for folder in (CUTOUT, MATTE, LANDMARKS))

    def load(self) -> None:
        """Load the people finder, the matte backend, and the compiled colour solver."""
        _ = self._people.models
        super().load()
        foreground.warm()

    def read(self, item: Item) -> tuple[Person, BackgroundInputs]:
        """Decode the photo."""
        person = cast(Person, item)
        path = self.layout.path(person.source)
        wanted = person_wanted(self.layout.path(settings_file(person.source)))
        return person, BackgroundInputs(path, images.read_photo(path, self.context.max_megapixels), wanted)

    def run(self, inputs: Sequence[tuple[Person, BackgroundInputs]]) -> Sequence[Produced]:
        """Find the people, cut one out, and clean the colours of its edges."""
        selections = [self._find(given) for _, given in inputs]
        answers = self.backend.mattes_of([given.photo.rgb for _, given in inputs], selections)
        return [self._one(*each, selection, answer) for each, selection, answer in zip(inputs, selections, answers, strict=True)]

    def _one(self, person: Person, given: BackgroundInputs, selection: Selection, answer: Grey | NotFound) -> Produced:
        rgb = given.photo.rgb
        missed = (answer.notice,) if isinstance(answer, NotFound) else ()
        alpha = self._embedded.matte_of(rgb, selection) if isinstance(answer, NotFound) else answer
        if self.config.refine == "closed-form":
            alpha = closed_form.refine(rgb, alpha)
        elif self.config.refine == "gs-viton":
            alpha = eroded_matte(rgb, alpha)
        if self.config.keep_transparency and given.photo.alpha is not None:
            alpha = with_given_alpha(alpha, given.photo.alpha, alone=len(selection.areas) == 1)
        if selection.bodies and (how := mixed_with(alpha, selection.landmarks.body, selection.bodies)):
            raise mixed(given.path, how)
        box = box_of(alpha >= SOLID)
        if box is None or np.count_nonzero(alpha >= SOLID) < self.config.smallest_share * alpha.size:
            raise nobody(given.path)
        landmarks = replace(selection.landmarks, box=box.scaled(1.0))
        cutout = foreground.cutout(rgb, alpha)
        files = {
            CUTOUT.of(person.id): lambda: images.png(cutout),
            MATTE.of(person.id): lambda: images.png(alpha),
            LANDMARKS.of(person.id): lambda: images.text(landmarks.to_json()),
        }
        quality = [
            *photo_quality_notices(rgb, alpha),
            *held_thing_notices(rgb, alpha, selection),
            *alike_notices(rgb, alpha, selection),
            *watermark_notices(rgb, alpha >= FAINT),
        ]
        notices = (*missed, *_photo_notices(given.photo, selection, given.person), *quality, *pose_notices(landmarks))
        card = self._embedded.card if missed else self.backend.card
        facts = {"people": str(len(selection.areas)), "matte_share": f"{alpha.mean() / 255:.3f}", "backend": card.name}
        return Produced(files, notices, facts)

    def _find(self, given: BackgroundInputs) -> Selection:
        try:
            selection = self._people.find(given.photo.rgb, given.person)
        except IndexError as problem:
            _, counted = problem.args
            raise InputError(
                f"{given.path}: person = {given.person}, but {counted} {'person was' if counted == 1 else 'people were'} counted",
                f"allowed in {given.path.stem}.toml: person = 1 (leftmost) to {counted}",
            ) from None
        if selection is None:
            raise nobody(given.path, self._turn_that_helps(given.photo.rgb))
        return selection

    def _turn_that_helps(self, photo: RGB) -> str:
        """In which direction the photo must be turned to show somebody upright; "" where that does not help either."""
        for turns in (1, 3, 2):
            found = self._people.find(np.ascontiguousarray(np.rot90(photo, -turns)))
            if found is not None and turns_needed(torso_of(found.landmarks.body)) == 0:
                return TURNS[turns]
        return ""


def nobody(path: Path, turn: str = "") -> InputError:
    """The error for a photo without a usable person; `turn` is a direction in which somebody stands upright."""
    if turn:
        return InputError(f"background: no person found in {path}, but somebody when it is turned", f"turn the photo {turn}")
    return InputError(
        f"background: no person found in {path} (allowed: one person with head or shoulders and torso in sight)",
        f"crop closer (torso ≥ 20 % of the height), or skip it:  python run.py --skip {path.stem}",
    )


def mixed(path: Path, how: str) -> InputError:
    """The error for people who overlap so much that their matte is a mixture."""
    return InputError(
        f"background: the people in {path} overlap and could not be parted: {how}",
        f"crop the photo to one person, choose another by person = 2 in {path.stem}.toml, or skip it:  "
        f"python run.py --skip {path.stem}",
    )


def with_given_alpha(found: Grey, given: Grey, alone: bool) -> Grey:
    """The photo's own transparency instead of our matte, where it is a cut-out of the person.

    Args:
        found: (h, w) uint8 matte that we made.
        given: (h, w) uint8 alpha channel of the photo.
        alone: whether the photo shows one person; otherwise the given alpha is limited to our matte.

    Returns:
        (h, w) uint8 matte.
    """
    person = found >= SOLID
    kept = np.count_nonzero(person & (given >= SOLID)) / max(1, int(np.count_nonzero(person)))
    if kept < 0.8 or np.mean(given < SOLID) < 0.02:
        return np.minimum(found, given)
    return given if alone else np.minimum(found, given)


def _photo_notices(photo: images.Photo, selection: Selection, wanted: int | None) -> list[Notice]:
    notices = []
    if len(selection.areas) > 1:
        areas = ", ".join(f"{area:.0%}" for area in selection.areas)
        how = "asked for" if wanted is not None else "the largest"
        detail = f"{len(selection.areas)} people, areas from the left {areas}; used number {selection.chosen + 1}, {how}"
        notices.append(Notice(Flag.SEVERAL_PEOPLE, detail))
    if selection.strips:
        notices.append(Notice(Flag.SECOND_PERSON, f"{selection.strips:.1%} of the photo at its side"))
    elif selection.touching:
        notices.append(Notice(Flag.SECOND_PERSON, "somebody stands before or behind the selected person"))
    return notices + photo_notices(photo)
