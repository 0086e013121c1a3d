"""A folder of the GS-VITON demo in five states of completion: imported, finished with the preview, exported, read again."""

import numpy as np
import pytest
from seed_folder import PAIRS, points_of, seed_folder, square_of, stem_of
from workspaces import Workspace

from pipeline.core import images, layout
from pipeline.core.keypoints import keypoints_from_json
from pipeline.core.layout import Layout

ENGINE = ("--engine", "preview")


def finished(workspace: Workspace) -> dict[str, np.ndarray]:
    """Pair and background → the finished picture on the one background; the photo's own ground is left out."""
    found = sorted((workspace.outputs / "final/preview").glob("*__room.png"))
    return {path.stem: images.read_rgb(path) for path in found}


@pytest.mark.slow
@pytest.mark.parametrize("state", [1, 2, 3, 4, 5])
def test_a_folder_is_finished_exported_and_read_again(tmp_path, state):
    seed = seed_folder(tmp_path / "seed", state)
    if state < 2:  # the demo's second step writes the list; people write it by hand before
        (seed / "inputs/test_pairs.txt").write_text("".join(f"{stem_of(person)}.jpg {cloth}.jpg\n" for person, cloth in PAIRS))
    first = Workspace(tmp_path / "first")
    first.folder.mkdir()
    assert first.cli("import", "gs-viton", str(seed), *ENGINE).returncode == 0
    for step in ("step1", "step2", "step3", "step4", "step5"):
        done = first.cli("--step", step, *ENGINE)
        assert done.returncode == 0, done.stdout + done.stderr
    pictures = finished(first)
    assert list(pictures) == ["w1_white__blue__room", "w2_full__green__room"]
    _given_is_kept(first, seed, state)

    assert first.cli("export", "gs-viton", "again", *ENGINE).returncode == 0
    second = Workspace(tmp_path / "second")
    second.folder.mkdir()
    again = first.folder / "again"
    done = second.cli("import", "gs-viton", str(again), *ENGINE)
    assert done.returncode == 0 and "used as it is" not in done.stdout, done.stdout
    assert finished(second).keys() == pictures.keys()
    for name, picture in finished(second).items():
        assert np.abs(picture.astype(int) - pictures[name]).mean() < 3, "finished pictures travel as JPEG"
    _lies_where_it_lay(first, second)
    assert (again / "inputs/bg_images/room.txt").read_text() == (seed / "inputs/bg_images/room.txt").read_text()


def _given_is_kept(workspace: Workspace, seed, state: int) -> None:
    """Of what the demo had made nothing was made again."""
    home = Layout(workspace.inputs, workspace.outputs)
    if state >= 2:
        cut = square_of(images.read_rgb(seed / f"output/background_step1/{stem_of('w2_full')}.jpg"))
        seen = keypoints_from_json(home.path(layout.POSE_JSON.of("w2_full")).read_text()).body[:, 2] > 0
        assert np.array_equal(seen, points_of("w2_full", cut).body[:, 2] > 0)
    if state >= 4:
        dressed = images.read_rgb(home.path(layout.TRYON.of("w2_full__green", "preview")))
        assert (np.abs(dressed.astype(int) - (30, 60, 200)).max(2) < 40).mean() > 0.03, "the colour of the given result"
    if state >= 5:
        assert images.picture_size(home.path(layout.FINAL.of("w2_full__green__room", "preview"))) == (1080, 1920)


def _lies_where_it_lay(first: Workspace, second: Workspace) -> None:
    """Key-points and labels in the photo are the same after the way through the demo's squares."""
    from pipeline.core.frame import Frame

    for person in ("w1_white", "w2_full"):
        bodies = []
        for workspace in (first, second):
            home = Layout(workspace.inputs, workspace.outputs)
            frame = Frame.from_json(home.path(layout.FRAME.of(person)).read_text())
            body = keypoints_from_json(home.path(layout.POSE_JSON.of(person)).read_text()).body
            share = np.array([frame.photo_width, frame.photo_height])
            bodies.append(np.where(body[:, 2:] > 0, frame.points_to_photo(body[:, :2]) / share, np.nan))
        both = ~np.isnan(bodies[0]).any(1) & ~np.isnan(bodies[1]).any(1)
        assert both.sum() >= 12 and np.abs(bodies[0][both] - bodies[1][both]).max() < 0.004
