"""A trained folder: what its adapter looks with stays in its own row, held against its hash; it converts to half its size."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from tiny_ootd_training import RECIPE, WIDTHS, write_start

from pipeline.core.errors import WeightsError
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from pipeline.core.weights.access import adopt_converted
from pipeline.core.weights.converted import INDEX, converted_folder
from pipeline.core.weights.files import VERIFIED_LIST, digest_of
from pipeline.engine_of_file import reader_of
from tryon.engines.ootdiffusion import checkpoint
from tryon.engines.ootdiffusion import engine as engines
from tryon.engines.ootdiffusion.config import OotdConfig
from tryon.engines.ootdiffusion.folder import convert, wiring_of
from tryon.engines.ootdiffusion.training.start import read_start
from tryon.engines.ootdiffusion.wiring import EYES
from tryon.training.session import Options, settings_of

KINDS = {"clip-h": "plain", "dinov2": "resampler"}


def settings(*overrides: str):
    return settings_of(RECIPE, Options(preset="ip-adapter", overrides=overrides), lambda line: None)


@pytest.fixture(scope="module")
def start(tmp_path_factory) -> Path:
    return write_start(tmp_path_factory.mktemp("start") / "weights")


@pytest.fixture(scope="module")
def trained(start) -> dict[str, Path]:
    """By what the adapter looks with, the folder of an adapter as it begins."""
    made = {}
    for eye, kind in KINDS.items():
        own = settings(f"ootd.adapter_eye={eye}", f"ootd.adapter={kind}", "ootd.prompts=cloth")
        made[eye] = start / f"made-{eye}"
        RECIPE.export_folder(start, own, {}, made[eye])
    return made


def files_of(start: Path, made: Path, eye: Path | None) -> checkpoint.Files:
    vae, clip = start / "ootdiffusion-vae/diffusion_pytorch_model.bin", start / "clip-vit-large-patch14/model.safetensors"
    return checkpoint.Files(unets=made, vae=vae, clip=clip, row="ootdiffusion-hd", wiring=wiring_of(made), eye=eye)


@pytest.mark.parametrize("eye", KINDS)
def test_what_an_adapter_looks_with_is_named_with_its_hash_and_not_copied(start, trained, eye):
    row, name = EYES[eye]
    file = start / row / name
    index = json.loads((trained[eye] / INDEX).read_text())
    assert index["eye"] == {"row": row, "file": name, "sha256": digest_of(file).sha256}
    assert {path.name for path in trained[eye].iterdir()} - {VERIFIED_LIST} == {INDEX, "unet_garm", "unet_vton", "adapter"}
    network = checkpoint.load(files_of(start, trained[eye], file), torch.float32, architecture=WIDTHS)
    assert all(torch.isfinite(each).all() for each in network.eye.state_dict().values())
    with pytest.raises(WeightsError, match=f"looks with {row}/{name}, which is not here"):
        checkpoint.load(files_of(start, trained[eye], None), torch.float32, architecture=WIDTHS)


def test_a_trained_folder_keeps_words_wiring_and_origin_in_half_the_size(start, trained):
    whole, half = trained["clip-h"], trained["clip-h"].parent / "half"
    assert reader_of(whole).engine == "ootdiffusion_hd", "its path does not say so, but it does"
    convert(whole, half, "hd", architecture=WIDTHS)
    before, after = (json.loads((folder / INDEX).read_text()) for folder in (whole, half))
    assert {key for key in before if before[key] != after[key]} == {"dtype", "files"} and after["dtype"] == "bf16"
    file = Path("adapter/model.safetensors")
    assert (half / file).stat().st_size < 0.6 * (whole / file).stat().st_size
    ours, theirs = (checkpoint.read_unets(files_of(start, each, None), WIDTHS) for each in (half, whole))
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], each.bfloat16()) for name, each in theirs.items())
    with pytest.raises(WeightsError, match="rounded to bf16 already, fp32 would be no better"):
        convert(half, half.parent / "again", "hd", dtype="fp32", architecture=WIDTHS)
    with pytest.raises(WeightsError, match=r"is OOTDiffusion's hd model"):
        convert(whole, half.parent / "again", "dc", architecture=WIDTHS)


def test_another_training_begins_with_such_a_folder_and_the_network_it_was_trained_with_and_no_other(start, trained, tmp_path):
    own = settings("ootd.adapter_eye=dinov2", "ootd.adapter=resampler")["ootd"]
    begun = read_start(trained["dinov2"], own, WIDTHS)
    assert begun.files.eye == start / Path(*EYES["dinov2"]) and not any("adapter: new" in line for line in begun.about)
    other = shutil.copytree(start, tmp_path / "weights")
    place = other / Path(*EYES["dinov2"])
    torch.save({name: each + 1 for name, each in torch.load(place).items()}, place)
    with pytest.raises(WeightsError, match="was trained to look with"):
        read_start(other / "made-dinov2", own, WIDTHS)


def test_the_engine_asks_for_the_adapters_network_and_refuses_another(start, trained, tmp_path, monkeypatch):
    convert(trained["clip-h"], converted_folder("ootdiffusion-hd", tmp_path), "hd", architecture=WIDTHS)
    assert "pinned" in adopt_converted("ootdiffusion-hd", tmp_path)
    config = OotdConfig(steps=2, dtype="bf16", height=64, width=64, prompts="cloth")
    engine = engines.OotdHalfBody(config, Context(Layout(outputs=tmp_path / "out", weights=tmp_path), device="cpu"))
    row, name = EYES["clip-h"]
    assert engine.card.weights == (*engines.OotdHalfBody.card.weights, row)
    (tmp_path / "scheduler_config.json").write_text("{}", "utf-8")
    other = tmp_path / name
    save_file({"foreign": torch.ones(1)}, other)
    opened = checkpoint.load
    monkeypatch.setattr(checkpoint, "load", lambda files, dtype: opened(files, dtype, architecture=WIDTHS))
    for eye in (other, start / row / name):
        given = (
            None,
            start / "ootdiffusion-vae",
            tmp_path / "scheduler_config.json",
            start / "clip-vit-large-patch14/model.safetensors",
            eye,
        )
        monkeypatch.setattr(engines, "require_all", lambda names, root, given=given: dict(zip(names, given, strict=True)))
        monkeypatch.setattr(engines, "sha_of", lambda name, root, eye=eye: digest_of(eye).sha256)
        if eye is other:
            with pytest.raises(WeightsError, match="was trained to look with"):
                engine.load("cpu")
    engine.load("cpu")
