"""A small line chart as SVG text: both axes logarithmic, or both not, a curve for each name. It takes its reader's choice of light or dark."""
import math

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 560, 300, 56, 150, 34, 42
STYLE = """<style>
text { font: 11px sans-serif; fill: #333 } .title { font-size: 13px } .grid { stroke: #ddd } .frame { stroke: #888 }
@media (prefers-color-scheme: dark) { text { fill: #ccc } .grid { stroke: #444 } }
</style>"""
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00"]  # Okabe and Ito's, told apart by all eyes


def svg(title, horizontal, curves, logarithmic=True):
    """curves has lists of (x, y), both above 0, in the order of x. Logarithmic axes have a mark at each x, others where numbers are round."""
    xs = sorted({x for points in curves.values() for x, _ in points})
    ys = [y for points in curves.values() for _, y in points]
    if logarithmic:
        scale, (low, high), horizontals, verticals = math.log, bounds(ys), xs, ticks(*bounds(ys))
    else:
        horizontals, verticals = even(0, xs[-1]), even(min(ys), max(ys))
        scale, xs, low, high = float, [0, max(horizontals[-1], xs[-1])], verticals[0], verticals[-1]

    def at(x, y):
        span = scale(xs[-1]) - scale(xs[0]) or 1.0
        return (LEFT + (scale(x) - scale(xs[0])) / span * (WIDTH - LEFT - RIGHT),
                HEIGHT - BOTTOM - (scale(y) - scale(low)) / (scale(high) - scale(low)) * (HEIGHT - TOP - BOTTOM))

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{title}">', STYLE,
             f'<text class="title" x="8" y="18">{title}</text>']
    for y in verticals:
        height = at(xs[0], y)[1]
        parts.append(f'<path class="grid" d="M{LEFT},{height:.1f}H{WIDTH - RIGHT}"/><text x="{LEFT - 6}" y="{height + 4:.1f}" text-anchor="end">{y:g}</text>')
    parts.append(f'<path class="frame" d="M{LEFT},{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"/>')
    for x in horizontals:
        parts.append(f'<text x="{at(x, low)[0]:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{x:g}</text>')
    parts.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{horizontal}</text>')
    label, lowest = {}, 0.0  # heights of the names: where their curves end, but one below the other
    for name, points in sorted(curves.items(), key=lambda curve: at(*curve[1][-1])[1]):
        label[name] = lowest = max(at(*points[-1])[1], lowest + 14)
    for i, (name, points) in enumerate(curves.items()):
        colour, places = COLOURS[i % len(COLOURS)], [at(x, y) for x, y in points]
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in places)}"/>')
        if logarithmic:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places]
        parts.append(f'<text x="{WIDTH - RIGHT + 10}" y="{label[name] + 4:.1f}" style="fill: {colour}">{name}</text>')
    return "\n".join([*parts, "</svg>", ""])


def bounds(values):
    """The numbers 1, 2 or 5 times a power of ten around the values, different ones."""
    steps = [m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5)]
    low = max(s for s in steps if s <= min(values))
    return low, min(s for s in steps if s >= max(values) and s > low)


def ticks(low, high):
    return [t for t in (m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5)) if low <= t <= high]


def even(low, high):
    """Round numbers at equal distances, about six, from below or at low to above or at high."""
    step = min((m * 10.0**e for e in range(-3, 9) for m in (1, 2, 5)), key=lambda s: abs(math.log((high - low) / 6 / s)) if high > low else s)
    return [step * i for i in range(math.floor(low / step), max(math.ceil(high / step), math.floor(low / step) + 1) + 1)]


def bars(title, groups, mark=None):
    """Horizontal bars as SVG text: groups has lists of (name, number above 0) by the name of the group. A line stands at the number mark."""
    height, left, right, y = 15, max(210, 6 * max(len(name) for rows in groups.values() for name, _ in rows)), 60, 40
    most = max(value for rows in groups.values() for _, value in rows)
    scale = (WIDTH - left - right) / max(most, mark or 0)
    parts, names = [], sorted({name for rows in groups.values() for name, _ in rows})
    for group, rows in groups.items():
        parts.append(f'<text x="8" y="{y + 11}" style="font-weight: bold">{group}</text>')
        y += height + 3
        for name, value in rows:
            colour = COLOURS[names.index(name) % len(COLOURS)]
            parts.append(f'<text x="{left - 6}" y="{y + 11}" text-anchor="end">{name}</text><rect x="{left}" y="{y + 1}" width="{max(1, value * scale):.1f}" height="{height - 3}" fill="{colour}"/>'
                         f'<text x="{left + value * scale + 5:.1f}" y="{y + 11}">{value:.2f}</text>')
            y += height
        y += 8
    if mark:
        parts.append(f'<path class="frame" d="M{left + mark * scale:.1f},30V{y}"/>')
    head = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 6}" role="img" aria-label="{title}">', STYLE, f'<text class="title" x="8" y="18">{title}</text>']
    return "\n".join([*head, *parts, "</svg>", ""])
