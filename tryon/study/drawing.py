"""The flow as a picture: SVG made from the boxes and arrows that were found, a column per sub-model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape

from tryon.study.boxes import Box, Flow
from tryon.study.trace import Shape

WIDE, HIGH = 184, 46
"""Of a box, pixels."""
APART = (52, 26)
"""Between columns and between rows, pixels."""
MARGIN, HEAD = 24, 66
HEARD_EVERYWHERE = 4
"""What more boxes than this take is a letter on each of them, not an arrow."""
COLOURS = ("#eef3f8", "#e3f1e6", "#fdf0dd", "#f3e8f6", "#e2ecfb", "#fbe6e6", "#eeeeda")
STYLE = (
    "text { font: 11px sans-serif; fill: #24313f } .name { font-weight: bold; font-size: 12px } .head { font-size: 14px; "
    "font-weight: bold } .arrow { fill: none; stroke: #5b7186; stroke-width: 1.2; marker-end: url(#end) } "
    ".dead { stroke-dasharray: 4 3; fill: #f4f4f4 }"
)
_END = (
    '<defs><marker id="end" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
    '<path d="M0 0L8 4L0 8z" fill="#5b7186"/></marker></defs>'
)


def drawing(flow: Flow, title: str, column_of: Callable[[Box], str], columns: Sequence[str], sizes: Mapping[str, int]) -> str:
    """Draw.

    Args:
        flow: boxes and arrows.
        title: stands above.
        column_of: box → its column; inputs have the first one, whose name is empty.
        columns: names from left to right, without the inputs'.
        sizes: weight tensor → values.

    Returns:
        An SVG document.
    """
    letters = _letters(flow)
    places = _places(flow, {name: (0 if box.is_input else 1 + columns.index(column_of(box))) for name, box in flow.boxes.items()})
    width = 2 * MARGIN + (1 + len(columns)) * WIDE + (1 + len(columns)) * APART[0]
    height = max(y for _, y in places.values()) + HIGH + MARGIN
    parts = [f'<text class="head" x="{MARGIN}" y="28">{escape(title)}</text>']
    for number, name in enumerate(("inputs", *columns)):
        parts.append(f'<text class="name" x="{MARGIN + number * (WIDE + APART[0])}" y="52">{escape(name)}</text>')
    parts += [_arrow(places[a], places[b], shapes) for (a, b), shapes in flow.arrows.items() if a not in letters]
    for name, box in flow.boxes.items():
        heard = "".join(sorted(letters[a] for (a, b) in flow.arrows if b == name and a in letters))
        own = f"{letters[name]} = " if name in letters else ""
        shown = own + name.removeprefix("" if box.is_input else f"{column_of(box)}.")
        parts.append(
            _box(
                box,
                places[name],
                shown + (f"  ← {heard}" if heard else ""),
                name in flow.living,
                sum(sizes[each] for each in box.weights),
            )
        )
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
    return "\n".join(
        [head, f"<style>{STYLE}</style>", _END, f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"]
    )


def shape_text(shape: Shape) -> str:
    """(1, 320, 64, 48) → `320 × 64 × 48`: the batch of one is left out."""
    return " × ".join(map(str, shape[1:] if len(shape) > 1 and shape[0] == 1 else shape))


def _letters(flow: Flow) -> dict[str, str]:
    """Box that many others take → its letter."""
    taken = Counter(source for source, _ in flow.arrows)
    everywhere = [name for name in flow.boxes if taken[name] > HEARD_EVERYWHERE]
    return {name: chr(ord("A") + number) for number, name in enumerate(everywhere)}


def _places(flow: Flow, columns: Mapping[str, int]) -> dict[str, tuple[int, int]]:
    """Left upper corners: below everything that leads to a box, and below what is in its column already."""
    rows: dict[str, int] = {}
    free: Counter[int] = Counter()
    for name in _sources_first(flow):
        above = [rows[a] + 1 for a, b in flow.arrows if b == name and columns[a]]
        rows[name] = max([free[columns[name]], *above])
        free[columns[name]] = rows[name] + 1
    across, down = WIDE + APART[0], HIGH + APART[1]
    return {name: (MARGIN + columns[name] * across, HEAD + rows[name] * down) for name in flow.boxes}


def _sources_first(flow: Flow) -> list[str]:
    """Boxes in an order in which each stands behind all that lead to it."""
    sources: dict[str, set[str]] = {name: set() for name in flow.boxes}
    for a, b in flow.arrows:
        sources[b].add(a)
    ordered: dict[str, None] = {}
    while len(ordered) < len(sources):
        ordered[next(name for name in sources if name not in ordered and sources[name] <= ordered.keys())] = None
    return list(ordered)


def _arrow(start: tuple[int, int], end: tuple[int, int], shapes: Sequence[Shape]) -> str:
    """From the lower edge to the upper one, or around the boxes between where both stand in one column."""
    (x, y), (to_x, to_y) = start, end
    if x != to_x:
        side = WIDE if to_x > x else 0
        x, y, to_x, to_y = x + side, y + HIGH // 2, to_x + WIDE - side, to_y + HIGH // 2
        bend = (to_x - x) // 2
        way = f"M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"
    elif to_y - y > HIGH + APART[1]:
        x, y, to_y = x + WIDE, y + HIGH // 2, to_y + HIGH // 2
        bulge = min(APART[0] - 6, 14 + (to_y - y) // 24)
        way = f"M{x} {y}C{x + bulge} {y} {x + bulge} {to_y} {x} {to_y}"
    else:
        way = f"M{x + WIDE // 2} {y + HIGH}L{x + WIDE // 2} {to_y}"
    return f'<path class="arrow" d="{way}"><title>{escape(", ".join(map(shape_text, shapes)))}</title></path>'


def _box(box: Box, place: tuple[int, int], shown: str, is_alive: bool, values: int) -> str:
    x, y = place
    lines = [shown, ", ".join(map(shape_text, box.gives)) or "nobody asks"]
    if not box.is_input:
        lines.append(f"{values / 1e6:,.1f} M · {box.flops / 1e9:,.1f} GFLOP")
    colour = COLOURS[(x - MARGIN) // (WIDE + APART[0]) % len(COLOURS)]
    dead = "" if is_alive else ' class="dead"'
    texts = "".join(
        f'<text class="{"line" if number else "name"}" x="{x + 7}" y="{y + 14 + 13 * number}">{escape(line)}</text>'
        for number, line in enumerate(lines)
    )
    return f'<rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="5" fill="{colour}" stroke="#9fb2c6"{dead}/>{texts}'
