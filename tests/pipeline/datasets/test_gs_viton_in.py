"""A folder of the GS-VITON demo becomes inputs and artefacts, however much of it is done."""

import json

import numpy as np
import pytest
from drawn_person import keypoints
from published_trees import write
from seed_folder import coco_18, labels_of, points_of, removed_of, seed_folder, square_of, stem_of
from typer.testing import CliRunner
from workspaces import save

from pipeline.api import Request, prepare
from pipeline.cli.app import app
from pipeline.core import images, layout
from pipeline.core.errors import UsageError
from pipeline.core.frame import Frame
from pipeline.core.inputs.collection import discover
from pipeline.core.keypoints import Keypoints, keypoints_from_json, keypoints_to_json
from pipeline.core.labels import Joint, Parse
from pipeline.core.layout import Layout
from pipeline.core.records.transaction import open_records
from pipeline.datasets.gs_viton import square
from pipeline.datasets.gs_viton.reading import looks_stretched
from pipeline.planning.plan import Action


def import_folder(tmp_path, *words):
    words = ("import", "gs-viton", tmp_path / "seed", "--inputs", tmp_path / "in", "--outputs", tmp_path / "out", *words)
    done = CliRunner().invoke(app, [str(word) for word in words])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def folders(tmp_path) -> Layout:
    return Layout(tmp_path / "in", tmp_path / "out", tmp_path / "weights")


def to_do(tmp_path) -> dict[str, list[str]]:
    """Stage → ids that would run with the preview."""
    request = Request(inputs=tmp_path / "in", outputs=tmp_path / "out", overrides=("run.engine=preview",))
    job = prepare(request)
    with open_records(request.layout, writable=False) as records:
        plan = job.plan(records)
    return {stage.stage: [each.item.id for each in stage.of(Action.RUN, Action.FOLLOW)] for stage in plan.stages}


@pytest.mark.parametrize(("state", "kept"), [
    (0, {"pose": 0, "parsing": 0, "tryon": 0}),
    (1, {"pose": 0, "parsing": 0, "tryon": 0}),
    (2, {"pose": 2, "parsing": 0, "tryon": 0}),
    (3, {"pose": 2, "parsing": 2, "tryon": 0}),
    (4, {"pose": 2, "parsing": 2, "tryon": 2}),
])  # fmt: skip
def test_what_is_there_is_used_and_the_rest_is_left_to_make(tmp_path, state, kept):
    seed_folder(tmp_path / "seed", state)
    done = import_folder(tmp_path, "--engine", "preview")
    assert done.exit_code == 0
    for step, what in (("pose", "key-points"), ("parsing", "parse map")):
        assert (f"2 of 2 people have no {what}: the step makes it" in done.output) is (kept[step] == 0)
    plan, pairs = to_do(tmp_path), 4 if state < 2 else 2
    assert plan["background"] == ["w1_white", "w2_full"]
    assert [len(plan["pose"]), len(plan["parsing"])] == [2 - kept["pose"], 2 - kept["parsing"]]
    assert len(plan["tryon"]) == pairs - kept["tryon"]
    assert not plan["cloth"], "garments with their masks need no step"


def test_pictures_of_step_five_are_the_finished_ones(tmp_path):
    seed_folder(tmp_path / "seed", 5)
    import_folder(tmp_path, "--engine", "preview")
    finished = folders(tmp_path).path(layout.FINAL.of("w1_white__blue__room", "preview"))
    published = tmp_path / "seed/output/final" / f"{stem_of('w1_white')}_blue_room_bg_insert.jpg"
    assert np.array_equal(images.read_rgb(finished), images.read_rgb(published))
    assert not to_do(tmp_path)["compose"]


def test_a_later_state_can_be_taken_as_an_earlier_one(tmp_path):
    seed_folder(tmp_path / "seed", 5)
    import_folder(tmp_path, "--until", "step2", "--engine", "preview")
    plan = to_do(tmp_path)
    assert not plan["pose"] and len(plan["parsing"]) == 2 and len(plan["tryon"]) == 2
    import_folder(tmp_path, "--until", "none", "--inputs", tmp_path / "in2", "--outputs", tmp_path / "out2")
    assert (tmp_path / "in2/person/w1_white.jpg").samefile(tmp_path / "seed/inputs/org_img/w1_white.jpg")


def test_the_square_is_found_in_the_picture_of_step_one(tmp_path):
    """So results are put back in the photo's own resolution, and points and labels lie where they lay."""
    seed_folder(tmp_path / "seed", 3)
    import_folder(tmp_path)
    home = folders(tmp_path)
    frame = Frame.from_json(home.path(layout.FRAME.of("w2_full")).read_text())
    assert (frame.photo_height, frame.photo_width) == (600, 450)
    cut = square_of(images.read_rgb(tmp_path / f"seed/output/background_step1/{stem_of('w2_full')}.jpg"))
    known = points_of("w2_full", cut).body
    back = np.linalg.inv(np.vstack([cut.matrix, [0, 0, 1]]))[:2]
    expected = frame.points_to_canvas((known[:, :2] @ back[:, :2].T + back[:, 2]).astype(np.float32))
    found = keypoints_from_json(home.path(layout.POSE_JSON.of("w2_full")).read_text()).body
    seen = found[:, 2] > 0
    assert seen.sum() >= 15 and np.abs(found[seen, :2] - expected[seen]).max() < 2.0, "pixel centres and corners differ by half"
    labels, shown = (
        images.read_labels(home.path(layout.PARSE.of("w2_full"))),
        images.read_rgb(home.path(layout.IMAGE.of("w2_full"))),
    )
    assert labels.shape == (1024, 768) and shown.shape == (1024, 768, 3)
    person = labels > 0
    ground = np.abs(shown.astype(int) - 230).max(2) <= 12
    assert (ground & person).sum() < 0.06 * person.sum() and (ground | person).mean() > 0.985
    again = frame.to_canvas(removed_of("w2_full"), 230)
    assert np.abs(again.astype(int) - shown).mean() < 2.5, "the canvas shows what the frame says"


def test_a_square_without_its_step_one_is_the_input_itself(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    for path in (*(seed / "output/background_step1").iterdir(), *(seed / "inputs/org_img").iterdir()):
        path.unlink()
    assert import_folder(tmp_path).exit_code == 0
    home = folders(tmp_path)
    assert images.picture_size(tmp_path / "in/person/w1_white.jpg") == (512, 512)
    frame = Frame.from_json(home.path(layout.FRAME.of("w1_white")).read_text())
    assert frame.height >= 512 and frame.canvas_height == 1024


def test_a_square_that_the_demo_squashed_gets_its_proportions_back(tmp_path):
    """Pictures lower than 512 are squashed by the demo; the shoulders are as broad as in the photo again."""
    seed_folder(tmp_path / "seed", 3, {"w1_white": 420})
    done = import_folder(tmp_path)
    assert "squashed by the demo" in done.output
    points = keypoints_from_json(folders(tmp_path).path(layout.POSE_JSON.of("w1_white")).read_text()).body
    own = images_points("w1_white")
    assert shape_of(points) == pytest.approx(shape_of(own), rel=0.03)


def images_points(person):
    from seed_folder import RENDERED

    return keypoints_from_json((RENDERED / f"{person}-pose.json").read_text()).body


def shape_of(body) -> float:
    """Shoulders / torso."""
    left, right, neck, hips = body[[Joint.LEFT_SHOULDER, Joint.RIGHT_SHOULDER, Joint.NECK, Joint.MID_HIP], :2]
    return float(np.linalg.norm(left - right) / np.linalg.norm(hips - neck))


@pytest.mark.parametrize(("how", "word"), [("squash", "squashed into the square"), ("pad", "padded to a square")])
def test_a_photo_squashed_or_padded_into_the_square_is_recognised(tmp_path, how, word):
    """As people make squares who do not run the demo's second step."""
    import cv2

    seed = seed_folder(tmp_path / "seed", 3)
    for path in (seed / "output/background_step1").iterdir():
        path.unlink()
    photo = images.read_rgb(seed / "inputs/org_img/w1_white.jpg")
    side = cv2.resize(photo, (384, 512), interpolation=cv2.INTER_AREA)
    padded = cv2.copyMakeBorder(side, 0, 0, 64, 64, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    shown = cv2.resize(photo, (512, 512), interpolation=cv2.INTER_AREA) if how == "squash" else padded
    save(seed / f"inputs/image/{stem_of('w1_white')}.jpg", shown)
    done = import_folder(tmp_path)
    assert word in done.output
    frame = Frame.from_json(folders(tmp_path).path(layout.FRAME.of("w1_white")).read_text())
    assert (frame.photo_height, frame.photo_width, round(frame.height), round(frame.left)) == (600, 450, 600, 0)


def test_somebody_who_looks_stretched_is_named(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    for path in (*(seed / "output/background_step1").iterdir(), *(seed / "inputs/org_img").iterdir()):
        path.unlink()
    body = keypoints(shrink=0.5).body.copy()
    body[:, 0] = np.where(body[:, 2] > 0, (body[:, 0] - 192) * 4 / 3 + 256, 0)
    write(seed / f"inputs/openpose-json/{stem_of('w1_white')}_keypoints.json", images.text(keypoints_to_json([Keypoints(body)])))
    assert "looks stretched in width" in import_folder(tmp_path).output


@pytest.mark.parametrize("person", ["w1_white", "w2_full", "w2_street"])
def test_rendered_people_look_stretched_only_once_they_are(person):
    body = images_points(person)
    assert not looks_stretched(Keypoints(body))
    assert looks_stretched(Keypoints(body * np.array([4 / 3, 1, 1], np.float32)))


def test_several_people_of_one_photo_keep_their_number(tmp_path):
    seed = seed_folder(tmp_path / "seed", 1)
    save(seed / "output/background_step1/w2_full_cnt_5_background_removed.jpg", removed_of("w1_white"))
    import_folder(tmp_path)
    ids = [person.id for person in discover(folders(tmp_path), lambda _: "preview").persons]
    assert ids == ["w1_white", "w2_full_cnt_2", "w2_full_cnt_5"]


def test_a_second_import_finds_everything_there(tmp_path):
    seed_folder(tmp_path / "seed", 5)
    import_folder(tmp_path)
    again = import_folder(tmp_path)
    assert again.exit_code == 0 and "linked or copied: 0, converted: 0" in again.output and "left alone" not in again.output


@pytest.mark.parametrize("root", ["datasets", "inputs"])
def test_the_demos_older_names_are_understood(tmp_path, root):
    seed = seed_folder(tmp_path / "seed", 3)
    (seed / "inputs").rename(seed / root)
    (seed / root / "image").rename(seed / root / "output_img")
    (seed / root / "openpose-json").rename(seed / root / "output_posejson")
    (seed / root / "openpose-img").rename(seed / root / "output_pose")
    (seed / root / "cloth-mask").rename(seed / root / "cloth_mask")
    assert import_folder(tmp_path).exit_code == 0
    assert not to_do(tmp_path)["pose"] and not to_do(tmp_path)["parsing"] and not to_do(tmp_path)["cloth"]


def test_eighteen_points_are_read_and_said(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    coco_18(seed / f"inputs/openpose-json/{stem_of('w1_white')}_keypoints.json")
    done = import_folder(tmp_path)
    assert "18 points (COCO's order) instead of BODY_25" in done.output and done.exit_code == 0
    body = keypoints_from_json(folders(tmp_path).path(layout.POSE_JSON.of("w1_white")).read_text()).body
    assert body.shape == (25, 3) and body[Joint.MID_HIP, 2] > 0


def test_key_points_of_nobody_leave_the_square_to_the_steps(tmp_path):
    """Without its key-points the square cannot be the canvas, and its parse map has no place."""
    seed = seed_folder(tmp_path / "seed", 3)
    (seed / f"inputs/openpose-json/{stem_of('w1_white')}_keypoints.json").write_text(json.dumps({"people": []}))
    done = import_folder(tmp_path)
    assert done.exit_code == 3 and "nobody in it" in done.output
    assert "1 of 2 people have no key-points" in done.output and "1 of 2 people have no parse map" in done.output
    assert to_do(tmp_path)["pose"] == ["w1_white"] and to_do(tmp_path)["parsing"] == ["w1_white"]


def test_a_label_map_saved_as_jpeg_is_left_out(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    good = seed / f"output/cihp_parsing/{stem_of('w1_white')}.png"
    good.with_suffix(".jpg").write_bytes(images.jpeg(images.read_labels(good)))
    good.unlink()
    done = import_folder(tmp_path)
    assert done.exit_code == 3 and "saved as JPEG, which changes label numbers" in done.output
    assert "1 of 2 people have no parse map" in done.output and "no key-points" not in done.output
    assert to_do(tmp_path)["parsing"] == ["w1_white"]


def test_a_label_map_without_a_palette_is_read_by_its_numbers_and_said(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    good = seed / f"output/cihp_parsing/{stem_of('w1_white')}.png"
    import_folder(tmp_path, "--inputs", tmp_path / "in2", "--outputs", tmp_path / "out2")
    good.write_bytes(images.png(images.read_labels(good)))
    assert "no palette" in import_folder(tmp_path).output
    there = [images.read_labels(tmp_path / name / layout.PARSE.of("w1_white")) for name in ("out", "out2")]
    assert np.array_equal(*there) and (there[0] == Parse.UPPER_CLOTHES).any()


def test_lines_that_name_absent_files_cost_those_lines(tmp_path):
    seed = seed_folder(tmp_path / "seed", 2)
    for name, line in (
        ("test_pairs.txt", "nobody_cnt_0_background_removed.jpg blue.jpg\n"),
        ("val.txt", "/image/nobody.jpg x\n"),
    ):
        path = seed / "inputs" / name
        path.write_text(path.read_text() + line)
    done = import_folder(tmp_path)
    assert done.exit_code == 3 and "nobody_cnt_0" in done.output and "there is no picture /image/nobody.jpg" in done.output
    assert len(discover(folders(tmp_path), lambda _: "preview").pairs) == 2


@pytest.mark.parametrize(("numbers", "reading", "changed"), [
    ("300 1000 900", "y_min y_max x of GS-VITON", True),
    ("900 800 500", "foot point x y and height", False),
    ("400 100 300 700", "box x y width height", False),
])  # fmt: skip
def test_how_a_position_file_is_read_is_said(tmp_path, numbers, reading, changed):
    seed = seed_folder(tmp_path / "seed", 0)
    (seed / "inputs/bg_images/room.txt").write_text(numbers)
    done = import_folder(tmp_path)
    assert reading in done.output and ("earlier versions" in done.output) is changed
    assert (tmp_path / "in/backgrounds.txt").read_text() == "bg_images/room.jpg bg_images/room.txt\n"


@pytest.mark.parametrize(
    ("numbers", "said"), [("1 2", "2 numbers in a line"), ("left right", "are not numbers"), (None, "no position file")]
)
def test_a_position_file_that_cannot_be_read_costs_only_its_place(tmp_path, numbers, said):
    seed = seed_folder(tmp_path / "seed", 0)
    file = seed / "inputs/bg_images/room.txt"
    file.unlink() if numbers is None else file.write_text(numbers)
    done = import_folder(tmp_path)
    assert done.exit_code == 3 and said in done.output
    assert (tmp_path / "in/bg_images/room.jpg").is_file() and not (tmp_path / "in/backgrounds.txt").exists()


def test_the_demos_steps_are_understood_after_its_folder_was_imported(tmp_path):
    from pipeline.cli.options import CommandLineOptions

    words = {"inputs": tmp_path / "in", "outputs": tmp_path / "out"}
    assert CommandLineOptions(step="step3", **words).request().steps == ("densepose",), "before, our third step"
    seed_folder(tmp_path / "seed", 0)
    import_folder(tmp_path)
    assert CommandLineOptions(step="step3", **words).request().steps == ("densepose", "parsing")
    assert CommandLineOptions(step="step1,step5", **words).request().steps == ("background", "compose")
    assert CommandLineOptions(start="step2", until="step4", **words).request().steps == (
        "pose", "densepose", "parsing", "cloth", "tryon",
    )  # fmt: skip
    assert CommandLineOptions(step="3", **words).request().steps == ("densepose",), "a bare number is ours"
    with pytest.raises(UsageError, match="no step6"):
        CommandLineOptions(step="step6", **words).request()


def test_a_folder_is_not_imported_into_itself(tmp_path):
    seed_folder(tmp_path / "seed", 0)
    with pytest.raises(UsageError, match="own folder"):
        import_folder(tmp_path, "--inputs", tmp_path / "seed/inputs")


def test_the_demos_own_cut_is_recognised_in_its_record(fixtures_root):
    """The crop of the seed's second step, recorded by running it."""
    record = np.load(fixtures_root / "viton_hd/public/seed_steps.npz")
    import io

    from PIL import Image

    small = np.asarray(Image.open(io.BytesIO(record["crop/in_png"].tobytes())))
    large = np.ascontiguousarray(small.repeat(4, 0).repeat(4, 1))
    shown = record["crop/out_large_u8_s2"].repeat(2, 0).repeat(2, 1)
    cut = square.cut_of(large, shown)
    assert cut is not None and cut.plain
    columns = 512 / 600 * 440
    assert cut.window.height * 512 / 600 == pytest.approx(422) and cut.window.left * columns / 440 == pytest.approx(-22, abs=0.1)


def test_labels_lie_on_the_canvas_where_they_lay_in_the_square(tmp_path):
    seed = seed_folder(tmp_path / "seed", 3)
    import_folder(tmp_path)
    cut = square_of(images.read_rgb(seed / f"output/background_step1/{stem_of('w1_white')}.jpg"))
    middle = labels_of("w1_white", cut)
    found = images.read_labels(folders(tmp_path).path(layout.PARSE.of("w1_white")))
    for label in (Parse.FACE, Parse.UPPER_CLOTHES):
        assert (found == label).sum() / (middle == label).sum() == pytest.approx(4.0, rel=0.05), "512 rows became 1024"
