"""Which engine reads a published model file: found by the file's tensors, through the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.catalog import ENGINES, Target, resolve
from pipeline.core.errors import UsageError, WeightsError, nearest
from pipeline.core.weights.converted import INDEX
from pipeline.core.weights.files import digest_of, read_json
from pipeline.core.weights.table import row
from tryon.other_files import KINDS as OTHER_KINDS
from tryon.recognise import FileKind, other_engine, recognise, unknown_file
from tryon.tensor_shapes import read_shapes

_BY_FILE = "give a published file, or the folder of a model of several files"


@dataclass(frozen=True, slots=True)
class FileReader:
    """What reads a file.

    Args:
        engine: name in the catalogue.
        weights: the engine's row in the weights table.
        about: what the file is; empty where only the user says so.
        convert: the function that converts it: `(source, folder, *, dtype, vae_file, lean)`.
    """

    engine: str
    weights: str
    about: str
    convert: Target


def reader_of(file: Path, wanted: str = "", variant: str = "") -> FileReader:
    """The reader of a published file.

    Args:
        file: the file, or the folder of a model of several files; its tensors are not read.
        wanted: the engine that the user named; a file of no known kind is left to it.
        variant: the variant that the user named, which says an engine of one network too.

    Raises:
        UsageError: no such engine or variant, or one whose weights are not converted; or two engines read files of this kind.
        WeightsError: no file of tensors, one of another model (it is named), or of no known kind.
    """
    kinds = file_kinds()
    able = [engine for kind in kinds if kind.convert for engine in kind.engines]
    if wanted and wanted not in able:
        raise UsageError(f"no engine {wanted!r} whose weights can be converted", nearest(wanted, able))
    if file.is_dir():
        return _reader_of_folder(file, wanted, variant, kinds)
    shapes = read_shapes(file)
    kind = recognise(shapes, kinds)
    if variant:
        wanted = _of_variant(file, kind, kinds, variant, wanted)
    if kind is None:
        if not wanted:
            raise unknown_file(file, shapes, kinds)
        return _reader(wanted, _kind_of(wanted, kinds), about="")
    if wanted in kind.claimed:
        return _reader(wanted, _kind_of(wanted, kinds), kind.about)
    if not kind.engines or wanted not in {"", *kind.engines}:
        raise other_engine(file, kind, wanted)
    if kind.inside:
        raise WeightsError(
            f"{file}: this is {kind.about}, one file of a model of several",
            f"give the folder that holds {kind.inside}: python run.py weights convert FOLDER",
        )
    if not kind.convert:
        cure = f"python run.py weights pull {kind.row or _row_of(kind.engines[0])} --from {file}"
        raise WeightsError(f"{file}: this is {kind.about}; it is used as it is, without conversion", cure)
    return _reader(wanted or _listed_engine(file, kind), kind, kind.about)


def _reader_of_folder(folder: Path, wanted: str, variant: str, kinds: Sequence[FileKind]) -> FileReader:
    """The reader of a model that is a folder: of the kind whose file lies in its place there."""
    whole = [kind for kind in kinds if kind.inside]
    kind = next(
        (kind for kind in whole if (folder / kind.inside).is_file() and not kind.lacks(read_shapes(folder / kind.inside))), None
    )
    if kind is None:
        plain = " (a Stable Diffusion folder: it has `unet`)" if (folder / "unet").is_dir() else ""
        places = ", ".join(kind.inside for kind in whole)
        raise WeightsError(f"{folder}: a folder without a model that is converted{plain}; looked for: {places}", _BY_FILE)
    if wanted not in {"", *kind.engines}:
        raise other_engine(folder, kind, wanted)
    if not wanted and not variant:
        said = str(read_json(folder / INDEX).get("variant"))  # a folder made here says it
        variant = said if said in kind.variants else ""
    wanted = _of_variant(folder, kind, kinds, variant, wanted) if variant else wanted
    if wanted:
        return _reader(wanted, kind, kind.about)
    parts = {*folder.resolve().parts}
    named = {engine for name, engine in kind.folder_names.items() if name in parts}
    named |= {engine for engine in kind.engines if _row_of(engine) in parts}
    if len(named) != 1:
        raise UsageError(
            f"{folder}: this is {kind.about}, and its path does not say for which engine: {', '.join(kind.engines)}",
            "\n  → ".join(f"python run.py weights convert {engine} {folder}" for engine in kind.engines),
        )
    return _reader(named.pop(), kind, kind.about)


def refuse_other_model(name: str, file: Path) -> None:
    """Refuse a file in place of a row's when its tensors say that it is another model than the row's engines read.

    Raises:
        WeightsError: another model, or no file of tensors, for a row that a try-on engine reads.
    """
    engines = [engine for engine in ENGINES if ENGINES[engine].files and _row_of(engine) == name]
    kinds = file_kinds()
    if not file.is_file() or not (engines or any(kind.row == name for kind in kinds)):
        return
    shapes = read_shapes(file)
    kind = recognise(shapes, kinds)
    if kind is None:
        if engines:
            return  # left to the engine, which names every difference
        raise unknown_file(file, shapes, kinds)
    if kind.row != name and (kind.row or not set(engines) & {*kind.engines, *kind.claimed}):
        raise other_engine(file, kind, *engines[:1])


def about_file(file: Path) -> str:
    """What a model file is, with its article; "" where that is not known, or it is no file of tensors."""
    if not file.is_file():
        return ""
    try:
        kind = recognise(read_shapes(file), file_kinds())
    except WeightsError:
        return ""
    return kind.about if kind is not None else ""


def file_kinds() -> Sequence[FileKind]:
    """Every kind of model file that some engine lists beside its code, and those that none reads."""
    lists = dict.fromkeys(entry.files for entry in ENGINES.values() if entry.files)
    return (*(kind for target in lists for kind in resolve(target)), *OTHER_KINDS)


def _of_variant(file: Path, kind: FileKind | None, kinds: Sequence[FileKind], variant: str, wanted: str) -> str:
    """The engine that a variant names."""
    own = [each for each in kinds if kind is not None and (each is kind or set(each.engines) & set(kind.claimed))]
    known = {name: engine for each in own for name, engine in each.variants.items()}
    if variant not in known:
        about = kind.about if kind is not None else "a model file of no known kind"
        allowed = f"allowed are {', '.join(known)}" if known else "leave --variant out"
        raise UsageError(f"--variant {variant}: {file} is {about}, which has no such variant", allowed)
    if wanted not in {"", known[variant]}:
        raise UsageError(f"--variant {variant} is engine {known[variant]}, not {wanted}", "give one of the two")
    return known[variant]


def _kind_of(engine: str, kinds: Sequence[FileKind]) -> FileKind:
    return next(kind for kind in kinds if engine in kind.engines)


def _reader(engine: str, kind: FileKind, about: str) -> FileReader:
    return FileReader(engine, _row_of(engine), about, kind.convert_for.get(engine, kind.convert))


def _listed_engine(file: Path, kind: FileKind) -> str:
    """Of the engines with the same network, the one in whose row of the weights table the file's name, size or hash stands."""
    listed = [engine for engine in kind.engines if _lists(_row_of(engine), file)]
    found: Sequence[str] = kind.engines if len(kind.engines) == 1 else listed
    if len(found) != 1:
        sha256 = digest_of(file).sha256
        found = [engine for engine in kind.engines if any(sha256 in each.sha256 for each in row(_row_of(engine)).files)]
    if len(found) != 1:
        raise UsageError(
            f"{file}: this is {kind.about}, and neither its name nor its size says for which engine: {', '.join(kind.engines)}",
            "\n  → ".join(f"python run.py weights convert {engine} {file}" for engine in kind.engines),
        )
    return found[0]


def _lists(name: str, file: Path) -> bool:
    size = file.stat().st_size
    return any(size == each.size or file.name == PurePosixPath(each.name).name for each in row(name).files)


def _row_of(engine: str) -> str:
    """The row of the weights table from which an engine's converted form is made."""
    weights: tuple[str, ...] = resolve(ENGINES[engine].engine).card.weights
    return weights[0]
