"""The networks' files: where each is, which are missing, and their one fetch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.core.errors import WeightsError
from pipeline.core.people_networks.door import ROW, Runtime, runtime_here, wheel
from pipeline.core.weights.access import pull_command, require_verified, status_of, verify
from pipeline.core.weights.http import Network
from pipeline.core.weights.pull import plan_pull, pull_all, refuse_early
from pipeline.core.weights.verify import Finding

WHEEL_MEGABYTES = 36


def find_file(name: str, weights: Path) -> Path:
    """A network's verified file: in the weights folder, or inside an installed wheel of mediapipe 0.10.

    Args:
        name: like `pose_detection.tflite`.
        weights: the weights folder.

    Raises:
        WeightsError: it is in neither, or not the right one; with the command that fetches it.
    """
    own = tuple(finding for finding in status_of(ROW, weights) if finding.file.name == name)
    return require_verified([own], weights)[0][0].path


def missing_files(weights: Path) -> list[Finding]:
    """The files that LiteRT lacks here, or that are damaged; none where mediapipe runs its own."""
    if runtime_here() is not Runtime.LITERT:
        return []
    return [finding for finding in verify(ROW, weights) if not finding.usable]


def fetch_note(weights: Path) -> str:
    """What is said before the fetch."""
    return (
        f"people networks: {WHEEL_MEGABYTES} MB once, from your package index ({_wheel_in_words()}, Apache-2.0); "
        f"20 MB are kept in {weights / ROW}, and nothing is fetched again"
    )


def fetch_files(weights: Path, network: Network, say: Callable[[str], None]) -> None:
    """Bring the missing files, after saying so.

    Args:
        weights: the weights folder.
        network: the user's settings of it.
        say: prints one line.

    Raises:
        WeightsError: offline, without pip, refused by the index; with what to do instead.
    """
    wants = plan_pull([ROW], weights)
    if not wants:
        return
    try:
        refuse_early(wants, network)
        say(fetch_note(weights))
        for _ in pull_all(wants, network):
            pass
    except WeightsError as error:
        raise WeightsError(f"people networks: {len(wants)} files are not here. {error.message}", _remedy(weights)) from error


def _remedy(weights: Path) -> str:
    """The ways to the files, for a machine that reaches no index."""
    command = pull_command([ROW], weights)
    return (
        f"with a network: {command}; without: {command} --from FILE, "
        f"where FILE is the wheel of {_wheel_in_words()} (any platform), or a folder {ROW} from another machine"
    )


def _wheel_in_words() -> str:
    return wheel().replace("==", " ")
