"""Both engines behind the protocol: stage and picture in a run, batches, steps, and what must be refused."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import mannequin
import numpy as np
import pytest
import torch
from pydantic import ValidationError
from tiny_engines import tiny_engine, tiny_stages

from pipeline.core import images
from pipeline.core.engine import PairInputs, TryOnItem
from pipeline.core.errors import InputError, MissingArtefactError, WeightsError
from pipeline.core.flags import Flag
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import CLOTH_FLOW, CLOTH_WARP, CLOTH_WARP_MASK, PARSE, TRYON, Layout
from pipeline.core.records.transaction import open_records
from pipeline.core.step import Context, Stage
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.table import row
from pipeline.running.options import RunOptions
from pipeline.running.runner import run_stages
from tryon.engines.dci_vton import checkpoint, folder, variants
from tryon.engines.dci_vton.config import DciVtonConfig, sampling_config
from tryon.engines.dci_vton.flow_picture import flow_picture
from tryon.engines.dci_vton.presets import PRESETS
from tryon.engines.dci_vton.runtime import steps_line
from tryon.engines.dci_vton.warp_stage import WarpStage
from tryon.engines.dci_vton.warping.runtime import WarpPictures
from tryon.networks.savings.switches import OFFICIAL
from tryon.pair_step import WarpStep
from tryon.samplers.schedule import leading_timesteps
from tryon.step import TryOnConfig, TryOnStep

NAMES = ("dci_vton", "dci_vton_v2")
GARMENTS = ("tee", "crop", "longsleeve")


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "inputs", tmp_path / "outputs", tmp_path / "weights")


def pairs_of(layout: Layout, name: str) -> list[Pair]:
    person = mannequin.write_person(layout)
    return [Pair(person, mannequin.write_garment(layout, garment), name) for garment in GARMENTS]


@pytest.fixture(params=NAMES)
def worked(request: pytest.FixtureRequest, layout: Layout, monkeypatch: pytest.MonkeyPatch):
    """A run of three pairs by batches of two, and the same run once more: made, pairs, again."""
    name, context = request.param, Context(layout, device="cpu")
    pairs = pairs_of(layout, name)

    def run() -> dict[str, int]:
        steps = [
            WarpStep(TryOnConfig(), context, {name: tiny_stages(name, context, monkeypatch)["warp"]}),
            TryOnStep(TryOnConfig(), context, {name: tiny_engine(name, context, monkeypatch)}),
        ]
        with open_records(layout) as records:
            summary = run_stages([Stage(step, pairs) for step in steps], records, RunOptions())
        assert not summary.failures, summary.failures
        return {stage.stage: stage.made for stage in summary.stages if stage.made}

    return name, run, pairs


def test_a_garment_is_warped_then_worn_and_a_retouched_warp_is_respected(worked, layout: Layout):
    """Three pairs in batches of two: the last batch is not full."""
    name, run, pairs = worked
    assert run() == {"warp": 3, "tryon": 3}
    assert run() == {}
    made = {kind: layout.path(kind.of(pairs[0].id, name)) for kind in (CLOTH_WARP, CLOTH_WARP_MASK, CLOTH_FLOW, TRYON)}
    assert [images.read_rgb(path).shape for path in made.values()] == [(mannequin.HEIGHT, mannequin.WIDTH, 3)] * 4
    before = images.read_rgb(made[TRYON])
    made[CLOTH_WARP].write_bytes(images.png(255 - images.read_rgb(made[CLOTH_WARP])))
    made[CLOTH_WARP_MASK].write_bytes(images.png(np.full((mannequin.HEIGHT, mannequin.WIDTH), 255, np.uint8)))
    assert run() == {"tryon": 1}
    assert np.abs(images.read_rgb(made[TRYON]).astype(int) - before).max() > 5
    recipe = images.read_recipe(made[TRYON])
    assert variants.ENGINES[recipe["sampling"]["variant"]] == name and recipe["sampling"]["steps"] == 2


def test_a_warp_that_was_given_without_its_flow_is_taken_as_given_and_half_of_one_is_completed(worked, layout: Layout):
    """Which flow bent a given garment nobody knows; the network's own would be another warp's."""
    name, run, pairs = worked
    for pair in pairs:
        write_warp(layout, pair)
    flow, warp, mask = (layout.path(kind.of(pairs[0].id, name)) for kind in (CLOTH_FLOW, CLOTH_WARP, CLOTH_WARP_MASK))
    assert run() == {"tryon": 3} and not flow.exists()
    assert run() == {}
    mask.unlink()
    given = warp.read_bytes()
    assert run() == {"warp": 1, "tryon": 1} and flow.exists() and warp.read_bytes() == given


@pytest.mark.parametrize(("inside", "flagged"), [(0, True), (2, True), (40, False)])
def test_a_garment_that_was_bent_off_the_canvas_is_flagged(layout: Layout, inside: int, flagged: bool):
    stage = WarpStage(DciVtonConfig(), Context(layout, device="cpu"))
    cloth, mask = np.zeros((160, 120, 3), np.uint8), np.zeros((160, 120), np.uint8)
    mask[:inside, :inside] = 255
    stage._warping = SimpleNamespace(warp=lambda person, garment: WarpPictures(cloth, mask, cloth))
    (made,) = stage.make([SimpleNamespace(person=None, garment=None)])
    assert [notice.flag for notice in made.notices] == [Flag.GARMENT_MISALIGNED] * flagged


@pytest.mark.parametrize("name", NAMES)
def test_outside_the_hole_the_picture_is_the_photo(name: str, layout: Layout, monkeypatch: pytest.MonkeyPatch):
    """Up to the two resizes: the face is far from the garment, the arms of the first model are not."""
    context, pair = Context(layout, device="cpu"), pairs_of(layout, name)[0]
    write_warp(layout, pair)
    engine = tiny_engine(name, context, monkeypatch)
    engine.load("cpu")
    (dressed,) = engine.generate([item_of(engine, layout, pair)])
    photo = images.read_rgb(layout.path(f"vitonhd/test/image/{pair.person.id}.jpg"))
    legs = np.s_[360:500, 60:320]
    assert np.abs(dressed.picture[legs].astype(int) - photo[legs]).mean() < 6
    chest = np.s_[130:220, 160:220]
    assert np.abs(dressed.picture[chest].astype(int) - photo[chest]).mean() > 6


def test_the_first_model_paints_where_the_mask_says_and_nowhere_else(layout: Layout, monkeypatch: pytest.MonkeyPatch):
    """The published hole holds both hands; a mask that leaves one out leaves it the photo's."""
    pair = pairs_of(layout, "dci_vton")[0]
    write_warp(layout, pair)
    engine = tiny_engine("dci_vton", Context(layout, device="cpu"), monkeypatch)
    engine.load("cpu")
    item = item_of(engine, layout, pair)
    hand = np.s_[225:250, 105:135]
    for covered in (True, False):
        mask = item.person.repaint.copy()
        mask[200:260, 90:150] = covered
        (dressed,) = engine.generate([replace(item, person=replace(item.person, repaint=mask))])
        apart = np.abs(dressed.picture.astype(int) - item.person.image).mean(axis=2)
        assert (apart[hand].mean() > 6) == covered
        assert apart[cv2.dilate(mask.astype(np.uint8), np.ones((9, 9))) == 0].mean() < 6  # two resizes soften the photo's edges


def write_warp(layout: Layout, pair: Pair) -> None:
    size = (mannequin.HEIGHT, mannequin.WIDTH)
    for kind, shape in ((CLOTH_WARP, (*size, 3)), (CLOTH_WARP_MASK, size)):
        path = layout.path(kind.of(pair.id, pair.engine))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(images.png(np.full(shape, 200, np.uint8)))


def item_of(engine, layout: Layout, pair: Pair) -> TryOnItem:
    person, garment = mannequin.person_inputs(layout, Category.UPPER), mannequin.garment_inputs(layout, pair.garment.id)
    return TryOnItem(engine.encode(person), engine.encode(garment), 7, PairInputs(pair, layout))


def test_a_person_without_parse_map_is_named_with_the_step_that_makes_it(layout: Layout, monkeypatch: pytest.MonkeyPatch):
    engine = tiny_engine("dci_vton", Context(layout, device="cpu"), monkeypatch)
    engine.load("cpu")
    person = mannequin.person_inputs(layout, Category.UPPER)
    layout.path(PARSE.of("ann")).unlink()
    with pytest.raises(MissingArtefactError, match=r"ann\.png: missing; the parsing step makes it"):
        engine.encode(person)


def test_a_mask_of_nobody_is_refused_and_the_second_model_reads_no_parse_map(layout: Layout, monkeypatch: pytest.MonkeyPatch):
    for name in NAMES:
        pair = pairs_of(layout, name)[0]
        write_warp(layout, pair)
        engine = tiny_engine(name, Context(layout, device="cpu"), monkeypatch)
        engine.load("cpu")
        item = item_of(engine, layout, pair)
        assert (item.person.parse is None) is (name == "dci_vton_v2")
        if item.person.parse is not None:
            with pytest.raises(InputError, match="neither upper clothes nor arms"):
                engine.generate([replace(item, person=replace(item.person, repaint=np.zeros_like(item.person.repaint)))])


@pytest.mark.parametrize("steps", [1, 501, 1000])
def test_steps_at_which_timesteps_would_repeat_are_refused(steps: int):
    with pytest.raises(ValidationError, match="allowed are 2 to 500"):
        DciVtonConfig(steps=steps)


CRASHING = {3, 9, 27, 36, 37, *range(101, 112), *range(251, 334)}


def test_steps_at_which_the_published_script_fails_end_before_and_say_so():
    for steps in range(2, 501):
        line = steps_line(replace(PRESETS["reference"], steps=steps))
        assert ("the published script fails here" in line) is (steps in CRASHING), steps
        if steps not in CRASHING:
            assert (line == "") is (len(leading_timesteps(steps)) == steps), steps
    assert not steps_line(PRESETS["balanced"])


def test_the_engine_says_so_when_it_loads(layout: Layout, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    engine = tiny_engine("dci_vton", Context(layout, device="cpu"), monkeypatch)
    engine.config = DciVtonConfig(solver="plms", steps=12)
    with caplog.at_level(logging.WARNING):
        engine.load("cpu")
    assert "plms with 12 steps: as published, these are 13" in caplog.text


def test_the_preset_reference_is_the_published_recipe():
    reference = sampling_config(DciVtonConfig(preset="reference"))
    assert (reference.solver, reference.steps, reference.dtype, reference.guidance_scale) == ("plms", 100, "fp32", 1.0)
    assert not reference.rounded
    assert (sampling_config(DciVtonConfig()).steps, sampling_config(DciVtonConfig(preset="fast")).steps) == (20, 10)


@pytest.mark.slow
def test_a_converted_folder_is_the_published_network_and_knows_which_model_it_is(
    diffusion_file: Path, diffusion_architecture, tmp_path: Path
):
    made = tmp_path / "made"
    folder.convert_second(diffusion_file, made, dtype="fp32", architecture=diffusion_architecture)
    found = folder.load(made, torch.float32, "v2", savings=folder.WITH_QUERIES).state_dict()
    wanted = checkpoint.read_published(diffusion_file, diffusion_architecture)
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in found.items())
    assert set(folder.read_parts(made)) >= set(found)
    with pytest.raises(WeightsError, match="weights of DCI-VTON v2, not v1") as caught:
        folder.load(made, torch.float32, "v1")
    assert caught.value.remedy == "--engine dci_vton_v2, which reads them"


@pytest.mark.slow
def test_a_lean_folder_lacks_what_has_no_say(diffusion_file: Path, diffusion_architecture, tmp_path: Path):
    made = tmp_path / "made"
    folder.convert_first(diffusion_file, made, dtype="bf16", lean=True, architecture=diffusion_architecture)
    assert folder.load(made, torch.float32, "v1")
    with pytest.raises(WeightsError, match="missing"):
        folder.load(made, torch.float32, "v1", savings=OFFICIAL)


def test_a_folder_that_does_not_say_which_model_it_is_is_refused(tmp_path: Path):
    (tmp_path / INDEX).write_text(json.dumps({"_class_name": folder.CLASS_NAME}))
    with pytest.raises(WeightsError, match="variant None is none of v1, v2"):
        folder.load(tmp_path, torch.float32, "v1")


def test_a_published_file_is_known_by_its_hash_in_both_directions():
    sha = row("dci-vton").files[0].sha256[0]
    assert variants.known_variant(sha) == "v1" and variants.known_variant("0" * 64) == ""
    variants.refuse_other_variant("f", "v1", "v1")
    variants.refuse_other_variant("f", "", "v2")
    with pytest.raises(WeightsError, match="f: these are the weights of DCI-VTON v1, not v2"):
        variants.refuse_other_variant("f", "v1", "v2")


@pytest.mark.parametrize("name, variant", [("dci_vton", "v2"), ("dci_vton_v2", "v1")])
def test_an_engine_refuses_a_file_whose_hash_is_the_other_models(
    name: str, variant: str, layout: Layout, monkeypatch: pytest.MonkeyPatch
):
    engine = tiny_engine(name, Context(layout, device="cpu"), monkeypatch)
    monkeypatch.setattr("tryon.engines.dci_vton.engine.known_variant", lambda sha: variant)
    with pytest.raises(WeightsError, match=f"weights of DCI-VTON {variant}"):
        engine.load("cpu")


def test_what_cannot_be_converted_is_refused_before_the_file_is_opened(tmp_path: Path):
    with pytest.raises(WeightsError, match="int8"):
        folder.convert_first(tmp_path / "none", tmp_path / "made", dtype="int8")
    with pytest.raises(WeightsError, match="its own VAE"):
        folder.convert_first(tmp_path / "none", tmp_path / "made", vae_file=tmp_path / "vae")
    with pytest.raises(WeightsError, match="exists already"):
        folder.convert_first(tmp_path / "none", tmp_path)


def test_the_flow_is_drawn_white_where_nothing_moves_and_coloured_by_direction():
    size = (48, 36)
    rows, columns = (2 * np.arange(48) + 1) / 48 - 1, (2 * np.arange(36) + 1) / 36 - 1
    still = np.stack([np.broadcast_to(columns, size), np.broadcast_to(rows[:, None], size)]).astype(np.float32)
    everywhere = np.ones(size, np.float32)
    assert (flow_picture(still, everywhere) == 255).all()
    right, left = (flow_picture(still + np.float32([[[shift]], [[0]]]), everywhere) for shift in (0.6, -0.6))
    assert (right[..., 0] == 255).all() and (right[..., 2] < 60).all()  # red looks to the right
    assert (left[..., 0] < 60).all() and (left[..., 1] == 255).all()
    assert flow_picture(still + np.float32([[[0.6]], [[0]]]), 0 * everywhere)[..., 2].min() > 180  # faint outside the garment
