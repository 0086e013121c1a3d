"""How the two U-Nets are joined and what the try-on U-Net is shown: as published, or as an ablation was trained.

A folder says it, because its weights go well with it and with nothing else. Imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from pipeline.core.errors import WeightsError

Inputs = Literal["concat", "add", "mask", "pose"]
Tokens = Literal["before", "after"]
ReferenceTimestep = Literal["zero", "same", "middle"]
Adapter = Literal["none", "plain", "resampler"]
Places = Literal["all", "decoder"]
Eye = Literal["clip-l", "clip-h", "dinov2"]
Branch = Literal["none", "pose", "sobel"]
CHANNELS: Mapping[Inputs, int] = {"concat": 8, "add": 4, "mask": 9, "pose": 12}
"""Of the try-on U-Net's first convolution."""
EYES: Mapping[Eye, tuple[str, str]] = {
    "clip-h": ("ip-adapter-image-encoder", "model.safetensors"),
    "dinov2": ("dinov2-vitb14", "dinov2_vitb14_pretrain.pth"),
}
"""What an adapter may look with beside the published CLIP: row of the weights table, and its file."""
MIDDLE = 500
"""Of the thousand timesteps."""


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """The defaults are the published model.

    Args:
        inputs: the masked person is beside the noisy latent (concat), is added to it, scaled (add), or has the mask
            or the skeleton's latent beside it.
        tokens: the garment's, taken before its U-Net's own norm1 (OOTDiffusion), or after it (Magic Clothing, Leffa, IDM-VTON).
        reference_timestep: of the garment U-Net: 0, so that it runs once; that of the try-on U-Net, at every step; or always 500.
        alignment: a small residual network stands behind the masked person's latent.
        adapter: an IP-Adapter for the garment: four tokens of CLIP's vector, or sixteen of its patches; none = without.
        adapter_places: the try-on U-Net's cross-attentions that see these tokens: all, or those of its decoder.
        adapter_eye: the network by which the adapter sees the garment: OOTDiffusion's own CLIP, OpenCLIP's ViT-H, or DINOv2.
        adapter_mask: the adapter sees the shape of the hole beside the garment's patches; of a resampler.
        vision_only: these tokens are all that the try-on U-Net's cross-attentions see.
        branch: a ControlNet beside the try-on U-Net that sees the skeleton, or the garment's edges laid into the hole (sobel).
    """

    inputs: Inputs = "concat"
    tokens: Tokens = "before"
    reference_timestep: ReferenceTimestep = "zero"
    alignment: bool = False
    adapter: Adapter = "none"
    adapter_places: Places = "all"
    adapter_eye: Eye = "clip-l"
    adapter_mask: bool = False
    vision_only: bool = False
    branch: Branch = "none"

    @property
    def extra_parts(self) -> tuple[str, ...]:
        """Learned parts beside the published ones: attributes of the network, and folders beside the two U-Nets."""
        there = {"alignment": self.alignment, "adapter": self.adapter != "none", "branch": self.branch != "none"}
        there["eye"] = self.adapter != "none" and self.adapter_eye != "clip-l"
        there["mask_tokens"] = self.adapter_mask
        return tuple(part for part, has in there.items() if has)

    @property
    def sees_pose(self) -> bool:
        """Whether a person's skeleton is asked for."""
        return self.inputs == "pose" or self.branch == "pose"

    @property
    def channels(self) -> int:
        """Input channels of the try-on U-Net."""
        return CHANNELS[self.inputs]

    @property
    def every_step(self) -> bool:
        """Whether the garment U-Net runs at every step."""
        return self.reference_timestep == "same"


PUBLISHED = Wiring()


def wiring_from(said: Mapping[str, Any], where: object) -> Wiring:
    """The wiring that a folder's index says; what it does not say is as published.

    Raises:
        WeightsError: it says what this version does not know.
    """
    known = {each.name for each in fields(Wiring)}
    if unknown := sorted(set(said) - known):
        raise WeightsError(f"{where}: trained with {', '.join(unknown)}, unknown here", "use the version that exported it")
    return Wiring(**said)
