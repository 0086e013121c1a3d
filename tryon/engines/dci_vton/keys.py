"""Which files are this engine's, and official names of the diffusion network to ours.

Those of shared parts are in `tryon/networks/compvis_names.py`, the warping network's in `warping/checkpoint.py`.
"""

from __future__ import annotations

import re

from tryon.networks import compvis_names
from tryon.networks.compvis_names import part_name, unet_name
from tryon.recognise import FileKind

_FLOW = ("image_FPN.adaptive.0.weight", "cond_FPN.adaptive.0.weight", "aflow_net.netMain.0.0.weight")

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="dci_vton",
        about="a DCI-VTON diffusion checkpoint",
        has=("learnable_vector", "proj_out.weight", "cond_stage_model.mapper.resblocks.0.ln_1.weight", "vgg.conv1_1.weight"),
        inputs={"model.diffusion_model.input_blocks.0.0.weight": 9},
        before=("paint_by_example",),
        engines=("dci_vton", "dci_vton_v2"),
        convert="tryon.engines.dci_vton.folder:convert_first",
        convert_for={"dci_vton_v2": "tryon.engines.dci_vton.folder:convert_second"},
        variants={"v1": "dci_vton", "v2": "dci_vton_v2"},
    ),
    FileKind(
        name="dci_vton_warp",
        about="DCI-VTON's warping network",
        has=_FLOW,
        inputs={"cond_features.encoders.0.0.block.2.weight": 16},
        before=("pf_afn_warp",),
        engines=("dci_vton", "dci_vton_v2"),
        row="dci-vton-warp",
    ),
    FileKind(
        name="pf_afn_warp",
        about="PF-AFN's own warping network, which sees other things of a person than DCI-VTON's",
        has=_FLOW,
        advice="DCI-VTON needs its own: python run.py weights pull dci-vton-warp",
    ),
)
"""By the names of their tensors; which of the two models a diffusion checkpoint is, they do not say: `variants.py`."""

UNET = "model.diffusion_model."
DROPPED: tuple[tuple[re.Pattern[str], str], ...] = (
    *compvis_names.DROPPED,
    (re.compile(r"vgg\..*"), "the network that judges pictures in training"),
)


def drop_reason(key: str) -> str | None:
    """Why an official key is not needed; None when it is."""
    return next((reason for pattern, reason in DROPPED if pattern.fullmatch(key)), None)


def our_name(key: str, layers: int) -> str | None:
    """Our name of an official key that is not dropped; None when the key belongs to no part we know.

    Args:
        key: the official name.
        layers: of a level of the U-Net's encoder.
    """
    if key.startswith(UNET):
        return f"unet.{unet_name(key.removeprefix(UNET), layers)}"
    return part_name(key)
