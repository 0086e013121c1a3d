"""A model file is recognised by its tensors: each known kind from its published list of names, in any order of the rows."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from pipeline.engine_of_file import file_kinds
from tryon.networks.vae import build_vae
from tryon.recognise import FileKind, recognise, unknown_file

KINDS = file_kinds()
WIDE = FileKind(name="wide", about="a wide model", has=("a", "b"), inputs={"a": 9}, before=("plain",), engines=("x",))
PLAIN = FileKind(name="plain", about="a plain model", has=("a", "b"), engines=("x",))
OTHER = FileKind(name="other", about="another model", has=("c", "d"))

Shapes = dict[str, tuple[int, ...]]
LDM_INPUT = "model.diffusion_model.input_blocks.0.0.weight"


def shapes_of(entries: dict) -> Shapes:
    """A list of names as the specifications write it: the shape alone, or among other facts."""
    return {name: tuple(entry["shape"] if isinstance(entry, dict) else entry) for name, entry in entries.items()}


def stableviton_family(lists: dict) -> dict[str, Shapes]:
    network, nine = shapes_of(lists["full_model"]), shapes_of(lists["pbe_9ch"]["keys"])
    text = {"cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (49408, 768)}
    base = {name: shape for name, shape in nine.items() if name.startswith(("model.", "first_stage_model."))} | text
    return {
        "stableviton": network,
        "sift_vton": network | {"model.diffusion_model.explicit_ratio": (1,)},
        "stableviton_start": nine | {LDM_INPUT: (320, 13, 3, 3)},
        "stableviton_vae": shapes_of(lists["vae_finetuning"]["keys"]),
        "paint_by_example": nine,
        "stable_diffusion_1": base | {LDM_INPUT: (320, 4, 3, 3)},
        "stable_diffusion_1_inpainting": base,
    }


def unet_family(ootdiffusion: dict, engines: dict) -> dict[str, Shapes]:
    unet = shapes_of(ootdiffusion["unet_garm"])
    leffa = {f"{part}.{name}": shape for part in ("unet", "unet_encoder") for name, shape in unet.items()}
    return {
        "ootdiffusion": shapes_of(ootdiffusion["unet_vton"]),
        "leffa": leffa | {"vae.decoder.conv_in.weight": (512, 4, 3, 3)},
        "catvton": {name: tuple(entry[1]) for name, entry in engines["catvton"]["attention_file"]["map"].items()},
        "stable_diffusion_1_unet": unet,
        "stable_diffusion_1_inpainting_unet": unet | {"conv_in.weight": (320, 9, 3, 3)},
    }


@pytest.fixture(scope="module")
def published(fixtures_root: Path) -> dict[str, Shapes]:
    """Kind → tensors of its published file."""
    stableviton, dci, viton_hd, ootdiffusion, engines = (
        json.loads((fixtures_root.parent / "spec" / f"{name}_keys.json").read_text())
        for name in ("stableviton", "dci_vton", "viton_hd", "ootdiffusion", "engines")
    )
    return {
        **stableviton_family(stableviton),
        **unet_family(ootdiffusion, engines),
        "dci_vton": shapes_of(dci["dci_vton_full"]),
        "dci_vton_warp": shapes_of(dci["warp_test"]) | shapes_of(dci["warp_train_extra"]),
        "pf_afn_warp": shapes_of(dci["warp_test"]) | {"cond_features.encoders.0.0.block.2.weight": (64, 45, 3, 3)},
        "viton_hd_seg": shapes_of(viton_hd["official_seg"]),
        "viton_hd_gmm": shapes_of(viton_hd["official_gmm"]),
        "viton_hd_alias": shapes_of(viton_hd["official_alias"]),
        **{f"gs_viton_{network}": shapes_of(viton_hd[f"seed_{network}"]) for network in ("seg", "gmm", "alias")},
        "fashn_vton": shapes_of(engines["fashn_vton_1_5"]["keys"]),
        "lora": shapes_of(dci["kohya_lora_sd15_dim64"]),
        "vae": {name: tuple(tensor.shape) for name, tensor in build_vae(32).state_dict().items()},
    }


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_every_kind_is_known_by_its_published_names_in_any_order_of_rows(published: dict[str, Shapes], kind: str):
    rows = list(KINDS)
    for seed in range(5):
        random.Random(seed).shuffle(rows)
        found = recognise(published[kind], rows)
        assert found is not None and found.name == kind


def test_names_are_unique_and_every_row_that_goes_before_another_names_one_that_exists():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert {later for kind in KINDS for later in kind.before} <= set(names)
    assert all(kind.has or kind.inputs for kind in KINDS)


def test_every_kind_is_read_by_an_engine_or_says_what_to_do_instead():
    assert all(bool(kind.engines) != bool(kind.advice) for kind in KINDS)


def test_only_what_an_engine_reads_is_converted():
    """A file that its engine reads as it was published has engines and no conversion."""
    assert all(kind.engines for kind in KINDS if kind.convert)
    read_as_published = {kind.name for kind in KINDS if kind.engines and not kind.convert}
    assert read_as_published == {
        *("fashn_vton", "dci_vton_warp"),
        *(f"{variant}_{network}" for variant in ("viton_hd", "gs_viton") for network in ("seg", "gmm", "alias")),
    }


@pytest.mark.parametrize("rows", [(WIDE, PLAIN, OTHER), (OTHER, PLAIN, WIDE), (PLAIN, OTHER, WIDE)])
def test_a_row_that_goes_before_another_wins_wherever_it_stands(rows: tuple[FileKind, ...]):
    assert recognise({"a": (3, 9), "b": ()}, rows) is WIDE
    assert recognise({"a": (3, 4), "b": ()}, rows) is PLAIN
    assert recognise({"a": (3,), "b": (), "c": ()}, rows) is PLAIN
    assert recognise({"c": ()}, rows) is None


def test_two_rows_without_an_order_that_fit_one_file_are_our_mistake():
    with pytest.raises(AssertionError, match="need an order: other, plain"):
        recognise(dict.fromkeys("abcd", ()), [PLAIN, OTHER])


def test_an_unknown_file_hears_which_kind_is_nearest_and_what_it_would_need():
    error = unknown_file(Path("x.ckpt"), {"a": (3, 4), "z": ()}, [WIDE, PLAIN, OTHER])
    assert "x.ckpt: a model file of no known kind (2 tensors: a, z" in error.message
    assert "nearest: a plain model, but without b" in error.message
    assert error.remedy.endswith("python run.py weights convert x x.ckpt")


def test_a_file_that_shares_nothing_with_any_kind_hears_what_was_looked_for():
    error = unknown_file(Path("x.ckpt"), {"z": ()}, [PLAIN, OTHER])
    assert "looked for: a plain model (a); another model (c)" in error.message
