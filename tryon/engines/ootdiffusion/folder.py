"""The converted form of one model: its two U-Nets in 16 bits, and what they must be told.

```
<folder>/model_index.json   variant, prompt set, token ids, number format, sha256 of the source's and of every file here
         unet_garm/ unet_vton/   in the published layout: opened by diffusers, by the published code, and by this engine as it is
         adapter/ branch/ …      what only a training of ours has
```

VAE, CLIP, what an adapter looks with and the sampler's settings are rows of the weights table of their own, shared by all models,
and stay where they are; of the third the index holds the hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from pipeline.core.errors import WeightsError
from pipeline.core.weights.access import converted_of, list_sha
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of, read_json
from tryon.engines.ootdiffusion.architecture import FULL, Architecture
from tryon.engines.ootdiffusion.checkpoint import PART_FILE, UNET_FILE, UNETS, Files, empty_network, read_unets
from tryon.engines.ootdiffusion.wiring import EYES, Wiring, wiring_from
from tryon.engines.ootdiffusion.wiring import PUBLISHED as UNCHANGED
from tryon.engines.ootdiffusion.words import ABOUT, FULL_BODY, HALF_BODY, PUBLISHED, Ids, Prompts, Words, words_of
from tryon.network_folder import new_folder, refuse_damaged, refuse_request, stored_dtype, write_index, write_parts
from tryon.networks.precision import DTYPES
from tryon.networks.savings.switches import ALL

CLASS_NAME = "LookbookOotDiffusion"
PARTS: dict[str, str] = dict.fromkeys(UNETS, UNET_FILE)
SOURCES = tuple(f"{part}/{name}" for part in UNETS for name in (UNET_FILE, "config.json"))
"""Files of a published model, as the weights table lists them."""


@dataclass(frozen=True)
class Variant:
    """One of the two published models.

    Args:
        words: of the published weights.
        row: of the weights table.
        engine: that dresses with it.
        folder: what the publisher calls its folder.
    """

    words: Words
    row: str
    engine: str
    folder: str


VARIANTS: Mapping[str, Variant] = {
    "hd": Variant(HALF_BODY, "ootdiffusion-hd", "ootdiffusion_hd", "ootd_hd"),
    "dc": Variant(FULL_BODY, "ootdiffusion-dc", "ootdiffusion_dc", "ootd_dc"),
}
"""By name; the tensors of the two are alike, so a folder says which it is."""


def convert(
    source: Path,
    folder: Path,
    variant: str,
    *,
    dtype: str = "bf16",
    vae_file: Path | None = None,
    lean: bool = False,
    architecture: Architecture = FULL,
) -> None:
    """Turn a published or trained folder into one of half its size that loads in seconds; all or nothing.

    Args:
        source: the folder with `unet_garm` and `unet_vton`, published as `checkpoint-36000`; one that was exported or converted
            here keeps what its index says of words, wiring and origin.
        folder: where the new one appears; must not exist.
        variant: `hd` or `dc`; refused where the publisher's folder name says the other.
        dtype: `fp32`, `bf16` or `fp16`.
        vae_file: the VAE is a file of its own, read as it is; refused.
        lean: leave out what stands behind the last place where tokens are taken; the published code then misses it.
        architecture: the widths it must have.

    Raises:
        WeightsError: a bad source, the other model, an unknown dtype or one finer than the source's, or a folder that is there.
    """
    refuse_request("OOTDiffusion", folder, dtype, DTYPES)
    if vae_file is not None:
        raise WeightsError(
            f"{vae_file}: OOTDiffusion's VAE is a file of its own, outside the converted folder",
            f"leave out --vae; the engine reads {Path('ootdiffusion-vae')} in the weights folder",
        )
    if lean:
        raise WeightsError("--lean: every tensor of an OOTDiffusion folder is read by the published code", "leave out --lean")
    index = _said_of(source, variant, dtype) if (source / INDEX).is_file() else _found_of(source, variant, dtype)
    files = Files(unets=source, vae=source, clip=source, row=VARIANTS[variant].row, wiring=wiring_of(source))
    write_folder(folder, read_unets(files, architecture), index, dtype, architecture)


convert_hd = partial(convert, variant="hd")
convert_dc = partial(convert, variant="dc")
"""What `weights convert` calls for each engine."""


def _found_of(source: Path, variant: str, dtype: str) -> dict[str, Any]:
    """What an index says of a published folder."""
    refuse_other_folder(source, variant)
    sources = {name: digest_of(source / name) for name in SOURCES if (source / name).is_file()}
    return {
        **description(variant, PUBLISHED, dtype),
        "source_sha256": list_sha({name: digest.sha256 for name, digest in sources.items()}),
        "source_bytes": sum(digest.count for digest in sources.values()),
        "sources": {name: {"sha256": digest.sha256, "bytes": digest.count} for name, digest in sources.items()},
    }


def _said_of(source: Path, variant: str, dtype: str) -> dict[str, Any]:
    """What the index of a folder made here says, in another number format."""
    index = read_json(source / INDEX)
    refuse_other_index(source, index, variant)
    refuse_damaged(source, PARTS)
    if (before := index.get("dtype")) not in ("fp32", dtype):
        raise WeightsError(
            f"{source}: was rounded to {before} already, {dtype} would be no better",
            f"--dtype {before}, or the folder it was made from",
        )
    return {**index, "dtype": dtype}


def description(variant: str, prompts: Prompts, dtype: str, wiring: Wiring = UNCHANGED) -> dict[str, Any]:
    """What a folder's index says about its model.

    Args:
        variant: `hd` or `dc`.
        prompts: the set that it was trained with.
        dtype: number format of its weights.
        wiring: how its U-Nets are joined.
    """
    words = words_of(VARIANTS[variant].words, prompts)
    own = words.garment_ids or words.ids
    return {
        "_class_name": CLASS_NAME,
        "variant": variant,
        "prompts": prompts,
        "words": {"unet_vton": _listed(words.ids), "unet_garm": _listed(own), "vector": words.vector},
        "dtype": dtype,
        **({"wiring": asdict(wiring)} if wiring != UNCHANGED else {}),
    }


def write_folder(
    folder: Path, weights: Mapping[str, Tensor], index: Mapping[str, Any], dtype: str, architecture: Architecture = FULL
) -> None:
    """Write a folder from weights of both U-Nets under our names; a trained model's is written by this too.

    Args:
        folder: where it appears; must not exist.
        weights: `unet_garm.…` and `unet_vton.…`.
        index: of `description`, with `source_sha256`, which stands for it in fingerprints; a part that it names is left out.
        dtype: `fp32`, `bf16` or `fp16`.
        architecture: the widths.

    Raises:
        WeightsError: the folder exists already.
    """
    wiring = wiring_from(index.get("wiring", {}), folder)
    parts = PARTS | {part: PART_FILE for part in wiring.extra_parts if part not in index}
    with new_folder(folder) as made:
        write_parts(made, parts, weights, empty_network(architecture, ALL, wiring), DTYPES[dtype])
        write_index(made, index)


def trained_sources(identity: str, weights: Mapping[str, Tensor]) -> dict[str, Any]:
    """What stands for a trained model where a published one has the hashes of its files: made of what it was trained from and to.

    Args:
        identity: sha256 of start and trained weights.
        weights: of both U-Nets.
    """
    sources = {name: {"sha256": hashlib.sha256(f"{identity} {name}".encode()).hexdigest(), "bytes": 0} for name in SOURCES}
    for part in UNETS:
        values = sum(each.numel() for name, each in weights.items() if name.startswith(f"{part}."))
        sources[f"{part}/{UNET_FILE}"]["bytes"] = 4 * values
    hashes = {name: str(each["sha256"]) for name, each in sources.items()}
    return {
        "source_sha256": list_sha(hashes),
        "source_bytes": 4 * sum(each.numel() for each in weights.values()),
        "sources": sources,
    }


def unets_folder(row: str, root: Path, dtype: str) -> Path:
    """Where a model's U-Nets are read: its converted folder, or the published one where fp32 is asked for and that was rounded.

    Args:
        row: of the weights table.
        root: the weights folder.
        dtype: number format asked for.
    """
    converted, published = converted_of(row, root), root / row
    whole = all((published / part / UNET_FILE).is_file() for part in UNETS)
    if converted is None or (dtype == "fp32" and whole and stored_dtype(converted) != "fp32"):
        return published
    return converted


def wiring_of(folder: Path) -> Wiring:
    """How the U-Nets of a folder are joined; a published folder says nothing.

    Raises:
        WeightsError: in a way that this version does not know.
    """
    index = read_json(folder / INDEX) if (folder / INDEX).is_file() else {}
    return wiring_from(index.get("wiring", {}), folder / INDEX)


def eye_facts(wiring: Wiring, sha256: str) -> dict[str, Any]:
    """What an index says of the network an adapter looks with, which is left in its own row of the weights.

    Args:
        wiring: with such an adapter.
        sha256: of the file that it was trained with.
    """
    row, file = EYES[wiring.adapter_eye]
    return {"eye": {"row": row, "file": file, "sha256": sha256}}


def refuse_other_eye(folder: Path, file: Path, sha256: str) -> None:
    """Hold the network that an adapter will look with against the one that it was trained with.

    Args:
        folder: trained; one with that network in it says nothing.
        file: of the network that is here.
        sha256: of its contents.

    Raises:
        WeightsError: another one.
    """
    said = read_json(folder / INDEX).get("eye")
    if said is not None and said.get("sha256") != sha256:
        wanted, row = str(said.get("sha256"))[:12], said.get("row")
        raise WeightsError(
            f"{file}: sha256 {sha256[:12]}…, and the adapter of {folder} was trained to look with {wanted}…",
            f"python run.py weights pull {row}, or the file it was trained with: python run.py weights use {row} FILE",
        )


def refuse_other_index(folder: Path, index: Mapping[str, Any], variant: str) -> None:
    """Refuse what describes another network, or the other model.

    Raises:
        WeightsError: with the command for the model that it is.
    """
    if index.get("_class_name") != CLASS_NAME:
        raise WeightsError(f"{folder / INDEX}: describes another model", "python run.py weights convert FOLDER")
    if index.get("variant") != variant:
        raise _other_variant(folder, str(index.get("variant")), variant)


def refuse_other_model(folder: Path, variant: str, prompts: Prompts) -> None:
    """Hold a folder against the engine's model and the words of the settings; a published folder says only its name.

    Args:
        folder: converted, trained or published.
        variant: of the engine that will dress.
        prompts: the set in the settings.

    Raises:
        WeightsError: the other model, damaged, or trained with other words.
    """
    if not (folder / INDEX).is_file():
        refuse_other_folder(folder, variant)
        trained: str = PUBLISHED
    else:
        index, model = read_json(folder / INDEX), VARIANTS[variant]
        refuse_other_index(folder, index, variant)
        refuse_damaged(folder, PARTS)
        trained = str(index.get("prompts"))
        said = words_of(model.words, prompts)
        if trained == prompts and index.get("words", {}).get("unet_vton") != _listed(said.ids):
            raise WeightsError(
                f"{folder / INDEX}: prompt set {prompts!r} has other token ids there than here", "convert or export it again"
            )
    if trained != prompts:
        about = ABOUT.get(trained, "unknown here")  # type: ignore[call-overload]  # what a file says may be anything
        setting = f"--set {VARIANTS[variant].engine}.prompts={trained}"
        raise WeightsError(
            f"{folder}: trained with the prompt set {trained!r} ({about}), not with {prompts!r} ({ABOUT[prompts]})",
            setting if trained in ABOUT else f"known sets: {', '.join(ABOUT)}",
        )


def refuse_other_folder(source: Path, variant: str) -> None:
    """Refuse a published folder whose path names the other model.

    Raises:
        WeightsError: with the command for the model that it is.
    """
    names = set(source.resolve().parts)
    for other, model in VARIANTS.items():
        if other != variant and names & {model.folder, model.row} and not names & _names_of(variant):
            raise _other_variant(source, other, variant)


def _names_of(variant: str) -> set[str]:
    return {VARIANTS[variant].folder, VARIANTS[variant].row}


def _other_variant(path: Path, found: str, wanted: str) -> WeightsError:
    other = VARIANTS.get(found)
    dresses = ", ".join(sorted(each.value for each in other.words.categories)) if other else "?"
    cure = f"--engine {other.engine}, or python run.py weights pull {VARIANTS[wanted].row}" if other else "convert it again"
    name = VARIANTS[wanted].engine
    return WeightsError(f"{path}: is OOTDiffusion's {found} model (dresses {dresses}); {name} needs {wanted}", cure)


def _listed(ids: Ids) -> dict[str, list[int]]:
    return {category.value: list(each) for category, each in ids.items()}
