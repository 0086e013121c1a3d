"""The study's pages say what watching the networks says, and leave no key of the published configuration out."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[2] / "docs"
pytest.importorskip("torch")
MAKER = runpy.run_path(str(DOCS / "make_study.py"))

KEYS = """
linear_start linear_end num_timesteps_cond log_every_t timesteps first_stage_key first_stage_key_cond cond_stage_key
control_key image_size channels cond_stage_trainable conditioning_key monitor scale_factor use_ema only_mid_control
use_VAEdownsample use_lastzc use_imageCLIP use_pbe_weight u_cond_percent use_attn_mask mask1_key mask2_key
control_stage_config in_channels hint_channels model_channels attention_resolutions num_res_blocks channel_mult num_heads
use_spatial_transformer transformer_depth context_dim use_checkpoint legacy cond_first_ch unet_config out_channels
dim_head_denorm first_stage_config embed_dim double_z z_channels resolution out_ch ch ch_mult attn_resolutions dropout
lossconfig validation_config ddim_steps eta scale cond_stage_config dataset_name resume_path default_prompt log_images_kwargs
unconditional_guidance_scale target params
"""
"""Every key of the published `VITONHD.yaml`; `ddconfig` only groups some of them."""

GFLOP = {
    "stableviton": 831.1 * 3 + 162.1 + 185.1 + 895.5 + 1879.4,
    "fashn": 13_200,
    # two encodings and a decoding at 512 × 512: those at 512 × 384, convolutions by 4/3, attention (19.3) by 16/9; the U-Net of
    # Stable Diffusion 1 at 64 × 64 with one token
    "dci_vton": 2 * ((831.1 - 19.3) * 4 / 3 + 34.4) + 162.1 + 797.0 + (1879.4 - 19.3) * 4 / 3 + 34.4,
    "viton_hd": 99.8 + 9.0 + 1636.5 + 5.2,  # and our products that enlarge and smooth the scores
    "ootdiffusion_dc": 3_126 + 6_587 + 162.5 + 2 * 3_560 + 7_750,
}
"""One run of every part, by the analysis that the facts rest on."""


@pytest.mark.slow
@pytest.mark.parametrize("engine", MAKER["ENGINES"])
def test_a_page_and_its_drawing_are_up_to_date(engine):
    found = MAKER["found"](engine)
    for name, content in MAKER["pages"](engine, found).items():
        assert (DOCS / "study" / name).read_text("utf-8") == content, "run: python docs/make_study.py"
    assert sum(row.gflop for row in found.rows) == pytest.approx(GFLOP[engine], rel=1e-3)


def test_the_page_of_stableviton_has_the_published_figures():
    page = (DOCS / "study" / "stableviton.md").read_text("utf-8")
    total = next(line for line in page.splitlines() if line.startswith("| sum |"))
    assert [cell.strip() for cell in total.strip("|").split("|")][2:6] == ["1,838.7", "214.3", "7.35", "3.68"]
    assert "355,255,168 trained values" in page


def test_every_key_of_the_published_configuration_is_explained():
    page = (DOCS / "study" / "configuration.md").read_text("utf-8")
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    assert not [key for key in KEYS.split() if key not in told]
