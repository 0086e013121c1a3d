"""Download one file over http(s): resumable, hashed while it streams, renamed to its final name only when complete.

The standard library is enough here: urllib for requests (it honours the proxy variables), a redirect rule that sends a login
token to its own host only, `.part` files with Range requests, and exponential back-off.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.core.errors import WeightsDiskFullError, WeightsError
from pipeline.core.weights.files import CHUNK_BYTES, Digest, Progress, human_bytes, no_progress, stub_reason
from pipeline.core.weights.http import Beyond, Broken, Network, Reply, ask
from pipeline.core.weights.part import Part, write_refusal

SPARE_BYTES = 256 << 20  # left free on the disk after a download
LONGEST_WAIT_SECONDS = 60.0
WORTH_A_LOOK_BYTES = 1 << 20  # a file of the wrong size that is smaller comes anyway: its first bytes say what it is
CHOOSE_SOURCE = "choose another source (--mirrors), or bring the file: python run.py weights pull NAME --from FILE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """How the right file is recognised.

    Args:
        size: exact bytes, None when unknown.
        about: rounded bytes, 0 when unknown.
        sha256: accepted contents; empty = any, and the caller pins what was downloaded.
        md5: publisher's md5, or empty.
        pinned: True when `sha256` holds a pin of this machine, not a published value.
    """

    size: int | None = None
    about: int = 0
    sha256: tuple[str, ...] = ()
    md5: str = ""
    pinned: bool = False

    @property
    def bytes_expected(self) -> int:
        """Exact or rounded size, 0 when unknown."""
        return self.size if self.size is not None else self.about

    def accepts(self, digest: Digest) -> bool:
        """True when everything that is known agrees; with a known sha256 the md5 is not compared."""
        if self.sha256:
            return digest.sha256 in self.sha256
        return self.size in {None, digest.count} and self.md5 in {"", digest.md5}


@dataclass(slots=True)
class _Transfer:
    """One download in progress."""

    url: str
    part: Part
    expected: Expected
    network: Network
    progress: Progress
    sleep: Callable[[float], None]
    stated_sha256: str = ""
    rejected: list[str] = field(default_factory=list)


def download(
    url: str,
    target: Path,
    expected: Expected,
    network: Network,
    progress: Progress = no_progress,
    sleep: Callable[[float], None] = time.sleep,
) -> Digest:
    """Download `url` to `target` and return its digest.

    A broken transfer is resumed, also by a later process (`<target>.part`). The target appears only when the file is complete
    and is the expected one.

    Args:
        url: an http(s) address.
        target: file to write; its folder is made.
        expected: how the right file is recognised.
        network: offline switch, token, time-outs.
        progress: called with the bytes done and the total.
        sleep: waits between attempts; replaced in tests.

    Raises:
        WeightsError: offline, refused, absent, another file, corrupt, disk full, or no connection after all attempts.
    """
    refuse_unless_online(url, network)
    with Part(target) as part:
        transfer = _Transfer(url, part, expected, network, progress, sleep)
        while True:
            _fetch_patiently(transfer)
            if _is_complete(transfer):
                with _writing(part):
                    part.finish()
                return part.digest


def refuse_unless_online(url: str, network: Network) -> None:
    """Refuse before any request.

    Raises:
        WeightsError: offline mode is on, or the address is not http(s).
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise WeightsError(f"weights: {url} is not an http(s) address", "correct the address (HF_ENDPOINT, LOOKBOOK_MIRROR)")
    refuse_offline(url, network)


def refuse_offline(what: str, network: Network) -> None:
    """Refuse an address, or a package, while offline mode is on.

    Raises:
        WeightsError: naming the variable that switched it on.
    """
    if network.offline:
        raise WeightsError(
            f"weights: {what} is not requested, because {network.offline} switches the network off",
            f"unset {network.offline}, or bring the file: python run.py weights pull NAME --from FILE",
        )


def _fetch_patiently(transfer: _Transfer) -> None:
    """Repeat requests until the file is complete; an attempt that brought new bytes resets the count of failures."""
    failures, most = 0, transfer.part.digest.count
    while True:
        try:
            _request_once(transfer)
            return
        except Broken as broken:
            failures = 1 if transfer.part.digest.count > most else failures + 1
            most = max(most, transfer.part.digest.count)
            if failures >= transfer.network.attempts:
                raise WeightsError(
                    f"weights: {transfer.url} broke off {failures} times: {broken}",
                    "check the connection and run the same command again: it goes on where it stopped",
                ) from broken
            back_off = transfer.network.back_off_seconds * 2.0 ** (failures - 1)
            transfer.sleep(min(max(back_off, broken.wait_seconds), LONGEST_WAIT_SECONDS))


def _request_once(transfer: _Transfer) -> None:
    """One request: from the start, or from the end of the bytes that are here."""
    part = transfer.part
    offset = part.resume_offset(transfer.url, trusted=bool(transfer.expected.sha256))
    if offset and offset == transfer.expected.size:
        return  # complete: a process was killed between the last byte and the renaming
    try:
        with ask(transfer.url, transfer.network, offset, part.validator) as reply:
            _receive(transfer, reply)
    except Beyond as beyond:
        if beyond.total != offset:
            part.discard()
            raise


def _receive(transfer: _Transfer, reply: Reply) -> None:
    part = transfer.part
    transfer.stated_sha256 = reply.sha256 or transfer.stated_sha256
    _refuse_other_file(transfer, reply)
    _refuse_full_disk(part.target, reply.length)
    if reply.offset == 0:
        with _writing(part):
            part.restart(transfer.url, reply.validator)
    while data := reply.read(CHUNK_BYTES >> 4):
        with _writing(part):
            part.append(data)
        transfer.progress(part.digest.count, reply.total)
    whole = reply.total if reply.total is not None else transfer.expected.size
    if whole is not None and part.digest.count < whole:
        raise Broken(f"{part.digest.count} of {whole} bytes arrived")


@contextmanager
def _writing(part: Part) -> Iterator[None]:
    """Turn disk errors into messages; they must never count as a bad connection."""
    try:
        yield
    except OSError as error:
        raise write_refusal(f"{part.path} cannot be written", error) from error


def _refuse_other_file(transfer: _Transfer, reply: Reply) -> None:
    """Refuse another file before the transfer, by its size and by the hash that the hub states."""
    expected = transfer.expected
    if reply.sha256 and expected.sha256 and reply.sha256 not in expected.sha256:
        raise moved(transfer.url, f"sha256 {reply.sha256[:12]}…", expected)
    if expected.size is None or reply.total is None or reply.total == expected.size:
        return
    if reply.total > WORTH_A_LOOK_BYTES:
        raise moved(transfer.url, f"{reply.total} bytes instead of {expected.size}", expected)


def _refuse_full_disk(target: Path, length: int | None) -> None:
    free = shutil.disk_usage(target.parent).free
    if length is not None and length + SPARE_BYTES > free:
        raise WeightsDiskFullError(
            f"weights: {target.name} needs {human_bytes(length)} more and {target.parent} has {human_bytes(free)} free "
            f"({human_bytes(SPARE_BYTES)} stay unused)",
            "free some space, or choose another folder: --weights DIR",
        )


def _is_complete(transfer: _Transfer) -> bool:
    """Check the complete file. False = it is worth one more transfer from the start."""
    expected, digest = transfer.expected, transfer.part.digest
    if reason := stub_reason(transfer.part.head(), digest.count, expected.bytes_expected):
        transfer.part.discard()
        raise WeightsError(f"weights: {transfer.url} holds {reason}", CHOOSE_SOURCE)
    if expected.accepts(digest):
        return True
    transfer.part.discard()
    if expected.size not in {None, digest.count} or digest.sha256 in {transfer.stated_sha256, *transfer.rejected}:
        # Another size, a hash that the server itself states, or two complete transfers that agree: the transfer did not fail.
        raise moved(transfer.url, f"{digest.count} bytes, sha256 {digest.sha256[:12]}…", expected)
    if transfer.rejected:
        raise WeightsError(
            f"weights: {transfer.url} arrived corrupt twice (sha256 {transfer.rejected[-1][:12]}…, then {digest.sha256[:12]}…)",
            "try again later or on another connection; a proxy that rewrites downloads does this too",
        )
    transfer.rejected.append(digest.sha256)
    return False


def moved(url: str, found: str, expected: Expected) -> WeightsError:
    """The error for a file that arrived complete and is not the one of the table (or of the pin)."""
    known = ", ".join(f"sha256 {sha[:12]}…" for sha in expected.sha256) or f"md5 {expected.md5 or '?'}, {expected.size} bytes"
    source = "pinned here on first use" if expected.pinned else "in the table"
    table_moved = "update the row in pipeline/core/weights/rows, or try --mirrors"
    return WeightsError(
        f"weights: the revision moved: {url} is whole, but it is another file now ({found}; {source}: {known})",
        "python run.py weights pull NAME --repin" if expected.pinned else table_moved,
    )


def network_from(environment: Mapping[str, str]) -> Network:
    """Settings of the user's shell: HF_HUB_OFFLINE, LOOKBOOK_OFFLINE, HF_ENDPOINT, LOOKBOOK_MIRROR, HF_TOKEN."""

    def setting(name: str) -> str:
        return environment.get(name, "").strip()

    truths = {"1", "true", "yes", "on"}
    offline = next((name for name in ("LOOKBOOK_OFFLINE", "HF_HUB_OFFLINE") if setting(name).lower() in truths), "")
    settings = Network(offline=offline, mirror=setting("LOOKBOOK_MIRROR").rstrip("/"), token=setting("HF_TOKEN"))
    return settings.with_hub(setting("HF_ENDPOINT"))
