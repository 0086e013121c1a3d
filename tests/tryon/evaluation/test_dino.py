"""DINOv2's published names reach transformers' network unharmed; embeddings tell like from unlike."""

from __future__ import annotations

import re

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
from published_dino import published_dino  # noqa: E402

from tryon.evaluation import networks as networks_module  # noqa: E402
from tryon.evaluation.dino import build, renamed  # noqa: E402
from tryon.evaluation.networks import Networks  # noqa: E402


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    config = transformers.Dinov2Config(
        hidden_size=24, num_hidden_layers=2, num_attention_heads=12, mlp_ratio=2, image_size=70, patch_size=14
    )
    model = transformers.Dinov2Model(config).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


def test_a_network_built_from_the_published_names_answers_as_the_one_they_came_from(tiny):
    tensors = published_dino(tiny)
    assert all(re.match(r"blocks\.|cls_token|mask_token|pos_embed|patch_embed|norm", name) for name in tensors)
    built = build(tensors, heads=12)
    shown = torch.randn(1, 3, 224, 224)
    with torch.inference_mode():
        expected, found = (model(pixel_values=shown).last_hidden_state for model in (tiny, built))
    torch.testing.assert_close(found, expected)


def test_a_name_that_is_not_dinos_is_refused(tiny):
    with pytest.raises(KeyError, match="head"):
        renamed(published_dino(tiny) | {"head.weight": torch.zeros(1)})
    tensors = published_dino(tiny)
    del tensors["norm.bias"]
    with pytest.raises(RuntimeError, match=r"layernorm\.bias"):
        build(tensors, heads=12)


def test_embeddings_have_unit_length_and_tell_like_from_unlike(tiny, tmp_path, monkeypatch):
    torch.save(published_dino(tiny), tmp_path / "dinov2_vitb14_pretrain.pth")
    monkeypatch.setattr(networks_module, "available", lambda row, root: True)
    monkeypatch.setattr(networks_module.access, "paths", lambda row, root: {"file": tmp_path / "dinov2_vitb14_pretrain.pth"})
    embed = Networks(tmp_path).dino()
    assert embed is not None
    random = np.random.default_rng(0)
    one = np.repeat(np.repeat(random.integers(0, 256, (8, 6, 3), np.uint8), 40, 0), 40, 1)
    other = np.repeat(np.repeat(random.integers(0, 256, (8, 6, 3), np.uint8), 40, 0), 40, 1)
    a, b = embed(one), embed(other)
    assert np.linalg.norm(a) == pytest.approx(1, abs=1e-5) and a @ embed(one) == pytest.approx(1, abs=1e-5) and a @ b < 0.999
