"""Find the people of a photo with the pose and face networks, select one, and estimate which pixels are theirs.

The pose model finds one person per picture. Further people are searched for where a face has no body yet, and where the person
probability is high but no person was found; for these searches the people already found are painted over.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.core.arrays import RGB, Float
from pipeline.core.masks import Mask, box_of, components, dilate, open_
from pipeline.core.people_networks import PeopleNetworks, SeenPose, people_networks
from pipeline.core.rect import Rect, span
from preprocess.background.overlapping_people import theirs_alone
from preprocess.background.people import (
    Detection,
    Selection,
    box_of_row,
    choose,
    head_in,
    is_fancied,
    is_person,
    is_silhouette,
    merge_faces,
    on_torso,
    overlap,
    without_body,
    without_bystanders,
)
from preprocess.background.windows import enlarged_window, head_window, ramp, size_of, thirds
from preprocess.person.landmarks import Landmarks

WORK_SIDE_PX = 1024
"""Long side at which people are searched for; all models use 256 px or less of it."""
UNEXPLAINED_SHARE = 0.15
"""Person-like pixels that belong to no person found, as a share of the largest person, from which another search is made."""
EXPLAINED_SHARE = 0.4
"""A person found in a third of a wide photo must cover this share of its person-like pixels."""
MAX_SEARCHES = 4
PAINT = 127
SAME_PLACE = 0.5
"""Share of the smaller box by which a person found again must overlap the known box."""
TRUST_BODY, TRUST_HEAD = 0.4, 0.85
"""Trust in the person model against the pose model's own segmentation, which leaves out hats …"""
TRUST_THINGS = 0.6
"""… and this share of that trust where it covers more than the pose model, because it also covers helmets and chairs."""
FACE_AREAS_PER_PERSON = 12
"""A person of whom only the face was found covers about this many times the area of the face."""
STRIP_PROBABILITY, STRIP_SHARE, STRIP_THICKNESS = 0.6, 0.006, 0.01
"""A strip of another person: least probability, least share of the photo, least half thickness as a share of the longer side."""
TOUCHING_PX = 3
HALF_HIDDEN = 0.5
"""A person who stands behind another one counts with at least this share of that area."""


class PeopleFinder:
    """Finds people in photos."""

    def __init__(self) -> None:
        self._models: PeopleNetworks | None = None

    @property
    def models(self) -> PeopleNetworks:
        """The process's models, built at first use."""
        if self._models is None:
            self._models = people_networks()
        return self._models

    def find(self, photo: RGB, person: int | None = None) -> Selection | None:
        """The selected person, and where other people are.

        Args:
            photo: (h, w, 3) uint8 RGB, upright.
            person: number of the person, from 1 at the left; None = the largest.

        Returns:
            None when no person was found.

        Raises:
            IndexError: there is no such number; the second argument is how many people were counted.
        """
        scale = min(1.0, WORK_SIDE_PX / max(photo.shape[:2]))
        size = (round(photo.shape[1] * scale), round(photo.shape[0] * scale))
        work = cv2.resize(photo, size, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        everyone = self.models.person_probability(work)
        people = without_bystanders(self._everybody(work, everyone))
        if not any(each.body is not None for each in people):
            return None
        try:
            chosen = choose(people, person)
        except IndexError:
            raise IndexError(person, len(people)) from None
        if people[chosen].body is None:
            return None
        strips = strips_beside(everyone, _known(work.shape[:2], people))
        return self._selection(work, photo.shape[:2], people, chosen, strips)

    def look_at(self, photo: RGB, box: Rect[float]) -> Float:
        """Which pixels belong to the person in a box; much faster than `find`, which searches for all people.

        Args:
            photo: (h, w, 3) uint8 RGB, upright.
            box: where a person was found before.

        Returns:
            (h, w) float32 in [0, 1]; all zero when no person is found there.
        """
        found = self._pose_in(photo, *enlarged_window(box, 0.2, size_of(photo)))
        detection = None if found is None else _detection(found)
        nobody = np.zeros(photo.shape[:2], np.float32)
        if detection is None or overlap(detection.box, box) < SAME_PLACE:
            return nobody
        return self._refined(photo, replace(detection, box=box), nobody)

    def _everybody(self, work: RGB, everyone: Float) -> list[Detection]:
        faces = merge_faces(self.models.faces(work))
        people: list[Detection] = []
        first = self._first(work, everyone)
        if first is not None and (len(faces) < 2 or is_person(first.body, first.probability, size_of(work))):
            people.append(_detection(first))
        bodies, known = [each.body for each in people if each.body is not None], _painted(work, people)
        for box in without_body([box_of_row(face) for face in faces if not is_fancied(face, known)], bodies):
            owner = self._owner_of(box, work, people)
            if owner.body is not None or not on_torso(box, bodies):
                people.append(owner)
        return self._unexplained(work, everyone, people)

    def _first(self, work: RGB, everyone: Float) -> SeenPose | None:
        """The most prominent person; in wide photos, small people are searched for in thirds of the long side.

        A person found in a third must cover most of the person-like pixels; otherwise it is a hand taken for a body.
        """
        found = self.models.pose(work)
        if found is not None:
            return found
        least = EXPLAINED_SHARE * np.count_nonzero(everyone > 0.5)
        for rows, columns in thirds(size_of(work)):
            found = self._pose_in(work, rows, columns)
            if found is None or np.count_nonzero(found.probability > 0.5) < least:
                continue
            if is_person(found.body, found.probability, size_of(work)):
                return found
        return None

    def _pose_in(self, work: RGB, rows: slice, columns: slice) -> SeenPose | None:
        """A pose found in a window, in pixels of the whole working picture."""
        found = self.models.pose(work[rows, columns])
        if found is None:
            return None
        body = found.body + np.array([columns.start, rows.start, 0, 0], np.float32)
        probability = np.zeros(work.shape[:2], np.float32)
        probability[rows, columns] = found.probability
        return SeenPose(body, probability)

    def _owner_of(self, face: Rect[float], work: RGB, people: Sequence[Detection]) -> Detection:
        """The person with this face: a body found below it, or only the face."""
        rows = span(face.top - 1.2 * face.height, face.top + 12 * face.height, work.shape[0])
        columns = span(face.left - 1.8 * face.width, face.left + 2.8 * face.width, work.shape[1])
        for picture in (work, _painted_over(work, people)):
            found = self._pose_in(picture, rows, columns)
            if found is None or (picture is not work and is_silhouette(found.probability, _painted(work, people))):
                continue
            if head_in(face, found.body) and is_person(found.body, found.probability, size_of(work)):
                seen = _detection(found)
                least = HALF_HIDDEN * FACE_AREAS_PER_PERSON * face.height * face.width
                return replace(seen, area_px=max(seen.area_px, least))
        return Detection(None, None, face, FACE_AREAS_PER_PERSON * face.height * face.width)

    def _unexplained(self, work: RGB, everyone: Float, people: list[Detection]) -> list[Detection]:
        """Search again where the person probability is high but no person was found."""
        for _ in range(MAX_SEARCHES):
            known = _known(work.shape[:2], people)
            rest = np.count_nonzero((everyone > 0.5) & ~known)
            if not people or rest < UNEXPLAINED_SHARE * max(each.area_px for each in people):
                break
            found = self.models.pose(_painted_over(work, people))
            if found is None or not is_person(found.body, found.probability * everyone, size_of(work)):
                break
            another = _detection(found)
            same = any(each.body is not None and overlap(each.box, another.box) > 0.8 for each in people)
            if same or is_silhouette(found.probability, _painted(work, people)):
                break
            people = [each for each in people if each.body is not None or not head_in(each.box, found.body)] + [another]
        return people

    def _selection(self, work: RGB, size: tuple[int, ...], people: Sequence[Detection], chosen: int, strips: Mask) -> Selection:
        others = strips.astype(np.float32)
        for each in (*people[:chosen], *people[chosen + 1 :]):
            others = np.maximum(others, _presence(each, size_of(work)))
        me = self._again(work, people, chosen) if len(people) > 1 else people[chosen]
        assert me.body is not None
        bodies = [each.body for each in (*people[:chosen], *people[chosen + 1 :]) if each.body is not None]
        own, theirs = theirs_alone(me.body, bodies, size_of(work))
        others = np.where(own, np.float32(0), np.maximum(others, theirs)) if bodies else others
        probability = np.where(theirs, np.float32(0), self._refined(work, me, others))
        up = size[0] / work.shape[0]
        to_photo = np.array([size[1] / work.shape[1], up, up, 1], np.float32)
        landmarks = Landmarks(
            photo_size=(size[0], size[1]),
            body=me.body * to_photo,
            face_oval=self._face_oval(work, me.body) * np.float32(up),
            box=_detection(SeenPose(me.body, probability)).box.scaled(up),
            people=len(people),
        )
        areas = tuple(each.area_px / others.size for each in people)
        in_photo = tuple(body * to_photo for body in bodies)
        touching = bool((dilate(own, TOUCHING_PX) & theirs).any())
        return Selection(landmarks, probability, others, areas, chosen, float(strips.mean()), in_photo, touching)

    def _again(self, work: RGB, people: Sequence[Detection], chosen: int) -> Detection:
        """The selected person, detected again with the others painted over: a window chosen by the head may cut arms or feet."""
        me = people[chosen]
        assert me.body is not None
        rest = _painted_over(work, [*people[:chosen], *people[chosen + 1 :]], keep=me)
        found = self._pose_in(rest, *enlarged_window(me.box, 0.4, size_of(work)))
        if found is None or overlap(_detection(found).box, me.box) < 0.7:
            return me
        same_head = np.linalg.norm(found.body[0, :2] - me.body[0, :2]) < 0.15 * me.box.longer_side
        return _detection(found) if same_head else me

    def _refined(self, work: RGB, me: Detection, others: Float) -> Float:
        """The pose model's probability combined with the person model's in close-up; only the latter includes hats and hair."""
        assert me.body is not None and me.probability is not None
        close, trust = self._seen_close(work, me)
        seen_only_close = close - me.probability
        weight = trust.astype(np.float64)
        weight[(seen_only_close > 0) & (trust < 0.5)] *= TRUST_THINGS
        mine = me.probability + weight * seen_only_close
        rivalry = np.clip(me.probability - others, -1, 1)
        return mine if not others.any() else (mine * np.clip(0.5 + 2 * rivalry, 0, 1)).astype(np.float32)

    def _seen_close(self, work: RGB, me: Detection) -> tuple[Float, Float]:
        """The person model on the whole body, the upper body and the head; it works at 256 px, so small windows show more detail.

        Returns:
            (h, w) float32 probability, the closest view weighing most, and (h, w) float32 trust in it, in [0, 1].
        """
        assert me.body is not None
        size = size_of(work)
        whole = enlarged_window(me.box, 0.2, size)
        upper = enlarged_window(replace(me.box, height=min(me.box.height, 1.2 * me.box.width)), 0.2, size)
        seen = np.zeros(size, np.float32)
        seen[whole] = self.models.person_probability(work[whole])
        trust = np.full(size, TRUST_BODY, np.float32)
        for window, most, gain in ((upper, 0.5, 0.0), (head_window(me.body, size), 0.9, TRUST_HEAD - TRUST_BODY)):
            if window is not None and min(window[0].stop - window[0].start, window[1].stop - window[1].start) >= 32:
                weight = ramp(window, size)
                seen[window] += most * weight * (self.models.person_probability(work[window]) - seen[window])
                trust[window] += gain * weight
        return seen, trust

    def _face_oval(self, work: RGB, body: Float) -> Float:
        """The face's outline, searched for in a window around the head's points."""
        head = body[:11, :2]
        centre, reach = head.mean(0), 1.6 * max(float(np.ptp(head[:, 0])), float(np.ptp(head[:, 1])), 12.0)
        rows = span(centre[1] - reach, centre[1] + reach, work.shape[0])
        columns = span(centre[0] - reach, centre[0] + reach, work.shape[1])
        if rows.stop - rows.start < 24 or columns.stop - columns.start < 24:
            return np.zeros((0, 2), np.float32)
        oval = self.models.face_oval(work[rows, columns])
        return oval + np.array([columns.start, rows.start], np.float32) if len(oval) else oval


def strips_beside(everyone: Float, known: Mask) -> Mask:
    """(h, w) bool: parts of people that the photo's left or right edge cuts off from anybody who was found.

    Args:
        everyone: (h, w) float32 in [0, 1], where anybody is.
        known: (h, w) bool, the people who were found, with a margin.
    """
    rest = open_((everyone > STRIP_PROBABILITY) & ~known, STRIP_THICKNESS * max(known.shape))
    numbers, areas = components(rest)
    keep = np.zeros(len(areas), bool)
    keep[np.unique(numbers[:, [0, -1]])] = True
    keep &= areas >= STRIP_SHARE * known.size
    keep[0] = False
    strips: Mask = keep[numbers]
    return strips


def _detection(found: SeenPose) -> Detection:
    solid = found.probability > 0.5
    seen = box_of(solid)
    if seen is not None:
        return Detection(found.body, found.probability, seen.scaled(1.0), float(np.count_nonzero(solid)))
    inside = _inside(found.body, solid.shape)
    top, left = inside.min(0)[::-1] if len(inside) else (0.0, 0.0)
    bottom, right = inside.max(0)[::-1] if len(inside) else (1.0, 1.0)
    joints = Rect(float(top), float(left), float(bottom - top), float(right - left))
    return Detection(found.body, found.probability, joints, 1.0)


def _inside(body: Float, size: tuple[int, ...]) -> Float:
    points = body[body[:, 3] > 0.3, :2]
    inside: Float = points[(points >= 0).all(1) & (points[:, 0] < size[1]) & (points[:, 1] < size[0])]
    return inside


def _presence(each: Detection, size: tuple[int, ...]) -> Float:
    """(h, w) float32: where a person is: their probability, or a block below a face that has no body."""
    if each.probability is not None:
        return each.probability
    head, block = each.box, np.zeros(size[:2], np.float32)
    rows = span(head.top - 0.4 * head.height, head.top + 5 * head.height, size[0])
    block[rows, span(head.left - 0.6 * head.width, head.left + 1.6 * head.width, size[1])] = 0.8
    return block


def _known(size: tuple[int, ...], people: Sequence[Detection]) -> NDArray[np.bool_]:
    known = np.zeros(size[:2], np.uint8)
    for each in people:
        known |= (_presence(each, size) > 0.3).astype(np.uint8)
    reach = max(size[:2]) // 40
    grown: NDArray[np.bool_] = cv2.dilate(known, np.ones((2 * reach + 1,) * 2, np.uint8)) > 0
    return grown


def _painted(work: RGB, people: Sequence[Detection]) -> Mask:
    """(h, w) bool: where people whose bodies are known are painted over."""
    return _known(work.shape[:2], [each for each in people if each.body is not None])


def _painted_over(work: RGB, people: Sequence[Detection], keep: Detection | None = None) -> RGB:
    """The picture with these people in flat grey, except where `keep` is more likely."""
    hidden = _painted(work, people)
    if not hidden.any():
        return work
    if keep is not None and keep.probability is not None:
        hidden &= keep.probability < 0.3
    return np.where(hidden[..., None], np.uint8(PAINT), work)
