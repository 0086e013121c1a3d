"""Our names → official ones, for messages: who opens a published file looks for the names that stand in it.

The way back through the rules of `keys.py`; a test goes there and back with every key of the published network.
"""

from __future__ import annotations

from tryon.networks import official_names
from tryon.networks.official_names import UNET_RULES, Part

_WARP = ((r"^(\d)\.transformer\.", r"warp_flow_blks.\1."), (r"^(\d)\.zero_conv\.", r"warp_zero_convs.\1."))
_PARTS: tuple[Part, ...] = (
    ("control.garment_in.", "control_model.cond_first_block.0.", ()),
    ("control.", "control_model.", UNET_RULES),
    ("warp.", "model.diffusion_model.", _WARP),
    *official_names.PARTS,
)


def official_name(name: str) -> str:
    """The published network's name of one of our tensors."""
    return official_names.official_name(name, _PARTS)
