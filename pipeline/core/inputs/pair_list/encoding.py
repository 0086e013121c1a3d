"""Bytes of a text file of any usual encoding → text (docs/facts/pair_lists.md#encodings)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass

MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks; UTF-32's little-endian one begins with UTF-16's."""
CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1257", "cp1255", "cp1256", "cp1258"),
    *("cp949", "cp932", "gb18030", "big5", "cp874", "cp850", "cp437", "cp866", "mac_roman"),
)
"""What "ANSI" and the Windows console mean, from country to country; Western Europe first."""
NO_TEXT = (
    (b"PK\x03\x04", "an Excel or OpenDocument workbook"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file"),
    (b"{\\rtf", "a formatted document (RTF)"),
    (b"%PDF", "a PDF"),
)
NULS = 0.3
"""ASCII in UTF-16 has a NUL as every second byte; other scripts have fewer."""
CONTROL = frozenset(map(chr, range(32))) - set("\t\r\n\f\x1a")
"""Characters that no list contains; a form feed and the end mark of DOS are harmless."""


class NoTextError(ValueError):
    """The file is not a text file; the message says what it is instead."""


@dataclass(frozen=True)
class Decoded:
    """A text and the encoding under which its bytes give it.

    Args:
        text: without a byte order mark.
        encoding: a codec's name that writes further lines of the same file; it never writes a mark.
        certain: a mark or valid UTF-8 says so; otherwise the code page is a guess.
    """

    text: str
    encoding: str
    certain: bool = True


def decodings(data: bytes) -> Iterator[Decoded]:
    """The possible texts of a file, the likeliest first: one, or one per code page where it is neither UTF-8 nor UTF-16.

    Raises:
        NoTextError: a workbook, a picture or another binary file.
    """
    for head, kind in NO_TEXT:
        if data.startswith(head):
            raise NoTextError(f"it is {kind}, not a text file")
    certain = _marked(data) or _utf_16_without_mark(data) or _utf_8(data)
    if certain is not None:
        yield _checked(certain)
        return
    seen: set[str] = set()
    for page in CODE_PAGES:
        try:
            text = data.decode(page)
        except UnicodeDecodeError:
            continue
        if text not in seen and not CONTROL & set(text):
            seen.add(text)
            yield Decoded(text, page, certain=False)
    if not seen:
        raise NoTextError("it is neither UTF-8 nor UTF-16 text nor text of a known code page")


def _marked(data: bytes) -> Decoded | None:
    for mark, codec in MARKS:
        if data.startswith(mark):
            writer = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}[codec]
            if mark in {codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE}:
                writer = writer.replace("-le", "-be")
            return _decoded(data[len(mark) :], writer)
    return None


def _utf_16_without_mark(data: bytes) -> Decoded | None:
    """Unmarked UTF-16, which has NULs at odd places (little-endian) or at even ones."""
    if len(data) < 4 or b"\0" not in data:
        return None
    odd, even = data[1::2].count(0) / (len(data) // 2), data[::2].count(0) / (len(data) // 2)
    if max(odd, even) < NULS:
        return None
    return _decoded(data, "utf-16-le" if odd > even else "utf-16-be")


def _utf_8(data: bytes) -> Decoded | None:
    try:
        return Decoded(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes, codec: str) -> Decoded:
    try:
        return Decoded(data.decode(codec), codec)
    except UnicodeDecodeError as problem:
        raise NoTextError(f"its {codec.upper()} text is damaged ({problem.reason})") from None


def _checked(found: Decoded) -> Decoded:
    strange = CONTROL & set(found.text)
    if strange:
        raise NoTextError(f"it has control characters such as {min(strange)!r}, so it is not a text file")
    return found
