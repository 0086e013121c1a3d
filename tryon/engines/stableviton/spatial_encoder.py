"""The spatial encoder (control branch): the U-Net's encoder again, with the garment's latent added to its first map.

Facts: docs/facts/stableviton.md#spatial-encoder.

It sees the same 13 channels as the U-Net, hence the person, the noise and the time: its features differ at every
step and cannot be kept per garment. Only outputs 0 to 8 are looked at; the coarsest level and the middle block are
built only when the saving `skip_control_tail` is off.
"""

from __future__ import annotations

from diffusers.models.embeddings import TimestepEmbedding
from diffusers.models.unets.unet_2d_blocks import CrossAttnDownBlock2D, DownBlock2D, UNetMidBlock2DCrossAttn
from torch import Tensor, nn

from tryon.engines.stableviton.architecture import Architecture
from tryon.networks.attention import Kernel
from tryon.networks.sd1 import GROUPS, LATENT_CHANNELS, LAYERS_PER_LEVEL
from tryon.networks.unet_layers import Context, UNetStage, encoder_stages, middle_stages, recomputed


class SpatialEncoder(nn.Module):
    """Garment features at the resolutions of the U-Net's encoder."""

    def __init__(self, architecture: Architecture, *, with_tail: bool) -> None:
        super().__init__()
        a = architecture
        self.conv_in = nn.Conv2d(a.condition_channels, a.model_channels, 3, padding=1)
        self.garment_in = nn.Conv2d(LATENT_CHANNELS, a.model_channels, 3, padding=1)
        self.time_embedding = TimestepEmbedding(a.model_channels, a.time_channels)
        first, second, third, fourth = a.level_channels
        levels: list[nn.Module] = [
            _attention_level(a, first, first, halve=True),
            _attention_level(a, first, second, halve=True),
            _attention_level(a, second, third, halve=with_tail),
        ]
        if with_tail:
            levels.append(
                DownBlock2D(third, fourth, a.time_channels, num_layers=LAYERS_PER_LEVEL, resnet_eps=1e-5, add_downsample=False)
            )
            self.mid_block = UNetMidBlock2DCrossAttn(
                fourth,
                a.time_channels,
                resnet_eps=1e-5,
                resnet_groups=GROUPS,
                num_attention_heads=a.heads,
                cross_attention_dim=a.context_dim,
            )
        self.down_blocks = nn.ModuleList(levels)
        self.with_tail = with_tail

    @property
    def stages(self) -> list[UNetStage]:
        """Everything after the first convolution, in running order."""
        return encoder_stages(self.down_blocks) + (middle_stages(self.mid_block) if self.with_tail else [])

    def forward(
        self,
        x: Tensor,
        garment: Tensor,
        shifts: list[Tensor | None],
        contexts: list[Context | None],
        kernel: Kernel = Kernel.FUSED,
        recompute: bool = False,
    ) -> list[Tensor]:
        """Compute the garment features of one model call.

        Args:
            x: (b, 13, h, w) condition stack.
            garment: (b, 4, h, w) scaled garment latent.
            shifts: time shift of each stage, (b or 1, c).
            contexts: context of each stage.
            kernel: see `unet_layers.attend`.
            recompute: see `unet_layers.recomputed`.

        Returns:
            Output 0 to 8, or 0 to 12 with the tail, finest first; each (b, c, h', w').
        """
        h = self.conv_in(x) + self.garment_in(garment)
        outputs = [h]
        for stage, shift, context in zip(self.stages, shifts, contexts, strict=True):
            h = recomputed(recompute, stage, h, shift, context, kernel)
            outputs.append(h)
        if self.with_tail:
            del outputs[-2]  # the middle block counts as one output, not two
        return outputs


def _attention_level(a: Architecture, inputs: int, outputs: int, *, halve: bool) -> nn.Module:
    level: nn.Module = CrossAttnDownBlock2D(
        inputs,
        outputs,
        a.time_channels,
        num_layers=LAYERS_PER_LEVEL,
        resnet_eps=1e-5,
        resnet_groups=GROUPS,
        num_attention_heads=a.heads,
        cross_attention_dim=a.context_dim,
        add_downsample=halve,
    )
    return level
