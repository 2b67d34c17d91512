"""An explanation as HTML: the table with bars, kernels to unfold, the roofline.

In: an Explanation.  Out: one page that needs nothing else, light or dark as the reader's system,
or the same without the frame of a page, for notebooks.
Knows nothing of: how the figures were come by.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from .picture import roofline
from .quantities import percent
from .records import Row
from .table import COLUMNS, totals, user_lines

if TYPE_CHECKING:
    from .report import Explanation

STYLE = """
.ftx-explained{--ink:#1b1f24;--soft:#57606a;--paper:#fff;--tint:#f3f5f8;--edge:#d0d7de;
--bar:#2f6fde;--mark:#b3530f;color:var(--ink);background:var(--paper);
font:14px/1.45 system-ui,sans-serif;padding:1rem;max-width:76rem;margin:auto}
@media (prefers-color-scheme:dark){.ftx-explained{--ink:#e6edf3;--soft:#9aa7b4;--paper:#0d1117;
--tint:#161b22;--edge:#30363d;--bar:#6ea8fe;--mark:#f0a35e}}
.ftx-explained h1{font-size:1.35rem;margin:0 0 .5rem}
.ftx-explained h2{font-size:1.05rem;margin:1.5rem 0 .25rem}
.ftx-explained .wide{overflow-x:auto}
.ftx-explained table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
.ftx-explained caption{text-align:left;color:var(--soft);padding-bottom:.4rem}
.ftx-explained th,.ftx-explained td{padding:.25rem .5rem;text-align:right;white-space:nowrap;
background:none;color:inherit}
.ftx-explained thead th{border-bottom:2px solid var(--edge);color:var(--soft);font-weight:600}
.ftx-explained tbody tr.step{border-top:1px solid var(--edge);background:var(--tint)}
.ftx-explained tbody tr.lines{background:none}
.ftx-explained .left{text-align:left;font-weight:600}
.ftx-explained tr.lines td{text-align:left;white-space:normal;color:var(--soft);
font:12px/1.4 ui-monospace,monospace;padding-left:2.5rem}
.ftx-explained tr.lines div{white-space:pre-wrap}
.ftx-explained .track{display:inline-block;width:7rem;height:.65rem;background:var(--edge);
border-radius:3px;vertical-align:middle;overflow:hidden}
.ftx-explained .track span{display:block;height:100%;background:var(--bar)}
.ftx-explained summary{cursor:pointer;color:var(--bar)}
.ftx-explained summary:focus-visible{outline:2px solid var(--mark)}
.ftx-explained pre{white-space:pre;overflow-x:auto;background:var(--tint);color:var(--ink);
padding:.6rem;border:1px solid var(--edge);margin:.3rem 0}
.ftx-explained svg{width:100%;max-width:46rem;height:auto;display:block}
.ftx-explained svg text{font:12px system-ui,sans-serif;fill:var(--soft)}
.ftx-explained svg .number{font-weight:700;fill:var(--ink)}
.ftx-explained svg .grid{stroke:var(--edge);stroke-width:.6}
.ftx-explained svg .roof{stroke:var(--mark);stroke-width:2}
.ftx-explained svg .dashed{stroke:var(--mark);stroke-width:1.5;stroke-dasharray:6 4}
.ftx-explained svg .point{fill:var(--bar);fill-opacity:.75;stroke:var(--paper)}
"""


def page(found: Explanation, whole: bool = True) -> str:
    """The HTML; `whole` makes it a document of its own."""
    title = html.escape(f"{found.name}, explained")
    body = f'<div class="ftx-explained">\n<style>{STYLE}</style>\n{_content(found)}\n</div>'
    if not whole:
        return body
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{title}</title><style>@media (prefers-color-scheme:dark)"
        "{body{background:#0d1117}}</style>"
    )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>\n{body}\n</body></html>\n'
    )


def _content(found: Explanation) -> str:
    picture = roofline(found.rows, found.roof)
    parts = [
        f"<h1>{html.escape(found.name)}</h1>",
        f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in totals(found))}</ul>",
        '<div class="wide">',
        _table(found),
        "</div>",
    ]
    if picture:
        words = "Each point is a step; its area is its share of the time, the lines are the limits."
        parts += ["<h2>Roofline</h2>", f"<p>{words}</p>", picture]
    return "\n".join(parts)


def _table(found: Explanation) -> str:
    names = [*[name for name, _, _ in COLUMNS], "share of the time"]
    heads = "".join(f'<th scope="col"{_left(name)}>{html.escape(name)}</th>' for name in names)
    rows = "\n".join(_row(row) for row in found.rows)
    caption = "Steps in order of execution; figures are for one call of the program."
    return (
        f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>\n{rows}\n</tbody></table>"
    )


def _left(name: str) -> str:
    return ' class="left"' if name == "step" else ""


def _row(row: Row) -> str:
    cells = []
    for name, _, text in COLUMNS:
        words = html.escape(text(row).strip())
        if name == "step":
            indent = f' style="padding-left:{0.5 + 1.25 * row.depth}rem"'
            cells.append(f'<th scope="row" class="left"{indent}>{words}</th>')
        else:
            cells.append(f"<td>{words}</td>")
    more = _more(row)
    return f'<tr class="step">{"".join(cells)}<td>{_bar(row)}</td></tr>{more}'


def _bar(row: Row) -> str:
    if row.share is None:
        return ""
    words = f"{percent(row.share)} of the time"
    width = round(100 * row.share, 1)
    return (
        f'<span class="track" role="img" aria-label="{words}" title="{words}">'
        f'<span style="width:{width}%"></span></span>'
    )


def _more(row: Row) -> str:
    """The user's lines, and the kernel's text folded away."""
    parts = [f"<div>{html.escape(line)}</div>" for line in user_lines(row)]
    if row.source:
        parts.append(
            f"<details><summary>kernel {row.number} as Python</summary>"
            f"<pre><code>{html.escape(row.source)}</code></pre></details>"
        )
    if not parts:
        return ""
    span = len(COLUMNS) + 1
    return f'\n<tr class="lines"><td colspan="{span}">{"".join(parts)}</td></tr>'
