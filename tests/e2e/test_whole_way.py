"""Folders in, finished pictures out; and what a rerun does."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from workspaces import Workspace, fill, room, save, tee

from pipeline.core import images

pytestmark = pytest.mark.slow
TREE = {
    "vitonhd/test/image/ann.jpg",
    "vitonhd/test/image-densepose/ann.jpg",
    "vitonhd/test/image-parse-v3/ann.png",
    "vitonhd/test/image-parse-agnostic-v3.2/ann.png",
    "vitonhd/test/openpose_json/ann_keypoints.json",
    "vitonhd/test/openpose_img/ann_rendered.png",
    "vitonhd/test/agnostic-v3.2/ann.jpg",
    "vitonhd/test/agnostic-mask/ann_mask.png",
    "vitonhd/test/cloth/tee.jpg",
    "vitonhd/test/cloth-mask/tee.jpg",
    "vitonhd/test_pairs.txt",
}
OURS = {
    "cutout/ann.png",
    "matte/ann.png",
    "landmarks/ann.json",
    "frame/ann.json",
    "densepose-iuv/ann.npz",
    "tryon/preview/ann__tee.png",
    "dressed-cutout/preview/ann__tee.png",
    "final/preview/ann__tee__original.png",
    "final/preview/ann__tee__room.png",
    "report/index.html",
}


def done(events: list[dict]) -> list[tuple[str, str]]:
    return [(event["stage"], event["item"]) for event in events if event["event"] == "done"]


def test_one_line_makes_a_vitonhd_tree_and_finished_pictures(finished: Workspace):
    made = {name for name in finished.files() if "/thumbs/" not in name}
    assert made == TREE | OURS
    for name in TREE:
        if name.endswith((".jpg", ".png")):
            assert images.read_grey(finished.outputs / name).shape == (1024, 768), name


def test_the_final_picture_has_the_photos_own_size_and_differs_only_inside_the_mask(finished: Workspace):
    photo = images.read_rgb(finished.inputs / "person" / "ann.png")
    final = images.read_rgb(finished.outputs / "final/preview/ann__tee__original.png")
    assert final.shape == photo.shape
    changed = (final != photo).any(-1)
    assert 0.05 < changed.mean() < 0.8
    assert not changed[:60].any()  # the sky above the head


def test_a_preview_says_so_in_the_file_and_on_the_page(finished: Workspace):
    recipe = images.read_recipe(finished.outputs / "tryon/preview/ann__tee.png")
    assert recipe is not None and recipe["preview"] is True and recipe["engine"] == "preview"
    assert "preview" in (finished.outputs / "report/index.html").read_text("utf-8")


def test_a_second_run_makes_nothing(workspace: Workspace):
    before = {
        path: path.stat().st_mtime_ns for path in workspace.outputs.rglob("*") if path.is_file() and ".ledger" not in path.parts
    }
    code, events = workspace.run("--step", "all")
    assert (code, done(events)) == (0, [])
    assert all(path.stat().st_mtime_ns == stamp for path, stamp in before.items())


def test_the_same_inputs_give_the_same_bytes_in_another_folder(finished: Workspace, tmp_path: Path):
    other = Workspace(tmp_path / "elsewhere with spaces")
    fill(other.inputs)
    assert other.cli("--step", "all", "--workers", "2").returncode == 0
    assert other.files() == finished.files()


def test_a_new_background_costs_only_compose(workspace: Workspace):
    save(workspace.inputs / "background" / "night.jpg", room() // 3)
    code, events = workspace.run("--step", "all")
    assert (code, done(events)) == (0, [("compose", "ann__tee__night")])


def test_a_new_garment_does_not_touch_the_person(workspace: Workspace):
    save(workspace.inputs / "cloth" / "red.jpg", tee((170, 40, 40)))
    code, events = workspace.run("--step", "all")
    assert code == 0
    assert done(events) == [("cloth", "red"), ("tryon", "ann__red"), ("restore", "ann__red"), ("compose", "ann__red__room")]


def test_a_retouched_mask_is_respected_and_what_follows_it_is_redone(workspace: Workspace):
    mask_file = workspace.outputs / "vitonhd/test/agnostic-mask/ann_mask.png"
    mask = images.read_mask(mask_file)
    mask[:, :300] = False
    mask_file.write_bytes(images.mask_png(mask))
    before = workspace.files()
    code, events = workspace.run("--step", "all")
    assert code == 0
    assert [stage for stage, _ in done(events)] == ["agnostic-picture", "tryon", "restore", "compose"]
    grey = (images.read_rgb(workspace.outputs / "vitonhd/test/agnostic-v3.2/ann.jpg").astype(int) - 128).__abs__().max(-1) <= 3
    assert not grey[:, :290].all(-1).any() and grey[mask].mean() > 0.98
    assert np.array_equal(images.read_mask(mask_file), mask)
    assert workspace.files()["final/preview/ann__tee__original.png"] != before["final/preview/ann__tee__original.png"]
    assert "edited-by-hand" in (workspace.outputs / "report/index.html").read_text("utf-8")


def test_force_overwrites_what_was_edited_by_hand(workspace: Workspace, finished: Workspace):
    mask_file = workspace.outputs / "vitonhd/test/agnostic-mask/ann_mask.png"
    mask_file.write_bytes(images.mask_png(np.zeros((1024, 768), bool)))
    assert workspace.run("--step", "all", "--force")[0] == 0
    assert workspace.files() == finished.files()


def test_going_back_to_old_settings_is_not_confused_with_new_ones(workspace: Workspace, finished: Workspace):
    workspace.run("--step", "all", "--set", "compose.plain=true")
    assert workspace.files()["final/preview/ann__tee__room.png"] != finished.files()["final/preview/ann__tee__room.png"]
    workspace.run("--step", "all")
    assert workspace.files() == finished.files()


def test_a_dry_run_says_why_and_touches_nothing(workspace: Workspace):
    save(workspace.inputs / "background" / "night.jpg", room() // 3)
    before = workspace.files()
    result = workspace.cli("--step", "all", "--dry-run")
    assert result.returncode == 0 and workspace.files() == before
    assert "night.jpg" in result.stdout and "compose" in result.stdout


def test_a_step_alone_names_the_step_that_is_missing_before_it(tmp_path: Path):
    workspace = Workspace(tmp_path)
    fill(workspace.inputs)
    result = workspace.cli("--step", "tryon")
    assert result.returncode == 3
    assert "parsing" in result.stdout or "pose" in result.stdout or "cloth" in result.stdout


@pytest.mark.parametrize("spec", ["3", "step3", "densepose"])
def test_a_step_can_be_named_or_counted_and_its_name_is_said(workspace: Workspace, spec: str):
    result = workspace.cli("--step", spec, "--dry-run")
    assert result.returncode == 0 and result.stdout.startswith("densepose:")


def test_a_deleted_input_leaves_the_report_and_clean_removes_its_artefacts(workspace: Workspace):
    (workspace.inputs / "cloth/upper/tee.jpg").unlink()
    save(workspace.inputs / "cloth" / "red.jpg", tee((170, 40, 40)))
    assert workspace.run("--step", "all")[0] == 0
    report = (workspace.outputs / "report/index.html").read_text("utf-8")
    assert not re.search(r"(?<![a-z])tee(?![a-z])", report)
    assert (workspace.outputs / "tryon/preview/ann__tee.png").exists()
    listed = workspace.cli("clean")
    assert "ann__tee" in listed.stdout and (workspace.outputs / "tryon/preview/ann__tee.png").exists()
    assert workspace.cli("clean", "--yes").returncode == 0
    assert not [name for name in workspace.files() if "tee" in name]


def test_a_lost_ledger_counts_everything_as_given_by_hand(workspace: Workspace):
    before = workspace.files()
    shutil.rmtree(workspace.outputs / ".ledger")
    code, events = workspace.run("--step", "all")
    assert (code, done(events)) == (0, [])
    after = workspace.files()
    assert {name: after[name] for name in before if not name.startswith("report")} == {
        name: data for name, data in before.items() if not name.startswith("report")
    }


def test_the_python_api_does_the_same_as_the_command_line(workspace: Workspace, finished: Workspace):
    from pipeline.api import Request, plan, run

    request = Request(inputs=workspace.inputs, outputs=workspace.outputs, weights=workspace.folder / "weights")
    assert plan(request).to_run == 0
    save(workspace.inputs / "background" / "night.jpg", room() // 3)
    assert plan(request).to_run == 1
    summary = run(request)
    assert (summary.made, summary.exit_code) == (1, 0)


def test_json_events_are_one_object_a_line_and_end_with_the_report(workspace: Workspace):
    result = workspace.cli("--step", "all", "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events[-1]["event"] == "finished" and events[-1]["report"].endswith("index.html")
