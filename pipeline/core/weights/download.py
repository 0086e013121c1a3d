"""Fetch one file over http(s): resumable, verified while it streams, in place only when whole.

The standard library is enough here: urllib for requests (it honours the proxy variables), an own redirect rule that keeps a login
token on its host, `.part` files with Range requests, and a plain back-off.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.core.errors import WeightsError
from pipeline.core.weights.files import CHUNK_BYTES, Digest, Progress, human_bytes, no_progress, stub_reason
from pipeline.core.weights.http import Beyond, Broken, Network, Reply, ask
from pipeline.core.weights.part import CHOOSE_FOLDER, Part

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
        sha256: accepted contents; empty = any, the caller pins what comes.
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
        """True when everything that is known agrees; a known sha256 makes the md5 needless."""
        if self.sha256:
            return digest.sha256 in self.sha256
        return self.size in {None, digest.count} and self.md5 in {"", digest.md5}


@dataclass(slots=True)
class _Job:
    """One download under way."""

    url: str
    part: Part
    expected: Expected
    network: Network
    progress: Progress
    sleep: Callable[[float], None]
    told_sha256: str = ""
    rejected: list[str] = field(default_factory=list)


def download(
    url: str,
    target: Path,
    expected: Expected,
    network: Network,
    progress: Progress = no_progress,
    sleep: Callable[[float], None] = time.sleep,
) -> Digest:
    """Fetch `url` to `target` and return what was hashed on the way.

    A broken transfer goes on where it stopped, also in a later process (`<target>.part`). The target appears only when
    everything fits.

    Args:
        url: an http(s) address.
        target: file to write; its folder is made.
        expected: how the right file is recognised.
        network: offline switch, token, patience.
        progress: told the bytes done and the total.
        sleep: waits between attempts; replaced in tests.

    Raises:
        WeightsError: offline, refused, absent, moved, corrupt, no room, or no connection after all attempts.
    """
    refuse_unless_online(url, network)
    with Part(target) as part:
        job = _Job(url, part, expected, network, progress, sleep)
        while True:
            _fetch_patiently(job)
            if _settled(job):
                with _writing(part):
                    part.finish()
                return part.digest


def refuse_unless_online(url: str, network: Network) -> None:
    """Stop before anything is asked.

    Raises:
        WeightsError: offline mode is on, or the address is not http(s).
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise WeightsError(f"weights: {url} is not an http(s) address", "correct the address (HF_ENDPOINT, LOOKBOOK_MIRROR)")
    if network.offline:
        raise WeightsError(
            f"weights: {url} is not asked for, because {network.offline} switches the network off",
            f"unset {network.offline}, or bring the file: python run.py weights pull NAME --from FILE",
        )


def _fetch_patiently(job: _Job) -> None:
    """Transfer until whole; an attempt that brought bytes does not count against the patience."""
    failures, most = 0, job.part.digest.count
    while True:
        try:
            _transfer(job)
            return
        except Broken as broken:
            failures = 1 if job.part.digest.count > most else failures + 1
            most = max(most, job.part.digest.count)
            if failures >= job.network.attempts:
                raise WeightsError(
                    f"weights: {job.url} broke off {failures} times: {broken}",
                    "check the connection and run the same command again: it goes on where it stopped",
                ) from broken
            back_off = job.network.back_off_seconds * 2.0 ** (failures - 1)
            job.sleep(min(max(back_off, broken.wait_seconds), LONGEST_WAIT_SECONDS))


def _transfer(job: _Job) -> None:
    """One request: from the start, or from the end of what is there."""
    part = job.part
    offset = part.resume_offset(job.url, trusted=bool(job.expected.sha256))
    if offset and offset == job.expected.size:
        return  # killed between the last byte and the renaming
    try:
        with ask(job.url, job.network, offset, part.validator) as reply:
            _receive(job, reply)
    except Beyond as beyond:
        if beyond.total != offset:
            part.discard()
            raise


def _receive(job: _Job, reply: Reply) -> None:
    part = job.part
    job.told_sha256 = reply.sha256 or job.told_sha256
    _refuse_other_file(job, reply)
    _refuse_full_disk(part.target, reply.length)
    if reply.offset == 0:
        with _writing(part):
            part.restart(job.url, reply.validator)
    while data := reply.read(CHUNK_BYTES >> 4):
        with _writing(part):
            part.append(data)
        job.progress(part.digest.count, reply.total)
    whole = reply.total if reply.total is not None else job.expected.size
    if whole is not None and part.digest.count < whole:
        raise Broken(f"{part.digest.count} of {whole} bytes arrived")


@contextmanager
def _writing(part: Part) -> Iterator[None]:
    """Disk errors in words; they must never count as a bad connection."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            message = f"weights: the disk is full while writing {part.path}"
            raise WeightsError(message, "free some space and run the same command again") from error
        raise WeightsError(f"weights: {part.path} cannot be written: {error.strerror}", CHOOSE_FOLDER) from error


def _refuse_other_file(job: _Job, reply: Reply) -> None:
    """Sizes and the hub's own hash tell before the transfer that this is another file."""
    expected = job.expected
    if reply.sha256 and expected.sha256 and reply.sha256 not in expected.sha256:
        raise moved(job.url, f"sha256 {reply.sha256[:12]}…", expected)
    if expected.size is None or reply.total is None or reply.total == expected.size:
        return
    if reply.total > WORTH_A_LOOK_BYTES:
        raise moved(job.url, f"{reply.total} bytes instead of {expected.size}", expected)


def _refuse_full_disk(target: Path, length: int | None) -> None:
    free = shutil.disk_usage(target.parent).free
    if length is not None and length + SPARE_BYTES > free:
        raise WeightsError(
            f"weights: {target.name} needs {human_bytes(length)} more and {target.parent} has {human_bytes(free)} free "
            f"({human_bytes(SPARE_BYTES)} stay unused)",
            "free some space, or choose another folder: --weights DIR",
        )


def _settled(job: _Job) -> bool:
    """Judge the whole file. False = it is worth one more transfer from the start."""
    expected, digest = job.expected, job.part.digest
    if reason := stub_reason(job.part.head(), digest.count, expected.bytes_expected):
        job.part.discard()
        raise WeightsError(f"weights: {job.url} holds {reason}", CHOOSE_SOURCE)
    if expected.accepts(digest):
        return True
    job.part.discard()
    if expected.size not in {None, digest.count} or digest.sha256 in {job.told_sha256, *job.rejected}:
        # Another size, a hash the server itself names, or two whole transfers that agree: nothing broke on the way.
        raise moved(job.url, f"{digest.count} bytes, sha256 {digest.sha256[:12]}…", expected)
    if job.rejected:
        raise WeightsError(
            f"weights: {job.url} arrived corrupt twice (sha256 {job.rejected[-1][:12]}…, then {digest.sha256[:12]}…)",
            "try again later or on another connection; a proxy that rewrites downloads does this too",
        )
    job.rejected.append(digest.sha256)
    return False


def moved(url: str, found: str, expected: Expected) -> WeightsError:
    """The error for a file that arrived well and is another one than the table (or the pin) says."""
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
