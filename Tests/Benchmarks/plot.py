"""An SVG bar chart of the rates relative to their baselines."""

from html import escape

import report
from rows import IN_FLIGHT, MEASURED

COLOURS = {"1": "#9ecae1", "16": "#4292c6", "64": "#08519c"}
LEFT, RIGHT, TOP, BAR, GAP = 230, 200, 92, 15, 16
WIDTH = 940
BASELINE_NAMES = {"static": "static JSON", "pgbench": "pgbench"}


def svg(results):
    rows = [row for row in MEASURED if any("ratio" in level for level in results["rows"].get(row.name, {}).values())]
    largest = max([1.0] + [level.get("ratio", 0) for row in rows for level in results["rows"][row.name].values()])
    scale = (WIDTH - LEFT - RIGHT) / largest
    height = TOP + len(rows) * (len(IN_FLIGHT) * BAR + GAP) + 34
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="12" fill="#222">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(20, 26, "Rates relative to the baselines", size=16, weight="bold"),
        _text(20, 46, _subtitle(results), colour="#666"),
    ]
    for index, in_flight in enumerate(IN_FLIGHT):
        x = LEFT + 110 * index
        parts.append(f'<rect x="{x}" y="59" width="12" height="12" fill="{COLOURS[str(in_flight)]}"/>')
        parts.append(_text(x + 18, 69, f"{in_flight} in flight"))
    bottom = height - 30
    step = 0.2 if largest <= 2 else 0.5 if largest <= 5 else 2
    for tick in range(int(largest / step + 1e-9) + 1):
        x = LEFT + tick * step * scale
        is_baseline = abs(tick * step - 1) < 1e-9
        stroke = 'stroke="#c0392b" stroke-dasharray="4 3"' if is_baseline else 'stroke="#e4e4e4"'
        parts.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" y2="{bottom}" {stroke}/>')
        name, colour = ("baseline", "#c0392b") if is_baseline else (f"{tick * step:.1f}", "#666")
        parts.append(_text(x, bottom + 16, name, anchor="middle", colour=colour))
    y = TOP
    for row in rows:
        parts.append(_text(LEFT - 12, y + 20, row.title, anchor="end"))
        parts.append(_text(LEFT - 12, y + 36, f"relative to {BASELINE_NAMES[row.baseline]}", anchor="end", colour="#888"))
        for in_flight, level in results["rows"][row.name].items():
            width = level.get("ratio", 0) * scale
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{width:.1f}" height="{BAR - 2}" fill="{COLOURS[in_flight]}"/>')
            label = f"{report.ratio(level)} · {level['rate']:,.0f}/s · p99 {level['p99_ms']:.1f} ms"
            parts.append(_text(LEFT + width + 6, y + 11, label, size=11, colour="#444"))
            y += BAR
        y += GAP
    return "\n".join([*parts, "</svg>", ""])


def _subtitle(results):
    parts = [f"{results['users']:,} users", f"{results['machine']['cores']} cores", f"commit {results['commit']}"]
    for name, title in BASELINE_NAMES.items():
        rates = [f"{level['rate']:,.0f}" for level in results["rows"].get(name, {}).values()]
        parts += [f"{title} {', '.join(rates)}/s"] if rates else []
    return " · ".join(parts)


def _text(x, y, text, size=None, weight=None, anchor=None, colour=None):
    attributes = {"font-size": size, "font-weight": weight, "text-anchor": anchor, "fill": colour}
    rendered = "".join(f' {name}="{value}"' for name, value in attributes.items() if value)
    return f'<text x="{x:.1f}" y="{y}"{rendered}>{escape(text)}</text>'
