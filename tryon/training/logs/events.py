"""TensorBoard's event files, written without its package: length, checksum, message, checksum.

Format: TFRecord of `tensorflow.Event` messages; the checksum is CRC-32C (Castagnoli), turned and shifted by a constant.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Mapping
from pathlib import Path

POLYNOMIAL = 0x82F63B78
MASK = 0xA282EAD8


def _table() -> list[int]:
    table = []
    for byte in range(256):
        rest = byte
        for _ in range(8):
            rest = (rest >> 1) ^ (POLYNOMIAL if rest & 1 else 0)
        table.append(rest)
    return table


_TABLE = _table()


def crc32c(data: bytes) -> int:
    """CRC-32C of bytes."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest = (rest >> 8) ^ _TABLE[(rest ^ byte) & 0xFF]
    return rest ^ 0xFFFFFFFF


class EventFile:
    """An event file of one start of a run.

    Args:
        folder: where TensorBoard looks.
        step: the start's first step, for the file's name.
    """

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"events.out.tfevents.{int(time.time()):010}.from-{step:09}").open("ab")
        self._write(_bytes(3, b"brain.Event:2"), 0)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write scalars of a step."""
        summary = b"".join(_bytes(1, _bytes(1, name.encode()) + _fixed32(2, value)) for name, value in values.items())
        self._write(_bytes(5, summary), step)
        self._file.flush()

    def close(self) -> None:
        """End the file."""
        self._file.close()

    def _write(self, content: bytes, step: int) -> None:
        message = _key(1, 1) + struct.pack("<d", time.time()) + _key(2, 0) + _varint(step) + content
        length = struct.pack("<Q", len(message))
        self._file.write(length + _masked(length) + message + _masked(message))


def _masked(data: bytes) -> bytes:
    rest = crc32c(data)
    return struct.pack("<I", (((rest >> 15) | (rest << 17)) + MASK) & 0xFFFFFFFF)


def _key(field: int, wire: int) -> bytes:
    return _varint(field << 3 | wire)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _bytes(field: int, content: bytes) -> bytes:
    return _key(field, 2) + _varint(len(content)) + content


def _fixed32(field: int, value: float) -> bytes:
    return _key(field, 5) + struct.pack("<f", value)
