"""Plots as SVG, written by hand: bars and lines on logarithmic scales."""

import math
from collections.abc import Mapping, Sequence
from html import escape

_FONT = 'font-family="sans-serif" font-size="11"'
_BAR, _LEFT, _WIDTH, _RIGHT = 17, 330, 420, 80
_HEIGHT = 420
_COLORS = ("#2563eb", "#059669", "#d97706", "#7c3aed", "#dc2626", "#0891b2", "#65a30d", "#be185d")


def bars(title: str, values: Sequence[tuple[str, float]]) -> str:
    """A bar for each value, with its label; tenfold steps are as wide as each other."""
    known = [value for _, value in values if value > 0]
    least, most = _powers(known)
    height = 40 + _BAR * len(values)
    parts = [_title(title)]
    for place, (label, value) in enumerate(values):
        y = 32 + place * _BAR
        length = max(1.0, _WIDTH * _share(value, least, most))
        parts += [
            f'<text x="{_LEFT - 8}" y="{y + 12}" text-anchor="end">{escape(label)}</text>',
            f'<rect x="{_LEFT}" y="{y + 2}" width="{length:.1f}" height="{_BAR - 5}" fill="{_COLORS[0]}"/>',
            f'<text x="{_LEFT + length + 5:.1f}" y="{y + 12}">{value:,.3g}</text>'
            if value < 1000
            else f'<text x="{_LEFT + length + 5:.1f}" y="{y + 12}">{value:,.0f}</text>',
        ]
    return _svg(_LEFT + _WIDTH + _RIGHT, height, parts)


def lines(title: str, series: Mapping[str, Sequence[tuple[float, float]]]) -> str:
    """A line for each series, both scales logarithmic, its name at its end."""
    points = [point for line in series.values() for point in line]
    xs, ys = _powers([x for x, _ in points]), _powers([y for _, y in points])
    left, top = 60, 40

    def at(x: float, y: float) -> tuple[float, float]:
        return left + _WIDTH * _share(x, *xs), top + _HEIGHT * (1 - _share(y, *ys))

    parts = [_title(title)]
    for power in range(ys[0], ys[1] + 1):
        _, y = at(10.0 ** xs[0], 10.0**power)
        parts.append(f'<path d="M{left} {y:.1f}h{_WIDTH}" stroke="#ddd"/>')
        parts.append(
            f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:g}</text>'
        )
    for power in range(xs[0], xs[1] + 1):
        x, _ = at(10.0**power, 10.0 ** ys[0])
        parts.append(
            f'<text x="{x:.1f}" y="{top + _HEIGHT + 16}" text-anchor="middle">{10**power:,}</text>'
        )
    ends = sorted((at(*line[-1])[1], name) for name, line in series.items() if line)
    heights = _apart([y for y, _ in ends])
    for place, ((_, name), y) in enumerate(zip(ends, heights, strict=True)):
        color = _COLORS[place % len(_COLORS)]
        path = "L".join("{:.1f} {:.1f}".format(*at(*point)) for point in series[name])
        parts.append(f'<path d="M{path}" fill="none" stroke="{color}"/>')
        parts.append(
            f'<text x="{left + _WIDTH + 8}" y="{y + 4:.1f}" fill="{color}">{escape(name)}</text>'
        )
    height = max([top + _HEIGHT + 30.0, *(y + 16 for y in heights)])
    return _svg(left + _WIDTH + _LEFT, int(height), parts)


def _apart(ys: Sequence[float]) -> list[float]:
    """Heights of names that don't lie upon one another."""
    found: list[float] = []
    for y in ys:
        found.append(max(y, found[-1] + 13) if found else y)
    return found


def _powers(values: Sequence[float]) -> tuple[int, int]:
    """The powers of ten that hold all values."""
    known = [value for value in values if value > 0] or [1.0]
    least = math.floor(math.log10(min(known)))
    return least, max(math.ceil(math.log10(max(known))), least + 1)


def _share(value: float, least: int, most: int) -> float:
    """Where a value lies between two powers of ten, from 0 to 1."""
    return 0.0 if value <= 0 else min(1.0, max(0.0, (math.log10(value) - least) / (most - least)))


def _title(text: str) -> str:
    return f'<text x="8" y="18" font-size="13" font-weight="bold">{escape(text)}</text>'


def _svg(width: int, height: int, parts: Sequence[str]) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" {_FONT}>'
    return "\n".join(
        [head, f'<rect width="{width}" height="{height}" fill="#fff"/>', *parts, "</svg>\n"]
    )
