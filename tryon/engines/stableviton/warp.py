"""Zero cross-attention: where the decoder looks at the garment (docs/facts/stableviton.md#zero-cross-attention).

Nine blocks, in front of the skip connections of output blocks 3 to 11. Query: the decoder's own map. Key and value:
the spatial encoder's map of the same grid. The closing 1x1 convolution started at zero, hence the name.
"""

from __future__ import annotations

from diffusers.models.transformers.transformer_2d import Transformer2DModel
from einops import rearrange
from torch import Tensor, nn

from tryon.engines.stableviton.architecture import Architecture
from tryon.networks.attention import AttentionProbe, Kernel
from tryon.networks.sd1 import GROUPS
from tryon.networks.unet_layers import Context, spatial_transformer


class ZeroCrossAttention(nn.Module):
    """One place where garment features enter the decoder."""

    def __init__(self, channels: int, garment_channels: int, heads: int) -> None:
        super().__init__()
        self.transformer = Transformer2DModel(
            num_attention_heads=heads,
            attention_head_dim=channels // heads,
            in_channels=channels,
            cross_attention_dim=garment_channels,
            norm_num_groups=GROUPS,
        )
        self.zero_conv = nn.Conv2d(channels, channels, 1)

    def forward(
        self, x: Tensor, garment: Tensor, *, kernel: Kernel = Kernel.FUSED, probe: AttentionProbe | None = None
    ) -> Tensor:
        """Add what the garment has to say.

        Args:
            x: (b, channels, h, w) decoder map.
            garment: (b, garment_channels, h, w) spatial-encoder map; its tokens are taken raw, without norm or position.
            kernel: see `unet_layers.attend`.
            probe: sees the (b, heads, h·w, h·w) map of where each patch looks.

        Returns:
            (b, channels, h, w).
        """
        tokens = Context(rearrange(garment, "b c h w -> b (h w) c"))
        looked_up = spatial_transformer(self.transformer, x, tokens, kernel=kernel, probe=probe)
        out: Tensor = x + self.zero_conv(looked_up)
        return out


class PlainAddition(nn.Module):
    """What ControlNet does instead (Zhang et al. 2023, arXiv 2302.05543): the garment's map joins the skip connection.

    The paper's ablation; no published weights have it.
    """

    def __init__(self, garment_channels: int) -> None:
        super().__init__()
        self.zero_conv = nn.Conv2d(garment_channels, garment_channels, 1)

    def forward(self, skip: Tensor, garment: Tensor) -> Tensor:
        """(b, garment_channels, h, w) twice → the same shape."""
        out: Tensor = skip + self.zero_conv(garment)
        return out


def build_warp_blocks(architecture: Architecture) -> nn.ModuleList:
    """The nine blocks in module order, coarse to fine."""
    if architecture.plain_addition:
        return nn.ModuleList([PlainAddition(garment) for _, garment in architecture.warp_widths])
    widths = architecture.warp_widths
    return nn.ModuleList([ZeroCrossAttention(channels, garment, architecture.heads) for channels, garment in widths])
