"""A whole evaluation over small pictures: numbers, report, what is missing, and two engines beside each other."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner
from workspaces import save

from pipeline.cli.app import app
from pipeline.core.errors import UsageError
from tryon.evaluation import networks as networks_module
from tryon.evaluation.command import EvaluationRequest, evaluate
from tryon.evaluation.comparison import compare, read_evaluation, worst_pairs
from tryon.evaluation.measuring import Setting, pair_values, read_pictures
from tryon.evaluation.networks import Networks
from tryon.evaluation.published import PUBLISHED, difference
from tryon.evaluation.report import CSV_NAME, JSON_NAME, TABLE_NAME

SIZE = (48, 36)
PEOPLE = [f"p{number:02d}" for number in range(8)]


def picture(seed: int) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 5, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, 0), 8, 1)[: SIZE[0], : SIZE[1]]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """Photos, masks, garments, and two engines: `good` repaints inside the mask alone, `bad` changes everything."""
    random = np.random.default_rng(0)
    for number, person in enumerate(PEOPLE):
        photo, hole = picture(number), np.zeros(SIZE, bool)
        hole[12:36, 9:27] = True
        good = photo.copy()
        good[hole] = np.clip(good[hole].astype(int) + 6, 0, 255)
        bad = np.clip(photo.astype(int) + random.integers(-60, 60, photo.shape), 0, 255)
        save(tmp_path / f"truth/{person}.png", photo)
        save(tmp_path / f"masks/{person}_mask.png", np.where(hole, 255, 0).astype(np.uint8))
        save(tmp_path / f"cloth/tee{number}.png", picture(100 + number))
        save(tmp_path / f"good/{person}__tee{number}.png", good)
        save(tmp_path / f"bad/{person}__tee{number}.png", bad.astype(np.uint8))
    (tmp_path / "pairs.txt").write_text("".join(f"{person} tee{number}\n" for number, person in enumerate(PEOPLE)))
    return tmp_path


def ask(desk: Path, engine: str, **changed: Any) -> EvaluationRequest:
    asked = {"pairs": desk / "pairs.txt", "masks": desk / "masks", "weights": desk / "weights"} | changed
    return EvaluationRequest(results=desk / engine, truth=desk / "truth", **asked)


def test_without_any_weights_everything_else_is_measured_and_the_rest_is_named_with_its_cure(desk: Path):
    content = evaluate(ask(desk, "good"), desk / "report")
    raw = content["rows"]["raw"]
    assert {"ssim_rgb_full", "ssim_rgb_valid", "ssim_grey", "psnr_all", "psnr_outside_mask", "delta_e_pixels_mask"} <= set(raw)
    assert raw["ssim_rgb_full"]["n"] == 8 and raw["ssim_rgb_full"]["low"] < raw["ssim_rgb_full"]["value"] < 1
    assert raw["psnr_outside_mask"]["value"] == "inf" and raw["changed_share_outside_mask"]["value"] == 0
    assert "weights pull lpips-alex" in content["not_computed"]["lpips_alex_full"]
    assert "weights pull fid-inception-clean" in content["not_computed"]["fid_clean"]
    assert "lpips_alex_full" not in raw


def test_the_report_has_hashes_formats_versions_and_a_table_with_published_rows_marked(desk: Path):
    evaluate(ask(desk, "good"), desk / "report")
    content = json.loads((desk / "report" / JSON_NAME).read_text())
    assert content["pairs_sha256"] == hashlib.sha256((desk / "pairs.txt").read_bytes()).hexdigest()
    assert content["n"] == 8 and content["size"] == [48, 36] and content["formats"] == {".png": 8}
    assert "numpy" in content["versions"] and len(content["pictures_sha256"]) == 64
    table = (desk / "report" / TABLE_NAME).read_text()
    assert "StableVITON 0.8543 (CatVTON) (not comparable)" in table and "of 2032 pairs, not 8" in table
    assert "| `lpips_alex_full` | not computed | not computed |" in table
    assert len((desk / "report" / CSV_NAME).read_text().splitlines()) == 9


def test_results_with_the_photo_outside_the_mask_are_a_row_of_their_own(desk: Path):
    rows = evaluate(ask(desk, "bad"))["rows"]
    assert rows["repainted"]["ssim_rgb_full"]["value"] > rows["raw"]["ssim_rgb_full"]["value"]
    assert rows["repainted"]["psnr_outside_mask"]["value"] == "inf"
    assert set(evaluate(ask(desk, "bad", masks=None))["rows"]) == {"raw"}


def test_the_unpaired_setting_asks_nothing_that_needs_a_true_result(desk: Path):
    content = evaluate(ask(desk, "good", setting=Setting.UNPAIRED))
    assert not [name for name in content["rows"]["raw"] if name.startswith(("ssim", "lpips", "delta_e", "psnr_all"))]
    assert "psnr_outside_mask" in content["rows"]["raw"] and "lpips_alex_full" not in content["not_computed"]


def test_a_photo_of_another_size_is_resized_in_memory_and_counted(desk: Path):
    save(desk / "truth/p00.png", np.repeat(np.repeat(picture(0), 2, 0), 2, 1))
    content = evaluate(ask(desk, "good"))
    assert content["photos_resized"] == 1 and content["rows"]["raw"]["ssim_rgb_full"]["n"] == 8


def test_a_photo_of_another_shape_is_refused_with_both_sizes(desk: Path):
    save(desk / "truth/p00.png", np.zeros((48, 48, 3), np.uint8))
    with pytest.raises(UsageError, match=r"48×36.*48×48"):
        evaluate(ask(desk, "good"))


# ---- feature networks of known answers ----------------------------------------------------------------------------------------


class MeanColour(Networks):
    """Stands in for Inception: a picture's features are its mean colour, so FID has a closed form."""

    def fid_clean(self):
        return lambda shown: shown.reshape(-1, 3).mean(0).astype(np.float32)

    def lpips(self, net: str):
        return lambda a, b: float(np.abs(a.astype(float) - b).mean())


def test_set_measures_come_from_the_features_of_both_sets(desk: Path, monkeypatch: pytest.MonkeyPatch):
    from tryon.evaluation import command

    monkeypatch.setattr(command, "Networks", MeanColour)
    content = evaluate(ask(desk, "good"))
    raw = content["rows"]["raw"]
    assert raw["kid_x1000_clean"]["low"] <= raw["kid_x1000_clean"]["value"] <= raw["kid_x1000_clean"]["high"]
    assert "fewer than 50 pictures" in content["not_computed"]["fid_clean"]
    assert raw["lpips_vgg_full"]["value"] > 0 and "lpips_vgg_full" not in content["not_computed"]


def test_fid_of_a_set_with_itself_is_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from tryon.evaluation import command

    monkeypatch.setattr(command, "Networks", MeanColour)
    for number in range(60):
        save(tmp_path / f"truth/p{number}.png", picture(number))
        save(tmp_path / f"same/p{number}.png", picture(number))
    raw = evaluate(EvaluationRequest(results=tmp_path / "same", truth=tmp_path / "truth", setting=Setting.UNPAIRED))["rows"][
        "raw"
    ]
    assert abs(raw["fid_clean"]["value"]) < 1e-6 and raw["fid_clean"]["n"] == 60


def test_the_torchscript_file_is_asked_for_its_layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    torch = pytest.importorskip("torch")

    class Layers(torch.nn.Module):
        def forward(self, x):
            return x.mean((2, 3))

    class Script(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = Layers()

        def forward(self, x):
            return self.layers(x) * 0

    file = tmp_path / "inception.pt"
    torch.jit.script(Script()).save(str(file))
    monkeypatch.setattr(networks_module, "available", lambda row, root: True)
    monkeypatch.setattr(networks_module.access, "paths", lambda row, root: {"inception-2015-12-05.pt": file})
    features = Networks(tmp_path).fid_clean()
    assert features is not None
    np.testing.assert_allclose(features(np.full((20, 30, 3), 192, np.uint8)), [0.5, 0.5, 0.5], atol=1e-6)


def test_a_file_of_another_hash_is_not_opened(tmp_path: Path):
    target = tmp_path / "fid-inception-clean/inception-2015-12-05.pt"
    target.parent.mkdir()
    with target.open("wb") as file:
        file.truncate(95_607_719)
    networks = Networks(tmp_path)
    assert networks.fid_clean() is None and "sha256" in networks.lacking["fid-inception-clean"]


# ---- two engines --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def both(desk: Path) -> tuple[Path, Path]:
    for engine in ("good", "bad"):
        evaluate(ask(desk, engine), desk / f"report-{engine}")
    return desk / "report-good", desk / "report-bad"


def test_a_comparison_says_which_is_better_and_shows_the_worst_pairs(both: tuple[Path, Path], tmp_path: Path):
    rows, files = compare(*both, tmp_path / "comparison")
    verdicts = {name: said for name, _, _, said in rows}
    assert verdicts["raw:ssim_rgb_full"] == "first better" and verdicts["raw:delta_e_pixels_mask"] == "first better"
    assert [file.name for file in files] == ["comparison.md", "worst.png"] and all(file.stat().st_size for file in files)
    judge, ids = worst_pairs(*(read_evaluation(each) for each in both))
    assert judge == "raw:ssim_rgb_full" and len(ids) == 8


def test_an_evaluation_beside_itself_shows_no_difference(both: tuple[Path, Path], tmp_path: Path):
    rows, _ = compare(both[0], both[0], tmp_path / "comparison")
    assert {said for *_, said in rows} == {"no difference shown"}


def test_evaluations_of_other_pairs_are_not_compared(both: tuple[Path, Path], desk: Path, tmp_path: Path):
    (desk / "bad/p07__tee7.png").unlink()
    evaluate(ask(desk, "bad", allow_missing=1), desk / "report-bad")
    with pytest.raises(UsageError, match="other pair lists"):
        compare(*both, tmp_path / "comparison")
    with pytest.raises(UsageError, match="no evaluation lies there"):
        compare(tmp_path, both[0], tmp_path / "comparison")


# ---- published figures, the command line --------------------------------------------------------------------------------------


def test_a_published_row_is_comparable_only_at_its_size_and_count():
    row = next(each for each in PUBLISHED if each.table == "CatVTON")
    assert difference(row, "ssim_rgb_full", (512, 384), 2032) == ""
    assert "512×384" in difference(row, "ssim_rgb_full", (1024, 768), 2032)
    assert "2032 pairs" in difference(row, "ssim_rgb_full", (512, 384), 2031)


def test_the_command_line_prints_measures_and_writes_the_report(desk: Path):
    words = ["evaluate", str(desk / "good"), "--truth", str(desk / "truth"), "--pairs", str(desk / "pairs.txt")]
    typed = CliRunner().invoke(app, [*words, "--report", str(desk / "out"), "--weights", str(desk / "weights")])
    assert typed.exit_code == 0, typed.exception
    assert "ssim_rgb_full" in typed.output and "lpips_alex_full: not computed" in typed.output
    assert (desk / "out" / TABLE_NAME).is_file()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "--setting", "paired"], "a folder of results, or --engine"),
        (["evaluate", "r"], "--truth is missing"),
        (["evaluate", "--engine", "stablevito"], "unknown engine"),
    ],
)
def test_a_wrong_call_is_answered_with_the_right_one(words: list[str], said: str):
    problem = CliRunner().invoke(app, words).exception
    assert isinstance(problem, UsageError) and said in str(problem)


def test_the_canvases_of_an_engine_are_taken_from_the_outputs_folder(desk: Path):
    tree = desk / "outputs/vitonhd/test"
    for folder, there in (("truth", tree / "image"), ("masks", tree / "agnostic-mask"), ("good", desk / "outputs/tryon/preview")):
        there.parent.mkdir(parents=True, exist_ok=True)
        (desk / folder).rename(there)
    (desk / "cloth").rename(desk / "upper")
    (desk / "inputs/cloth").mkdir(parents=True)
    (desk / "upper").rename(desk / "inputs/cloth/upper")
    words = ["evaluate", "--engine", "preview", "--pairs", str(desk / "pairs.txt"), "--outputs", str(desk / "outputs")]
    words += ["--inputs", str(desk / "inputs"), "--report", str(desk / "out"), "--weights", str(desk / "weights")]
    typed = CliRunner().invoke(app, words)
    assert typed.exit_code == 0, typed.exception
    content = json.loads((desk / "out" / JSON_NAME).read_text())
    assert content["engine"] == "preview" and "repainted" in content["rows"]


def test_a_pair_in_pixels_is_of_the_results_size(desk: Path):
    from tryon.evaluation.gathering import gather

    shown = read_pictures(gather(desk / "good", desk / "truth").pairs[0])
    assert shown.result.shape == shown.truth.shape == (48, 36, 3) and shown.hole is None
    assert "psnr_outside_mask" not in pair_values(shown, Setting.PAIRED, Networks(desk / "weights"))
