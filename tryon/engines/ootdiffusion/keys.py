"""Which files are this engine's. Facts: docs/facts/ootdiffusion.md#folders."""

from __future__ import annotations

from tryon.recognise import FileKind

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="ootdiffusion",
        about="an OOTDiffusion try-on U-Net (unet_vton)",
        has=(
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight",
            "up_blocks.3.attentions.2.proj_out.weight",
        ),
        inputs={"conv_in.weight": 8},
        engines=("ootdiffusion_hd", "ootdiffusion_dc"),
    ),
)
"""The garment U-Net has the names and shapes of a plain Stable Diffusion 1.5, and is known by its folder alone."""
