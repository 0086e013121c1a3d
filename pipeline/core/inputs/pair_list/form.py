"""The form of a list that exists, so that lines are added as the user wrote theirs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.core.inputs.pair_list.columns import Template
from pipeline.core.inputs.pair_list.encoding import Decoded
from pipeline.core.inputs.pair_list.lines import BLANKS, LINE_END


@dataclass(frozen=True)
class Form:
    """How the lines of a list are written.

    Args:
        encoding: codec without a byte order mark.
        delimiter: between the cells.
        template: the columns of the two names.
        line_end: newline of the file.
        open_end: whether the last line has no newline.
    """

    encoding: str = "utf-8"
    delimiter: str = BLANKS
    template: Template = field(default_factory=Template)
    line_end: str = "\n"
    open_end: bool = False

    def lines(self, pairs: Iterable[tuple[str, str]]) -> bytes:
        """Further lines of the file, one per (person, garment).

        Raises:
            UnicodeEncodeError: the file's code page lacks a character of an id.
        """
        text = "".join(self._line(person, garment) + self.line_end for person, garment in pairs)
        return ((self.line_end if self.open_end else "") + text).encode(self.encoding)

    def _line(self, person: str, garment: str) -> str:
        names = dict(zip(self.template.columns, (person, garment), strict=True))
        filler = "-" if self.delimiter == BLANKS else ""
        cells = [names.get(column, filler) for column in range(max(names) + 1)]
        return self.delimiter.join(f'"{cell}"' if self.delimiter in cell else cell for cell in cells)


def form_of(decoded: Decoded, delimiter: str, template: Template) -> Form:
    """The form of a text that was read in this way."""
    text = decoded.text
    ends = LINE_END.search(text)
    open_end = bool(text) and LINE_END.search(text[-1]) is None
    return Form(decoded.encoding, delimiter, template, ends[0] if ends else "\n", open_end)
