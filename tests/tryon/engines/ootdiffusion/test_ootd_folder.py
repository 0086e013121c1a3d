"""The converted folder: made of a published one, known by its variant and its words, refused in place of another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from tiny_engines import tiny_ootd
from typer.testing import CliRunner

from benchmarks.generated import GeneratedWeights
from pipeline.cli.weights import app
from pipeline.core.errors import UsageError, WeightsError
from pipeline.core.labels import Category
from pipeline.core.weights import access
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.table import Weight, parse_row
from pipeline.engine_of_file import reader_of
from tryon.engines.ootdiffusion import folder
from tryon.engines.ootdiffusion.checkpoint import Files, empty_network, fill_network, read_published
from tryon.engines.ootdiffusion.encoding import EncodedGarment, garment_contexts
from tryon.engines.ootdiffusion.sampling import show_garment
from tryon.engines.ootdiffusion.words import A_CLOTH, FULL_BODY, HALF_BODY, PUBLISHED, words_of

WIDTHS = tiny_ootd()


@pytest.fixture
def published(files: Files) -> Path:
    """The folder as it is published, config files included."""
    for part in ("unet_garm", "unet_vton"):
        (files.unets / part / "config.json").write_text(
            json.dumps({"sample_size": 96, "note": "stands for the published settings " * 99})
        )
    return files.unets


def converted(published: Path, variant: str = "hd", name: str = "made", **options: Any) -> Path:
    made = published / name
    folder.convert(published, made, variant, architecture=WIDTHS, **options)
    return made


def change_index(made: Path, **changes: object) -> None:
    index = json.loads((made / INDEX).read_text())
    (made / INDEX).write_text(json.dumps(index | changes))


def test_a_converted_folder_holds_the_same_weights_rounded(
    published: Path, files: Files, tiny_weights: Mapping[str, torch.Tensor]
):
    found = read_published(replace(files, unets=converted(published)), WIDTHS)
    for name, tensor in tiny_weights.items():
        wanted = tensor.bfloat16() if name.startswith("unet_") else tensor
        assert torch.equal(found[name].to(wanted.dtype), wanted), name


def test_its_index_says_model_words_number_format_and_the_sources_files(published: Path):
    index = json.loads((converted(published, "dc", dtype="fp16") / INDEX).read_text())
    assert (index["variant"], index["prompts"], index["dtype"]) == ("dc", "published", "fp16")
    assert index["words"]["unet_vton"] == {category.value: list(ids) for category, ids in FULL_BODY.ids.items()}
    assert index["words"]["vector"] == "follows"
    assert set(index["sources"]) == set(folder.SOURCES)
    weights = load_file(published / "made/unet_garm/diffusion_pytorch_model.safetensors")
    assert {each.dtype for each in weights.values()} == {torch.float16}
    assert (published / "made/unet_vton/config.json").is_file()


def table_row(published: Path) -> Weight:
    """The row with a hash of nobody, as the publisher's is."""
    files = [{"file": name, "source": f"http://127.0.0.1:9/{name}"} for name in folder.SOURCES]
    said = {"licence": "cc-by-nc-sa-4.0", "inherited": "none", "pickle": "none", "title": "A model", "commercial": "no"}
    return parse_row("ootdiffusion-hd", {**said, "used_by": ["tryon:ootdiffusion_hd"], "alternative": "none", "files": files})


def test_a_converted_folder_keeps_the_identity_of_the_published_files_and_can_replace_them(
    published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(access, "row", lambda name: table_row(published))
    root = tmp_path / "weights"
    for name in folder.SOURCES:
        place = root / "ootdiffusion-hd" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes((published / name).read_bytes())
    before = access.sha_of("ootdiffusion-hd", root)
    folder.convert(root / "ootdiffusion-hd", root / "ootdiffusion-hd/converted", "hd", architecture=WIDTHS)
    access.adopt_converted("ootdiffusion-hd", root)
    assert folder.unets_folder("ootdiffusion-hd", root, "bf16") == root / "ootdiffusion-hd/converted"
    assert folder.unets_folder("ootdiffusion-hd", root, "fp32") == root / "ootdiffusion-hd", "the full format is still there"
    for name in folder.SOURCES:
        (root / "ootdiffusion-hd" / name).unlink()
    assert access.sha_of("ootdiffusion-hd", root) == before
    assert folder.unets_folder("ootdiffusion-hd", root, "fp32") == root / "ootdiffusion-hd/converted"


def test_a_folder_of_other_weights_does_not_replace_pinned_ones(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(access, "row", lambda name: table_row(published))
    root = tmp_path / "weights"
    own = root / "ootdiffusion-hd"
    folder.convert(published, own / "converted", "hd", architecture=WIDTHS)
    assert "pinned on first use" in access.adopt_converted("ootdiffusion-hd", root)
    index = json.loads((own / "converted" / INDEX).read_text())
    index["sources"]["unet_vton/config.json"]["sha256"] = "0" * 64
    change_index(own / "converted", sources=index["sources"])
    assert "made from another file" in access.adopt_converted("ootdiffusion-hd", root)
    with pytest.raises(WeightsError, match="missing"):
        access.require("ootdiffusion-hd", root)


def test_the_other_model_is_refused_and_the_engine_that_dresses_with_it_is_named(published: Path):
    made = converted(published, "hd")
    folder.refuse_other_model(made, "hd", PUBLISHED)
    with pytest.raises(WeightsError, match=r"is OOTDiffusion's hd model \(dresses upper\); ootdiffusion_dc needs dc") as caught:
        folder.refuse_other_model(made, "dc", PUBLISHED)
    assert "--engine ootdiffusion_hd" in caught.value.remedy


@pytest.mark.parametrize("name", ["ootd_hd", "ootdiffusion-hd"])
def test_a_published_folder_whose_path_names_the_other_model_is_refused(published: Path, tmp_path: Path, name: str):
    place = tmp_path / name / "checkpoint-36000"
    place.parent.mkdir()
    for part in ("unet_garm", "unet_vton"):
        place.mkdir(exist_ok=True)
        (published / part).rename(place / part)
    with pytest.raises(WeightsError, match="is OOTDiffusion's hd model"):
        folder.convert(place, tmp_path / "made", "dc", architecture=WIDTHS)
    folder.convert(place, tmp_path / "made", "hd", architecture=WIDTHS)


@pytest.mark.parametrize(("trained", "asked"), [("cloth", "published"), ("published", "cloth"), ("empty", "cloth")])
def test_other_words_than_in_training_are_refused_with_the_setting_that_fits(published: Path, trained: Any, asked: Any):
    made = converted(published)
    index = json.loads((made / INDEX).read_text())
    change_index(made, **{**index, **folder.description("hd", trained, "bf16")})
    folder.refuse_other_model(made, "hd", trained)
    with pytest.raises(WeightsError, match=rf"trained with the prompt set '{trained}' .* not with '{asked}'") as caught:
        folder.refuse_other_model(made, "hd", asked)
    assert caught.value.remedy == f"--set ootdiffusion_hd.prompts={trained}"


def test_a_published_folder_was_trained_with_the_published_words(published: Path):
    folder.refuse_other_model(published, "hd", PUBLISHED)
    with pytest.raises(WeightsError, match="trained with the prompt set 'published'"):
        folder.refuse_other_model(published, "hd", "cloth")


def test_a_set_of_the_same_name_with_other_token_ids_is_refused(published: Path):
    made = converted(published)
    words = json.loads((made / INDEX).read_text())["words"]
    change_index(made, words=words | {"unet_vton": {"upper": [49406, 7067, 49407]}})
    with pytest.raises(WeightsError, match="prompt set 'published' has other token ids there than here"):
        folder.refuse_other_model(made, "hd", PUBLISHED)


def test_a_damaged_folder_is_refused(published: Path):
    made = converted(published)
    file = made / "unet_garm/diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-4] + b"junk")
    with pytest.raises(WeightsError, match="damaged: unet_garm"):
        folder.refuse_other_model(made, "hd", PUBLISHED)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dtype": "int8"}, "dtype 'int8' is not known to OOTDiffusion"),
        ({"vae_file": Path("vae.bin")}, "VAE is a file of its own"),
        ({"lean": True}, "every tensor of an OOTDiffusion folder is read"),
    ],
)
def test_what_the_folder_cannot_have_is_refused_before_anything_is_written(published: Path, options: dict[str, Any], said: str):
    with pytest.raises(WeightsError, match=said):
        converted(published, **options)
    assert not (published / "made").exists()


def test_the_command_finds_the_model_by_the_folders_name_and_asks_where_it_says_nothing(published: Path, tmp_path: Path):
    with pytest.raises(UsageError, match="path does not say for which engine: ootdiffusion_hd, ootdiffusion_dc") as caught:
        reader_of(published)
    assert f"weights convert ootdiffusion_dc {published}" in caught.value.remedy
    assert reader_of(published, "ootdiffusion_dc").convert.endswith(":convert_dc")
    assert reader_of(published, variant="dc").engine == "ootdiffusion_dc"
    named = tmp_path / "ootd_dc" / "checkpoint-36000"
    named.parent.mkdir()
    published.joinpath("unet_vton").rename(tmp_path / "unet_vton")
    named.mkdir()
    (tmp_path / "unet_vton").rename(named / "unet_vton")
    assert reader_of(named).engine == "ootdiffusion_dc"


def test_one_file_of_the_two_is_refused_with_the_folder_to_give(published: Path):
    with pytest.raises(WeightsError, match=r"OOTDiffusion try-on U-Net \(unet_vton\), one file of a model of several"):
        reader_of(published / "unet_vton/diffusion_pytorch_model.safetensors")


def test_the_garment_unet_alone_cannot_be_told_from_stable_diffusion_and_that_is_said(published: Path):
    with pytest.raises(
        WeightsError, match=r"a Stable Diffusion 1 U-Net, or OOTDiffusion's garment U-Net \(unet_garm\)"
    ) as caught:
        reader_of(published / "unet_garm/diffusion_pytorch_model.safetensors")
    assert "no tensor's name or shape tells the two apart" in caught.value.remedy


def test_a_stable_diffusion_folder_is_named(tmp_path: Path):
    (tmp_path / "unet").mkdir()
    with pytest.raises(WeightsError, match=r"a Stable Diffusion folder: it has `unet`"):
        reader_of(tmp_path)


def test_the_command_line_converts_a_folder(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(folder, "convert_hd", lambda *places, **options: asked.append((places, options)))
    typed = CliRunner().invoke(app, ["convert", "ootdiffusion_hd", str(published), "--weights", str(tmp_path / "weights")])
    assert typed.exit_code == 0, typed.exception
    assert asked[0][0] == (published, tmp_path / "weights/ootdiffusion-hd/converted")


def test_the_two_unets_may_be_told_different_texts_without_the_garments_vector():
    network = fill_network(GeneratedWeights(empty_network(WIDTHS).state_dict()), torch.float32, WIDTHS)
    picture = np.full((64, 64, 3), 90, np.uint8)
    words = words_of(HALF_BODY, "cloth")
    assert words.garment_ids == {Category.UPPER: A_CLOTH}
    [(try_on, own)] = garment_contexts(network, words, [(picture, Category.UPPER)])
    [(again, _)] = garment_contexts(network, words, [(255 - picture, Category.UPPER)])
    assert own is not None and (try_on.shape[1], own.shape[1]) == (7, 4)
    assert torch.equal(try_on, again), "nothing of the picture is in the text's tokens"
    latent = torch.ones(1, 4, 8, 8)
    shown, same = (
        show_garment(network, EncodedGarment(latent=latent, context=try_on, other_context=each), guided=False).shown
        for each in (own, try_on)
    )
    assert not torch.equal(shown[8].keys, same[8].keys), "the garment U-Net reads its own text"
