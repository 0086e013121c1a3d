"""Published files, strictly: what is missing, what is another model, what is widened."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import mannequin
import pytest
import torch
from safetensors.torch import save_file
from tiny_engines import tiny_engine, tiny_ootd

from pipeline import choice
from pipeline.catalog import ENGINES
from pipeline.choice import Chooser
from pipeline.core.errors import InputError, WeightsError
from pipeline.core.items import Pair
from pipeline.core.labels import Category
from pipeline.core.layout import Layout
from pipeline.core.step import Context
from tryon.engines.ootdiffusion.checkpoint import Files, load, read_published, read_spacing
from tryon.step import TryOnConfig, TryOnStep

WIDTHS = tiny_ootd()


def rewrite(path: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    from safetensors.torch import load_file

    tensors = load_file(path)
    change(tensors)
    save_file({name: each.contiguous() for name, each in tensors.items()}, path)


def unet(files: Files, part: str) -> Path:
    return files.unets / part / "diffusion_pytorch_model.safetensors"


def test_every_tensor_of_the_published_files_arrives(files: Files, tiny_weights: Mapping[str, torch.Tensor]):
    network = load(files, torch.float32, architecture=WIDTHS)
    assert all(torch.equal(each, tiny_weights[name]) for name, each in network.state_dict().items())


def test_a_vae_with_the_names_of_older_libraries_is_read(files: Files):
    new = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
    tensors = torch.load(files.vae)
    for now, before in new.items():
        tensors = {name.replace(now, before): each for name, each in tensors.items()}
    torch.save(tensors, files.vae)
    assert read_published(files, WIDTHS)


@pytest.mark.parametrize(("missing", "row"), [("vae", "ootdiffusion-vae"), ("clip", "clip-vit-large-patch14")])
def test_a_missing_vae_or_clip_is_named_with_the_command_that_brings_it(files: Files, missing: str, row: str):
    getattr(files, missing).unlink()
    with pytest.raises(WeightsError, match=r"missing: .* of OOTDiffusion") as caught:
        read_published(files, WIDTHS)
    assert caught.value.remedy == f"python run.py weights pull {row}"


def test_a_stable_diffusion_folder_is_not_an_ootdiffusion_folder(files: Files):
    (files.unets / "unet_garm").rename(files.unets / "unet")
    with pytest.raises(WeightsError, match=r"a Stable Diffusion folder .* not OOTDiffusion's") as caught:
        read_published(files, WIDTHS)
    assert caught.value.remedy == "python run.py weights pull ootdiffusion-hd"


def test_a_four_channel_unet_is_widened_and_that_is_said(files: Files, caplog: pytest.LogCaptureFixture):
    rewrite(unet(files, "unet_vton"), lambda tensors: tensors.update({"conv_in.weight": tensors["conv_in.weight"][:, :4]}))
    with caplog.at_level(logging.WARNING, "lookbook"):
        network = load(files, torch.float32, architecture=WIDTHS)
    assert "widened to 8 with zeros" in caplog.text
    assert (network.unet_vton.conv_in.weight[:, 4:] == 0).all()


def test_the_two_unets_in_each_others_place_are_refused(files: Files):
    garment, try_on = unet(files, "unet_garm"), unet(files, "unet_vton")
    garment.write_bytes(try_on.read_bytes())
    with pytest.raises(WeightsError, match="8 input channels: this is the try-on U-Net"):
        read_published(files, WIDTHS)


def test_an_inpainting_unet_is_another_model(files: Files):
    wide = torch.zeros(32, 9, 3, 3)
    rewrite(unet(files, "unet_vton"), lambda tensors: tensors.update({"conv_in.weight": wide}))
    with pytest.raises(WeightsError, match="9 input channels, another model"):
        read_published(files, WIDTHS)


def test_a_unet_with_a_tensor_less_is_refused_by_its_name(files: Files):
    rewrite(unet(files, "unet_garm"), lambda tensors: tensors.pop("mid_block.resnets.0.conv1.bias"))
    with pytest.raises(WeightsError, match=r"1 missing: mid_block.resnets.0.conv1.bias"):
        read_published(files, WIDTHS)


def test_the_schedulers_file_says_how_timesteps_are_spread(tmp_path: Path):
    path = tmp_path / "scheduler_config.json"
    for text, spacing in (("{}", "linspace"), ('{"timestep_spacing": "leading"}', "leading")):
        path.write_text(text)
        assert read_spacing(path) == spacing
    for text in ('{"timestep_spacing": "karras"}', "no json"):
        path.write_text(text)
        with pytest.raises(WeightsError) as caught:
            read_spacing(path)
        assert caught.value.remedy == "python run.py weights pull ootdiffusion-scheduler"


def test_the_half_body_model_refuses_a_dress_and_names_what_it_dresses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    layout = Layout(outputs=tmp_path)
    engine = tiny_engine("ootdiffusion_hd", Context(layout, device="cpu"), monkeypatch)
    step = TryOnStep(TryOnConfig(), Context(layout), {"ootdiffusion_hd": engine})
    pair = Pair(mannequin.write_person(layout), mannequin.write_garment(layout, "dress"), "ootdiffusion_hd")
    with pytest.raises(InputError, match=r"ootdiffusion_hd does not dress dress garments .* allowed: upper"):
        step.read(pair)


@pytest.mark.parametrize(
    ("category", "expected"),
    [(Category.UPPER, "ootdiffusion_hd"), (Category.LOWER, "ootdiffusion_dc"), (Category.DRESS, "ootdiffusion_dc")],
)
def test_auto_gives_trousers_and_dresses_to_the_full_body_model(
    category: Category, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """With OOTDiffusion's weights alone. The catalogue itself stays as it is: a row taken out and put back would stand last."""
    alone = {name: entry for name, entry in ENGINES.items() if name.startswith(("ootdiffusion", "preview"))}
    monkeypatch.setattr(choice, "ENGINES", alone)
    monkeypatch.setattr(Chooser, "_status_of", lambda self, name: ())
    assert Chooser(tmp_path).engine(category).card.name == expected
