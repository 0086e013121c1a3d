"""Which files are this engine's. Facts: docs/facts/ootdiffusion.md#folders."""

from __future__ import annotations

from tryon.recognise import FileKind

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="ootdiffusion",
        about="an OOTDiffusion try-on U-Net (unet_vton)",
        inside="unet_vton/diffusion_pytorch_model.safetensors",
        folder_names={"ootd_hd": "ootdiffusion_hd", "ootd_dc": "ootdiffusion_dc"},
        variants={"hd": "ootdiffusion_hd", "dc": "ootdiffusion_dc"},
        convert="tryon.engines.ootdiffusion.folder:convert_hd",
        convert_for={"ootdiffusion_dc": "tryon.engines.ootdiffusion.folder:convert_dc"},
        has=(
            "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight",
            "up_blocks.3.attentions.2.proj_out.weight",
        ),
        inputs={"conv_in.weight": 8},
        engines=("ootdiffusion_hd", "ootdiffusion_dc"),
    ),
)
"""A model is a folder of two U-Nets; the garment's has the names and shapes of Stable Diffusion 1.5, so only its folder tells."""
