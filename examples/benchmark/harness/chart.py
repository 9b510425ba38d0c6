# SPDX-License-Identifier: Apache-2.0
"""One bar chart of requests per second: a panel for each workload with and without limits, a cluster
of bars for each way in, thin lines from the least to the most that was measured."""

from xml.sax.saxutils import escape

COLOURS = {"by hand": "#8a8f98", "script": "#5f9e6e", "minictr": "#1f6fb4",
           "minictr compose": "#6a4c93", "podman": "#d9822b"}
OTHER = "#333"
TITLES = {"plain": "a page from nginx", "stack": "a request through three tiers"}
WAYS = {"address": "by address", "name": "by name", "published": "published port"}

PANEL_WIDTH, PLOT_HEIGHT = 440, 200
MARGIN_LEFT, MARGIN_TOP, GAP_X, GAP_Y = 64, 92, 64, 92
FONT = "font-family='system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif'"


def text(x, y, content, size=12, anchor="middle", fill="#333", weight="normal"):
    return ("<text x='%.1f' y='%.1f' font-size='%d' text-anchor='%s' fill='%s' font-weight='%s'>"
            "%s</text>" % (x, y, size, anchor, fill, weight, escape(content)))


def line(x1, y1, x2, y2, colour="#333", width=1.0):
    return "<line x1='%.1f' y1='%.1f' x2='%.1f' y2='%.1f' stroke='%s' stroke-width='%.1f'/>" % (
        x1, y1, x2, y2, colour, width)


def round_up(value):
    """To a number that four grid lines divide well."""
    step = 1
    while True:
        for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8):
            if step * factor * 4 >= value:
                return step * factor * 4
        step *= 10


def short(value):
    if value >= 10000:
        return "%.1fk" % (value / 1000)
    return "%.0f" % value


def bar(x, width, base, scale, row):
    colour = COLOURS.get(row["contender"], OTHER)
    rps = row["rps"]
    top, middle = base - rps["median"] * scale, x + width / 2
    yield "<rect x='%.1f' y='%.1f' width='%.1f' height='%.1f' fill='%s' rx='1.5'/>" % (
        x, top, width, base - top, colour)
    if rps["most"] > rps["least"]:
        low, high = base - rps["least"] * scale, base - rps["most"] * scale
        yield line(middle, low, middle, high, "#111", 1.2)
        for y in (low, high):
            yield line(middle - 4, y, middle + 4, y, "#111", 1.2)
        top = min(top, high)
    yield text(middle, top - 5, short(rps["median"]), 11)


def panel(left, top, title, rows, most):
    base = top + PLOT_HEIGHT
    scale = PLOT_HEIGHT / most
    yield text(left, top - 22, title, 14, "start", "#111", "600")
    for number in range(5):
        value = most * number / 4
        y = base - value * scale
        yield line(left, y, left + PANEL_WIDTH, y, "#999" if number == 0 else "#e3e5e8")
        yield text(left - 8, y + 4, short(value), 11, "end", "#666")
    ways = [way for way in WAYS if any(row["way"] == way for row in rows)]
    cluster = PANEL_WIDTH / len(ways)
    for number, way in enumerate(ways):
        bars = [row for row in rows if row["way"] == way]
        width = min(46, (cluster - 24) / len(bars))
        x = left + cluster * number + (cluster - width * len(bars)) / 2
        for row in bars:
            yield from bar(x + 2, width - 4, base, scale, row)
            x += width
        yield text(left + cluster * (number + 0.5), base + 18, WAYS[way], 12)


def legend(contenders, x, y):
    for contender in contenders:
        yield "<rect x='%d' y='%d' width='12' height='12' fill='%s' rx='1.5'/>" % (
            x, y - 10, COLOURS.get(contender, OTHER))
        yield text(x + 18, y, contender, 13, "start")
        x += 40 + 8 * len(contender)


def draw(load_rows, tool="wrk"):
    """The chart of one tool's rows as an SVG document."""
    rows = [row for row in load_rows if row["tool"] == tool]
    keys = list(dict.fromkeys((row["workload"], row["limits"]) for row in rows))
    contenders = list(dict.fromkeys(row["contender"] for row in rows))
    columns = 2 if len(keys) > 1 else 1
    lines = (len(keys) + columns - 1) // columns
    width = MARGIN_LEFT + columns * (PANEL_WIDTH + GAP_X) - GAP_X + 24
    height = MARGIN_TOP + lines * (PLOT_HEIGHT + GAP_Y) - GAP_Y + 70
    parts = ["<svg xmlns='http://www.w3.org/2000/svg' width='%d' height='%d' viewBox='0 0 %d %d' %s>"
             % (width, height, width, height, FONT),
             "<rect width='100%' height='100%' fill='#fff'/>",
             text(MARGIN_LEFT, 28, "Requests per second", 17, "start", "#111", "600")]
    parts += legend(contenders, MARGIN_LEFT + 220, 28)
    for number, (workload, limits) in enumerate(keys):
        title = "%s, %s" % (TITLES[workload], "limited" if limits == "on" else "without limits")
        left = MARGIN_LEFT + (number % columns) * (PANEL_WIDTH + GAP_X)
        top = MARGIN_TOP + (number // columns) * (PLOT_HEIGHT + GAP_Y)
        # One scale for both panels of a workload.
        most = round_up(1.08 * max(row["rps"]["most"] for row in rows
                                   if row["workload"] == workload))
        parts += panel(left, top, title, [row for row in rows if (
            row["workload"], row["limits"]) == (workload, limits)], most)
    parts.append(text(MARGIN_LEFT, height - 16, "Loaded by %s; bars: medians, lines: from the least "
                      "to the most." % tool, 11, "start", "#666"))
    return "\n".join(parts + ["</svg>"]) + "\n"
