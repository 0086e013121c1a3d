"""What we export is what other people's loaders open; a published tree survives the way in and out."""

import io
import json
import re

import cv2
import numpy as np
import pytest
from drawn_person import draw, keypoints
from PIL import Image
from published_trees import dresscode, index_of, viton_hd
from test_datasets_in import everything_below, import_tree, run

from pipeline.core import images
from pipeline.core.errors import OutputError, UsageError
from pipeline.core.labels import Atr
from pipeline.datasets.dresscode_out import Numbers
from preprocess.densepose.colours import decode, render


def export_tree(tmp_path, *words, kind="viton-hd", to="given"):
    return run("export", kind, tmp_path / to, "--inputs", tmp_path / "in", "--outputs", tmp_path / "out", *words)


@pytest.fixture(scope="module")
def passed_through(tmp_path_factory):
    """A tree taken in and handed out again."""
    home = tmp_path_factory.mktemp("through")
    viton_hd(home / "tree", 2)
    import_tree(home)
    assert export_tree(home).exit_code == 0
    return home


def test_a_viton_hd_tree_comes_out_as_it_went_in(passed_through):
    before, after = (everything_below(passed_through / name) for name in ("tree", "given"))
    assert set(before) == set(after) and len(before) == 2 * 10 + 1
    assert all(before[name] == after[name] for name in before)


def test_the_export_read_again_gives_the_same_artefacts(passed_through):
    home = passed_through
    run("import", "viton-hd", home / "given", "--inputs", home / "in2", "--outputs", home / "out2")
    assert everything_below(home / "out2") == everything_below(home / "out")
    assert everything_below(home / "in2") == everything_below(home / "in")


def test_an_export_opens_with_a_plain_viton_hd_loader(passed_through):
    """The published loaders' conventions: string surgery on the person's name, first person, ids from the palette."""
    root = passed_through / "given"
    for line in (root / "test_pairs.txt").read_text().splitlines():
        person, cloth = line.strip().split()
        image = Image.open(root / "test" / "image" / person)
        assert all(Image.open(root / "test" / folder / cloth).size == (768, 1024) for folder in ("cloth", "cloth-mask"))
        parse = Image.open(root / "test" / "image-parse-v3" / person.replace(".jpg", ".png"))
        assert parse.mode == "P" and np.asarray(parse).max() < 20 and parse.size == image.size
        pose = json.loads((root / "test" / "openpose_json" / person.replace(".jpg", "_keypoints.json")).read_text())
        assert np.reshape(pose["people"][0]["pose_keypoints_2d"], (-1, 3)).shape == (25, 3)
        assert (root / "test" / "openpose_img" / person.replace(".jpg", "_rendered.png")).is_file()
        mask = np.asarray(Image.open(root / "test" / "agnostic-mask" / person.replace(".jpg", "_mask.png")))
        grey = np.asarray(Image.open(root / "test" / "agnostic-v3.2" / person), int)
        assert set(np.unique(mask)) == {0, 255}
        assert np.abs(grey[cv2.erode(mask, np.ones((17, 17))) > 0] - 128).max() <= 2
        assert Image.open(root / "test" / "image-densepose" / person).size == image.size


def test_densepose_jpegs_are_written_without_chroma_subsampling_and_decode():
    index = index_of(draw().labels)
    rng = np.random.default_rng(4)
    for _ in range(25):
        x, y, a, b = (int(each) for each in rng.integers((250, 250, 20, 20), (520, 900, 60, 90)))
        cv2.ellipse(index, (x, y), (a, b), 0, 0, 360, int(rng.integers(1, 25)), -1)
    data = images.jpeg(render(index))
    back = decode(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    foreground = index > 0
    assert (back == index)[foreground].mean() >= 0.995
    assert Image.open(io.BytesIO(data)).layer[1][1:3] == (1, 1)


def test_other_renderings_of_the_body_parts_come_in_folders_of_their_own(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    import_tree(tmp_path)
    parts = next((tmp_path / "out" / "densepose-iuv").iterdir())
    index = np.load(parts)["I"]
    u, v = index * 9, index * 3
    parts.write_bytes(images.npz({"I": index, "U": u, "V": v}))
    words = [word for name in ("raw", "viridis", "iuv") for word in ("--densepose", name)]
    assert export_tree(tmp_path, *words).exit_code == 0
    drawn = {
        name: np.asarray(Image.open(tmp_path / "given/test" / f"image-densepose-{name}" / f"{parts.stem}.png"))
        for name in words[1::2]
    }
    assert np.array_equal(drawn["raw"], np.dstack([index] * 3)) and np.array_equal(drawn["iuv"], np.dstack([index, u, v]))
    assert (drawn["viridis"][index == 0] == (68, 1, 84)).all() and (drawn["viridis"][index == 24] == (253, 231, 37)).all()
    own = np.asarray(Image.open(tmp_path / "given/test/image-densepose" / f"{parts.stem}.jpg"))
    assert (decode(own) == index)[index > 0].mean() >= 0.995


def test_coordinates_that_no_backend_knew_are_left_out_with_the_cure(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    import_tree(tmp_path)
    said = export_tree(tmp_path, "--densepose", "iuv")
    assert said.exit_code == 3 and "has no U and V" in said.output
    assert not (tmp_path / "given/test/image-densepose-iuv").exists() or not any(
        (tmp_path / "given/test/image-densepose-iuv").iterdir()
    )


def test_train_trees_get_train_names(passed_through):
    export_tree(passed_through, "--split", "train", to="train")
    assert (passed_through / "train" / "train_pairs.txt").is_file()
    assert {path.name for path in (passed_through / "train").iterdir()} == {"train", "train_pairs.txt"}


def test_what_lacks_an_artefact_is_left_out_with_its_pairs(tmp_path):
    viton_hd(tmp_path / "tree", 3)
    import_tree(tmp_path)
    lost = tmp_path / "out/vitonhd/test/image-parse-v3/00001_00.png"
    lost.unlink()
    done = export_tree(tmp_path)
    assert done.exit_code == 3
    assert f"person 00001_00 has no {lost}" in done.output
    assert (tmp_path / "given/test_pairs.txt").read_text() == "00000_00.jpg 00001_00.jpg\n00002_00.jpg 00000_00.jpg\n"
    assert not list((tmp_path / "given").rglob("image/00001_00*"))
    assert not (tmp_path / "given/test/cloth/00002_00.jpg").exists()


def test_with_nothing_ready_the_cure_is_named(tmp_path):
    (tmp_path / "in").mkdir()
    with pytest.raises(UsageError) as caught:
        export_tree(tmp_path)
    assert "--until cloth" in caught.value.remedy


def test_an_export_never_overwrites(tmp_path):
    viton_hd(tmp_path / "tree", 1)
    import_tree(tmp_path)
    mine = tmp_path / "given/test/image/00000_00.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    assert "left alone" in export_tree(tmp_path).output and mine.read_bytes() == b"mine"
    (tmp_path / "given/test_pairs.txt").write_text("other lines\n")
    with pytest.raises(OutputError, match=r"test_pairs\.txt"):
        export_tree(tmp_path)


def put_warped(home, engine="dci_vton"):
    """A warped garment and its soft mask for every pair of a tree taken in; the pairs."""
    pairs = [line.split() for line in (home / "tree/test_pairs.txt").read_text().splitlines()]
    for person, cloth in pairs:
        name = f"{person.removesuffix('.jpg')}__{cloth.removesuffix('.jpg')}.png"
        for folder, channels in (("cloth-warp", (3,)), ("cloth-warp-mask", ())):
            path = home / "out/vitonhd/test" / folder / engine / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(images.png(np.full((1024, 768, *channels), 90, np.uint8)))
    return pairs


def test_warped_garments_go_out_under_the_names_that_dci_vtons_loaders_read(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    import_tree(tmp_path)
    pairs = put_warped(tmp_path)
    assert export_tree(tmp_path, "--warped", "dci_vton").exit_code == 0
    for person, cloth in pairs:
        unpaired = person != cloth
        for folder in ("cloth-warp", "cloth-warp-mask"):
            shown = Image.open(tmp_path / "given/test" / folder / person)
            assert shown.format == "JPEG" and shown.mode == ("L" if folder.endswith("mask") else "RGB")
            assert np.abs(np.asarray(shown, int) - 90).max() <= 1
            assert (tmp_path / "given/test" / f"unpaired-{folder}" / person).is_file() is unpaired


def test_a_pair_without_a_warped_garment_is_left_out_where_they_are_asked_for(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    import_tree(tmp_path)
    pairs = put_warped(tmp_path)
    lost = next((tmp_path / "out/vitonhd/test/cloth-warp").rglob("00000_00__*.png"))
    lost.unlink()
    done = export_tree(tmp_path, "--warped", "dci_vton")
    assert done.exit_code == 3 and f"has no {lost}" in done.output
    assert len((tmp_path / "given/test_pairs.txt").read_text().splitlines()) == len(pairs) - 1


def test_two_garments_of_one_person_cannot_be_exported_with_their_warped_ones(tmp_path):
    viton_hd(tmp_path / "tree", 2)
    import_tree(tmp_path)
    put_warped(tmp_path)
    with (tmp_path / "in/pairs.txt").open("a") as file:
        file.write("00000_00 00000_00\n00000_00 00001_00\n")
    with pytest.raises(UsageError, match=r"after the person alone, and 00000_00 has [23]: 0000"):
        export_tree(tmp_path, "--warped", "dci_vton")
    assert not (tmp_path / "given").exists()


def test_a_dry_export_writes_nothing(passed_through):
    export_tree(passed_through, "--dry-run", to="dry")
    assert not (passed_through / "dry").exists()


def test_lower_garments_are_exported_with_their_own_masks(tmp_path):
    dresscode(tmp_path / "tree", {"lower_body": "013563"})
    import_tree(tmp_path, kind="dresscode")
    for folder, tail in (("agnostic-mask", "_mask.png"), ("agnostic-v3.2", ".jpg"), ("image-parse-agnostic-v3.2", ".png")):
        made = tmp_path / f"out/vitonhd/test/{folder}-lower/013563_0{tail}"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(images.png(np.zeros((1024, 768), np.uint8)) if tail != ".jpg" else images.jpeg(draw().view.image))
    assert export_tree(tmp_path, "--category", "lower").exit_code == 0
    assert (tmp_path / "given/test/agnostic-mask/013563_0_mask.png").is_file()
    assert (tmp_path / "given/test_pairs.txt").read_text() == "013563_0.jpg 013563_1.jpg\n"


@pytest.fixture(scope="module")
def dressed(tmp_path_factory):
    home = tmp_path_factory.mktemp("dressed")
    parts = {"upper_body": ("000001", ""), "dresses": ("020714", "-dress")}
    dresscode(home / "tree", {part: number for part, (number, _) in parts.items()})
    import_tree(home, kind="dresscode")
    for number, tail in parts.values():
        made = home / f"out/vitonhd/test/agnostic-mask{tail}/{number}_0_mask.png"
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_bytes(images.mask_png(draw().labels > 0))
    assert export_tree(home, kind="dresscode").exit_code == 0
    return home


def test_a_dresscode_tree_comes_out_with_the_same_names_labels_and_points(dressed):
    before, after = (everything_below(dressed / name) for name in ("tree", "given"))
    extra = {f"{part}/agnostic_masks/{number}_0.png" for part, number in (("upper_body", "000001"), ("dresses", "020714"))}
    assert set(after) - set(before) == extra | {"names.csv"}
    assert set(before) - set(after) == {"upper_body/train_pairs.txt", "dresses/train_pairs.txt"}
    for name in set(before) & set(after):
        if re.search(r"(images|masks)/.*jpg$", name) or name.endswith("txt"):
            assert before[name] == after[name], name
    labels = [np.asarray(Image.open(dressed / name / "upper_body/label_maps/000001_4.png")) for name in ("tree", "given")]
    assert np.array_equal(*labels) and labels[1].max() < Atr.NECK
    index = [np.asarray(Image.open(dressed / name / "upper_body/dense/000001_5.png")) for name in ("tree", "given")]
    assert np.array_equal(*index)
    points = json.loads(after["dresses/keypoints/020714_2.json"])["keypoints"]
    assert len(points) == 18 and np.allclose(points[2][:2], keypoints().body[2, :2] / 2, atol=0.02)


def test_dresscode_coordinates_survive_to_a_byte(dressed):
    uv = [np.load(dressed / name / "dresses/dense/020714_5_uv.npz")["uv"] for name in ("tree", "given")]
    assert uv[1].shape == uv[0].shape and np.abs(uv[0] - uv[1]).max() <= 0.5 / 255 + 1e-6


def test_a_dresscode_export_can_be_taken_in_again(dressed):
    run("import", "dresscode", dressed / "given", "--inputs", dressed / "in2", "--outputs", dressed / "out2")
    first, second = (everything_below(dressed / name / "vitonhd/test/image-parse-v3") for name in ("out", "out2"))
    assert first == second
    assert everything_below(dressed / "out2/densepose-iuv").keys() == everything_below(dressed / "out/densepose-iuv").keys()
    assert (dressed / "out2/vitonhd/test/agnostic-v3.2-dress/020714_0.jpg").is_file()


def test_dresscode_numbers_are_kept_and_others_get_free_ones():
    numbers = Numbers(["000000_0", "ann", "000001_1", "tee", "000007_0"])
    assert numbers.of == {"000000_0": "000000", "ann": "000002", "000001_1": "000001", "tee": "000003", "000007_0": "000007"}
