"""No quiet approximation: where a real network does not see the person or the garment, the embedded result carries a flag."""

from __future__ import annotations

import numpy as np
import pytest
from flat_lays import TEE, NobodyThere, flat_lay, shape_mask

from pipeline.core import images
from pipeline.core.card import Card
from pipeline.core.flags import Flag, Notice
from pipeline.core.items import Garment, Person
from pipeline.core.layout import CLOTH, CLOTH_MASK, LANDMARKS, MATTE, POSE_JSON, Layout
from pipeline.core.step import Context
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.step import BackgroundConfig, BackgroundStep
from preprocess.cloth.embedded import PlainBackground
from preprocess.cloth.step import ClothConfig, ClothStep
from preprocess.person.not_found import NotFound
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.step import PoseConfig, PoseStep


class Blind:
    """A network of every kind that sees nothing, except what it is told to answer."""

    card = Card(name="blind")
    batch_size = 2

    def __init__(self, *answers):
        self.answers = list(answers)

    def load(self, device):
        """Nothing."""

    def mattes_of(self, photos, selections):
        return [NotFound("blind does not show the person") for _ in photos]

    def keypoints(self, photo, landmarks):
        return NotFound("blind finds nobody")

    def cut(self, photo):
        return self.answers.pop(0) if self.answers else NotFound("blind marks 0.0% of the picture as garment")


@pytest.fixture
def person(samples, tmp_path):
    [path] = (samples / "person").glob("p10_*")
    return Person("ann", f"inputs:person/{path.name}"), Context(Layout(samples, tmp_path))


def run(step, item):
    [produced] = step.run([step.read(item)])
    return produced


@pytest.mark.samples
def test_matte_and_key_points_are_the_embedded_ones_and_say_so(person):
    item, context = person
    real, embedded = (BackgroundStep(BackgroundConfig(), context, backend) for backend in (Blind(), EmbeddedMatte()))
    assert real.batch_size == 2 and embedded.batch_size == 1
    missed, own = run(real, item), run(embedded, item)
    assert Notice(Flag.EMBEDDED_USED, "blind does not show the person") in missed.notices
    assert Flag.EMBEDDED_USED not in {notice.flag for notice in own.notices}
    assert missed.facts["backend"] == "embedded"
    assert missed.files[MATTE.of("ann")]() == own.files[MATTE.of("ann")]()
    path = context.layout.path(LANDMARKS.of("ann"))
    path.parent.mkdir(parents=True)
    path.write_bytes(own.files[LANDMARKS.of("ann")]())
    missed, own = (run(PoseStep(PoseConfig(), context, backend), item) for backend in (Blind(), MediapipePose()))
    assert missed.notices == (Notice(Flag.EMBEDDED_USED, "blind finds nobody"),) and own.notices == ()
    assert missed.files[POSE_JSON.of("ann")]() == own.files[POSE_JSON.of("ann")]()


@pytest.mark.slow
@pytest.mark.samples
def test_two_photos_of_one_call_get_what_each_gets_alone(person):
    item, context = person
    step = BackgroundStep(BackgroundConfig(), context, EmbeddedMatte())
    together = step.run([step.read(item), step.read(item)])
    alone = run(step, item)
    for produced in together:
        assert produced.files[MATTE.of("ann")]() == alone.files[MATTE.of("ann")]()


def cloth(tmp_path, backend, photo):
    (tmp_path / "g.png").write_bytes(images.png(photo))
    step = ClothStep(ClothConfig(), Context(Layout(tmp_path, tmp_path, tmp_path)), backend, NobodyThere())
    return run(step, Garment("g", "inputs:g.png"))


def test_a_garment_the_network_misses_is_cut_by_its_border_colour_and_says_so(tmp_path):
    photo = flat_lay(shape_mask(TEE), (30, 110, 100))
    missed, own = (cloth(tmp_path, backend, photo) for backend in (Blind(), PlainBackground()))
    assert Notice(Flag.EMBEDDED_USED, "blind marks 0.0% of the picture as garment") in missed.notices
    assert Flag.EMBEDDED_USED not in {notice.flag for notice in own.notices}
    for ref in (CLOTH.of("g"), CLOTH_MASK.of("g")):
        assert missed.files[ref]() == own.files[ref]()


def test_a_small_garment_seen_at_first_but_not_in_its_close_up_keeps_the_first_cut(tmp_path):
    mask = shape_mask(TEE)
    large = np.zeros((2400, 1800), bool)
    large[400:1200, 300:900] = mask
    seen = np.where(shrunk(large, 1536 / 2400), 255, 0).astype(np.uint8)
    made = cloth(tmp_path, Blind(seen), flat_lay(large, (30, 110, 100)))
    assert Flag.EMBEDDED_USED not in {notice.flag for notice in made.notices}


def shrunk(mask, scale):
    """Nearest neighbour to the cloth step's working size."""
    rows, columns = (np.minimum((np.arange(round(side * scale)) / scale).astype(int), side - 1) for side in mask.shape)
    return mask[np.ix_(rows, columns)]
