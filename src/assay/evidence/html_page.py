"""A page of HTML that opens anywhere: no address, no script, both themes. Audits and model cards are such pages.

>>> page = html_page("a <title>", "<p>said</p>")
>>> page.startswith("<!doctype html>"), "a &lt;title&gt;" in page, "://" in page
(True, True, False)
>>> html_table(("of", "share"), [("rows", "<9 %")], numbers={1}).count("&lt;9 %")
1
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from html import escape

_FRAME = """
:root { color-scheme: light dark; --ground: #f5f6f8; --ink: #121820; --soft: #566072; --line: #c3cad5; --card: #ffffff;
  --before: #1d55cc; --after: #b3261e; --future: #b3261e18; --good: #00736a; }
@media (prefers-color-scheme: dark) { :root { --ground: #0a0d12; --ink: #e7ebf1; --soft: #98a4b5; --line: #364152;
  --card: #10141b; --before: #82abff; --after: #ff8f8f; --future: #ff8f8f20; --good: #3cc7b2; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.2rem; margin: 2rem 0 0.5rem; } h3 { font-size: 1rem; margin: 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 0.25rem 0.6rem 0.25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
td.number, th.number { text-align: right; white-space: nowrap; }
.scrolls { overflow-x: auto; } a { color: var(--before); }
.soft { color: var(--soft); } .bad { color: var(--after); } .good { color: var(--good); }
.verdict { font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1rem; margin: 0.5rem 0; }
dt { color: var(--soft); } dd { margin: 0; }
svg text { fill: var(--soft); font-size: 12px; } .axis, .grid { stroke: var(--line); }
.grid { stroke-dasharray: 2 4; }
"""


def html_page(title: str, body: str, *, style: str = "") -> str:
    """Return a whole document; it names nothing outside itself and runs nothing.

    Parameters
    ----------
    title : str
    body : str
        HTML in which every name is escaped already.
    style : str
        More rules; colours are the variables of the frame, which have a value in both themes.
    """
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escaped(title)}</title><style>{_FRAME}{style}</style></head>"
        f"<body><main>{body}</main></body></html>\n"
    )


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Collection[int] = ()) -> str:
    """Return a table, which scrolls where it is too wide; columns in `numbers` stand right. All text is escaped."""

    def cells(row: Sequence[str], tag: str) -> str:
        kinds = [' class="number"' if place in numbers else "" for place in range(len(row))]
        return "".join(f"<{tag}{kind}>{escaped(one)}</{tag[:2]}>" for one, kind in zip(row, kinds, strict=True))

    top = cells(head, 'th scope="col"')
    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="scrolls" tabindex="0"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def html_facts(facts: Iterable[tuple[str, str]]) -> str:
    """Return names and what they are, as a list; those without a value are left out. All text is escaped."""
    return f"<dl>{''.join(f'<dt>{escaped(name)}</dt><dd>{escaped(value)}</dd>' for name, value in facts if value)}</dl>"


def escaped(text: str) -> str:
    r"""Return text as HTML, in which nothing is markup; what no page may hold is left out.

    >>> escaped("<b>\x1b[2J 'c'")
    '&lt;b&gt;[2J &#x27;c&#x27;'
    """
    return escape("".join(one for one in text if one.isprintable() or one.isspace()), quote=True)
