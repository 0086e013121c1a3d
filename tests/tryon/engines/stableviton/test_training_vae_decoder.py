"""Fine-tuning of the VAE's decoder: what is trained, what is written, what LPIPS needs."""

from __future__ import annotations

import pytest
import torch
from tiny_training import SMALL, TENTH, write_start
from training_trees import training_tree

from pipeline.core.errors import WeightsError
from tryon.checkpoints import open_checkpoint
from tryon.engines.stableviton.architecture import FULL
from tryon.engines.stableviton.training.vae_decoder import RECIPE as PUBLISHED
from tryon.engines.stableviton.training.vae_decoder import VaeDecoderRecipe
from tryon.training import checkpoint as checkpoints
from tryon.training.config import SECTIONS, resolve_settings
from tryon.training.judges.perceptual import SLICES, Perceptual, load_perceptual
from tryon.training.logs import runs
from tryon.training.logs.run_logs import LOG, read_table
from tryon.training.session import Options, start

RECIPE = VaeDecoderRecipe(TENTH)


def quiet(line: str) -> None:
    """Says nothing."""


def test_the_trained_values_are_those_of_the_published_moments():
    settings = resolve_settings({**SECTIONS, **PUBLISHED.sections}, PUBLISHED.presets["base"], ())
    trainee, _ = PUBLISHED.simulated(settings)
    (group,) = trainee.groups().values()
    assert sum(each.numel() for each in group.values()) == 49_490_199
    assert FULL.vae_channels == 128


@pytest.mark.slow
def test_the_decoder_learns_and_is_written_for_both_sides(tmp_path, key_list):
    training_tree(tmp_path / "data", size=(64, 64))
    write_start(tmp_path / "start.ckpt")
    wanted = [each for each in SMALL if not each.startswith("stableviton")]
    wanted += ["data.height=64", "data.width=64", "loop.batch=4", "loop.steps=12", "loop.save_every=12", "loop.draw_every=12"]
    wanted += ["optimiser.learning_rate=0.002"]
    options = Options(
        data=tmp_path / "data", start=tmp_path / "start.ckpt", runs=tmp_path, run="vae", device="cpu", overrides=tuple(wanted)
    )
    with torch.enable_grad():
        assert start(RECIPE, options, quiet) == 0
    losses = [float(row["loss"]) for row in read_table(tmp_path / "vae" / LOG)]
    assert sum(losses[-2:]) < 0.85 * sum(losses[:2])
    assert (tmp_path / "vae" / "pictures" / "step-000000012.png").is_file()
    runs.export(RECIPE, tmp_path / "vae", runs.Wanted(to=tmp_path / "made", official=tmp_path / "vae.ckpt"), quiet)
    written = open_checkpoint(tmp_path / "vae.ckpt")
    assert set(written) == set(key_list["vae_finetuning"]["keys"])
    trained = checkpoints.newest(tmp_path / "vae" / checkpoints.FOLDER).tensors("weights")
    assert torch.equal(written["decoder.conv_in.weight"], trained["vae.decoder.conv_in.weight"])
    assert written["encoder.mid.attn_1.q.weight"].ndim == 4


def stored(prefix: str) -> dict[str, torch.Tensor]:
    """LPIPS' tensors under the names of its published form; every convolution passes its first channels on."""
    found = {}
    for place, slice_ in enumerate(SLICES, 1):
        for number, inputs, outputs in slice_:
            weight = torch.zeros(outputs, inputs, 3, 3)
            weight[range(min(inputs, outputs)), range(min(inputs, outputs)), 1, 1] = 1
            found[f"{prefix}net.slice{place}.{number}.weight"] = weight
            found[f"{prefix}net.slice{place}.{number}.bias"] = torch.full((outputs,), 0.5)
        found[f"{prefix}lin{place - 1}.model.1.weight"] = torch.full((1, slice_[-1][2], 1, 1), 1 / slice_[-1][2])
    return found


def test_lpips_is_zero_for_equal_pictures_and_has_a_gradient_towards_them(tmp_path):
    torch.save(stored("loss.perceptual_loss."), tmp_path / "vae.ckpt")
    network = load_perceptual(tmp_path / "vae.ckpt")
    with torch.enable_grad():
        picture = torch.rand(1, 3, 32, 32) * 2 - 1
        other = (-picture).requires_grad_(True)
        assert float(network(picture, picture)) == 0
        distance = network(other, picture)
        distance.backward()
    assert float(distance) > 0 and other.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_lpips_has_the_published_number_of_values():
    with torch.device("meta"):
        assert sum(each.numel() for each in Perceptual().parameters()) == 14_716_160


def test_a_file_without_lpips_is_refused(tmp_path):
    torch.save({"decoder.conv_in.weight": torch.zeros(1)}, tmp_path / "vae.ckpt")
    with pytest.raises(WeightsError, match="holds no LPIPS network"):
        load_perceptual(tmp_path / "vae.ckpt")
