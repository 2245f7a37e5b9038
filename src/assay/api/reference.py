"""The page ``/api/v1/docs``: the OpenAPI document for people, made on the server, without anybody else's script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from assay.api.asked import PREFIX
from assay.api.problems import TYPES

router = APIRouter(prefix=PREFIX, include_in_schema=False)
Json = Mapping[str, Any]

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>API · Assay</title>
<link rel="icon" href="/static/assay/mark.svg" type="image/svg+xml">
<script src="/static/assay/theme.js"></script>
<link rel="stylesheet" href="/static/assay/app.css">
<link rel="stylesheet" href="/static/assay/reference.css">
</head>
<body>
<a class="skip" href="#content">To the content</a>
<header class="top"><div class="top-in"><a class="brand" href="/">Assay</a>
<nav class="menu" aria-label="Site"><a href="/">Pages</a><a href="{docs}" aria-current="page">API</a>
<a href="{openapi}">OpenAPI</a></nav></div></header>
<main id="content" class="reference">
<h1>API <span class="muted">{version}</span></h1>
{intro}
<nav class="card contents" aria-label="Routes">{contents}</nav>
{routes}
<section class="card" id="problems"><div class="card-head"><h2>Problems</h2></div>
<div class="card-body scroll" tabindex="0">
<table><thead><tr><th>type</th><th>Meaning</th></tr></thead><tbody>{problems}</tbody></table></div></section>
</main>
</body>
</html>
"""


@router.get("/docs")
async def reference(request: Request) -> HTMLResponse:
    """Answer with the page."""
    return HTMLResponse(page_of(request.app.openapi()))


def page_of(document: Json) -> str:
    """Return the page about an OpenAPI document."""
    operations = [(path, methods["get"]) for path, methods in document["paths"].items() if "get" in methods]
    contents = "".join(f'<a href="#{_anchor(path)}"><code>{escape(path)}</code></a>' for path, _ in operations)
    shapes = document["components"]["schemas"]
    problems = "".join(
        f'<tr id="problem-{escape(kind)}"><td><code>{escape(kind)}</code></td><td>{escape(said)}</td></tr>'
        for kind, said in TYPES.items()
    )
    return _PAGE.format(
        docs=f"{PREFIX}/docs",
        openapi=f"{PREFIX}/openapi.json",
        version=escape(document["info"]["version"]),
        intro=_prose(document["info"]["description"]),
        contents=contents,
        routes="\n".join(_route(path, operation, shapes) for path, operation in operations),
        problems=problems,
    )


def _route(path: str, operation: Json, shapes: Json) -> str:
    parameters = "".join(map(_parameter, operation.get("parameters", ())))
    asked = _table(("Parameter", "Meaning", "Example"), parameters) if parameters else ""
    fields = "".join(_fields(_schema_of(operation), shapes))
    answer = _table(("Field", "Meaning", "Example"), fields) if fields else ""
    return (
        f'<section class="card" id="{_anchor(path)}"><div class="card-head"><h2><code>GET {escape(path)}</code></h2>'
        f'<span class="muted">{escape(operation["summary"])}</span></div><div class="card-body">'
        f"{_prose(operation['description'])}{asked}{answer}</div></section>"
    )


def _parameter(parameter: Json) -> str:
    schema = parameter["schema"]
    needed = ' <span class="badge warn">needed</span>' if parameter.get("required") else ""
    default = f" Default: <code>{escape(_text(schema['default']))}</code>." if "default" in schema else ""
    example = next(iter(schema.get("examples", ())), "")
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code>{needed}</td>"
        f"<td>{_inline(parameter.get('description', ''))}{default}</td><td>{_example(example)}</td></tr>"
    )


def _schema_of(operation: Json) -> Json:
    content: Json = operation["responses"]["200"].get("content", {})
    return dict(content.get("application/json", {}).get("schema", {}))


def _fields(schema: Json, shapes: Json, above: str = "", shown: dict[str, str] | None = None) -> Iterator[str]:
    """Yield a row for every field, those of the objects inside after the field that holds them first."""
    shown = {} if shown is None else shown
    for name, field in shapes.get(_name_of(schema), {}).get("properties", {}).items():
        inner = next((one for one in _parts(field) if "$ref" in one), {})
        is_list = any(one.get("type") == "array" for one in (field, *field.get("anyOf", ())))
        dotted = f"{above}{name}{'[]' if is_list else ''}"
        first = shown.setdefault(_name_of(inner), dotted) if inner else dotted
        said = field.get("description", "") + ("" if first == dotted else f" Fields as in `{first}`.")
        example = next(iter(field.get("examples", ())), "")
        yield (
            f"<tr><td><code>{escape(dotted)}</code></td><td>{_inline(said.strip())}</td>"
            f"<td>{_example(example)}</td></tr>"
        )
        if inner and first == dotted:
            yield from _fields(inner, shapes, f"{dotted}.", shown)


def _parts(field: Json) -> Iterator[Json]:
    """Yield the schemas that a field is made of: its own, alternatives, and those of a list."""
    yield field
    for one in (*field.get("anyOf", ()), *([field["items"]] if "items" in field else ())):
        yield from _parts(one)


def _name_of(schema: Json) -> str:
    return str(schema.get("$ref", "")).rpartition("/")[2]


def _table(heads: Iterable[str], rows: str) -> str:
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return f'<div class="scroll" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _prose(text: str) -> str:
    """Return text with its paragraphs and lists as HTML; it is our own, and escaped all the same."""
    blocks = []
    for block in text.strip().split("\n\n"):
        if block.startswith("* "):
            points = " ".join(block.split()).removeprefix("* ").split(" * ")
            blocks.append("<ul>" + "".join(f"<li>{_inline(point)}</li>" for point in points) + "</ul>")
        else:
            blocks.append(f"<p>{_inline(block)}</p>")
    return "".join(blocks)


def _inline(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _example(value: object) -> str:
    return f"<code>{escape(_text(value))}</code>" if value not in ("", None) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _anchor(path: str) -> str:
    return "route" + "".join(one if one.isalnum() else "-" for one in path)
