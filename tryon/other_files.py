"""Model files of the field that no engine here reads, so that they are named instead of listed as differences.

An engine that arrives takes its rows from here into its own `keys.py`.
"""

from __future__ import annotations

from tryon.recognise import FileKind

_NO_ENGINE = "there is no engine for it yet; dress with another one: --engine auto"
_BASE = "a base model needs no conversion; `python run.py weights list` shows which files the engines use"

_LDM_INPUT = "model.diffusion_model.input_blocks.0.0.weight"
_UNET_INPUT = "conv_in.weight"
_UNET = ("down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight", "up_blocks.3.attentions.2.proj_out.weight")
_TEXT = ("cond_stage_model.transformer.text_model.embeddings.token_embedding.weight",)
_REFERENCE = ("learnable_vector", "proj_out.weight", "cond_stage_model.mapper.resblocks.0.ln_1.weight")
"""Paint-by-Example's way to condition on a picture, which its descendants kept."""

KINDS: tuple[FileKind, ...] = (
    FileKind(
        name="paint_by_example",
        about="a Paint-by-Example checkpoint, or a DCI-VTON one saved without its VGG",
        has=_REFERENCE,
        inputs={_LDM_INPUT: 9},
        claimed=("dci_vton", "dci_vton_v2"),
        advice="names do not tell which. Paint-by-Example's is a start for training, not for dressing; of DCI-VTON say whose:\n"
        "  → python run.py weights convert --variant v1 FILE, or --variant v2",
    ),
    FileKind(
        name="catvton",
        about="CatVTON's attention weights",
        has=("0.to_q.weight", "8.to_q.weight", "120.to_out.0.weight"),
        advice=_NO_ENGINE,
    ),
    FileKind(
        name="leffa",
        about="a Leffa checkpoint",
        has=("unet.conv_in.weight", "unet_encoder.conv_in.weight", "vae.decoder.conv_in.weight"),
        advice=_NO_ENGINE,
    ),
    FileKind(
        name="stable_diffusion_1",
        about="a Stable Diffusion 1 checkpoint",
        has=_TEXT,
        inputs={_LDM_INPUT: 4},
        advice=_BASE,
    ),
    FileKind(
        name="stable_diffusion_1_inpainting",
        about="a Stable Diffusion 1 inpainting checkpoint",
        has=_TEXT,
        inputs={_LDM_INPUT: 9},
        advice=_BASE,
    ),
    FileKind(
        name="stable_diffusion_1_unet",
        about="a Stable Diffusion 1 U-Net, or OOTDiffusion's garment U-Net (unet_garm)",
        has=_UNET,
        inputs={_UNET_INPUT: 4},
        advice="no tensor's name or shape tells the two apart. OOTDiffusion is converted from the folder of both its U-Nets: "
        "python run.py weights convert FOLDER; Stable Diffusion needs no conversion",
    ),
    FileKind(
        name="stable_diffusion_1_inpainting_unet",
        about="a Stable Diffusion 1 inpainting U-Net",
        has=_UNET,
        inputs={_UNET_INPUT: 9},
        advice=_BASE,
    ),
    FileKind(
        name="vae",
        about="the VAE of Stable Diffusion 1 alone, as diffusers saves it",
        has=("encoder.down_blocks.0.resnets.0.norm1.weight", "decoder.up_blocks.0.resnets.0.norm1.weight"),
        advice=_BASE,
    ),
    FileKind(
        name="lora",
        about="a LoRA for Stable Diffusion (kohya's names)",
        has=("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",),
        advice="a LoRA changes another model and dresses no one by itself",
    ),
)
