"""The embedded person steps against rendered people, whose labels and joints are exactly known: what masks must cover."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pipeline.core import images, layout, masks
from pipeline.core.flags import Flag
from pipeline.core.frame import Frame
from pipeline.core.items import Person
from pipeline.core.keypoints import Keypoints, keypoints_from_json
from pipeline.core.labels import LOWER_LABELS, Category
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from preprocess.agnostic.rules.conditions import Conditions
from preprocess.agnostic.rules.hr_viton import hr_viton
from preprocess.agnostic.step import AgnosticConfig, AgnosticStep
from preprocess.background.embedded import EmbeddedMatte
from preprocess.background.step import BackgroundConfig, BackgroundStep
from preprocess.parsing.embedded.parser import ColourParser
from preprocess.parsing.step import ParsingConfig, ParsingStep
from preprocess.person.body import joints_from_keypoints
from preprocess.pose.embedded import MediapipePose
from preprocess.pose.step import PoseConfig, PoseStep

pytestmark = pytest.mark.slow
LEAST_PX = 2000
OWN = Path(__file__).parents[1] / "data/rendered"
MORE = Path(__file__).resolve().parents[3] / "shared/samples/rendered"
REAL_PROBLEMS = {"w1_white": {Flag.MATTE_DOUBTFUL, Flag.GARMENTS_ALIKE}}
"""White from top to toe before a light wall."""
HALF_BODY = {Flag.LEGS_NOT_VISIBLE}


@dataclass(frozen=True)
class Case:
    """One rendered person: the masks from exact labels and joints against ours, what is worn below, and the flags."""

    name: str
    upper_true: masks.Mask
    upper_ours: masks.Mask
    worn_below: masks.Mask
    lower_ours: masks.Mask
    flags: frozenset[Flag]


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """All rendered people whose truth is there: the project's own, and more where the samples are."""
    truths = sorted(path for folder in (OWN, MORE) for path in folder.glob("*-pose.json"))
    root = tmp_path_factory.mktemp("rendered")
    folders = Layout(root / "inputs", root / "outputs")
    (root / "inputs/person").mkdir(parents=True)
    context, backends = Context(folders), (EmbeddedMatte(), MediapipePose(), ColourParser())
    steps = (
        BackgroundStep(BackgroundConfig(), context, backends[0]), PoseStep(PoseConfig(), context, backends[1]),
        ParsingStep(ParsingConfig(), context, backends[2]), AgnosticStep(AgnosticConfig(), context),
    )  # fmt: skip
    for step in steps:
        step.load()
    return [case_of(path.parent, path.name.removesuffix("-pose.json"), folders, steps) for path in truths]


def case_of(source, name, folders, steps):
    item = Person(name, f"inputs:person/{name}.jpg", categories=(Category.UPPER, Category.LOWER))
    (folders.inputs / f"person/{name}.jpg").write_bytes((source / f"{name}.jpg").read_bytes())
    flags = set()
    for step in steps:
        produced = step.run([step.read(item)])[0]
        flags |= {notice.flag for notice in produced.notices}
        for ref, encode in produced.files.items():
            folders.path(ref).parent.mkdir(parents=True, exist_ok=True)
            folders.path(ref).write_bytes(encode())
    frame = Frame.from_json(folders.path(layout.FRAME.of(name)).read_text("utf-8"))
    labels = on_canvas(images.read_labels(source / f"{name}-parse.png"), frame)
    points = keypoints_from_json((source / f"{name}-pose.json").read_text("utf-8"), name)
    there, body = points.body[:, 2] > 0, points.body.copy()
    body[there, :2] = frame.points_to_canvas(body[there, :2])
    joints = joints_from_keypoints(Keypoints(body.astype(np.float32)))
    upper, lower = (images.read_mask(folders.path(layout.AGNOSTIC_MASK.of(name, each))) for each in item.categories)
    true = hr_viton(Category.UPPER, Conditions(labels, joints))
    return Case(name, true, upper, masks.labelled(labels, LOWER_LABELS), lower, frozenset(flags))


def on_canvas(labels, frame):
    moved = {
        each: frame.to_canvas(np.where(labels == each, 255, 0).astype(np.uint8), fill=0) >= 128
        for each in np.unique(labels)
        if each
    }
    canvas = np.zeros(next(iter(moved.values())).shape, np.uint8)
    for each, where in moved.items():
        canvas[where] = each
    return canvas


def test_agnostic_masks_are_those_of_exact_labels_and_joints(cases):
    overlaps = [masks.iou(case.upper_ours, case.upper_true) for case in cases]
    assert np.mean(overlaps) >= 0.92
    assert min(overlaps) >= 0.89


def test_lower_masks_cover_the_old_garment(cases):
    """All but one in ten are covered to 99 %."""
    worn = [case for case in cases if np.count_nonzero(case.worn_below) > LEAST_PX]
    covered = [(case.lower_ours & case.worn_below).sum() / case.worn_below.sum() for case in worn]
    assert sum(share >= 0.99 for share in covered) >= 0.9 * len(worn)
    assert min(covered) >= 0.97


def test_no_flag_is_raised_without_a_reason(cases):
    """Half bodies have no legs for the lower garment that this file asks for."""
    for case in cases:
        half = HALF_BODY if "half" in case.name or case.name == "w2_street" else set()
        assert case.flags == REAL_PROBLEMS.get(case.name, set()) | half, case.name
