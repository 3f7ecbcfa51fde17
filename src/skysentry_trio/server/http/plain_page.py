"""Write the pages that have to work at every address and without the built pages: a heading, a sentence and links."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from attrs import frozen

STYLE: Final = "plain.css"
"""The address of the style, from the top of the server."""
_PAGE: Final = """\
<!doctype html>
<html lang="{language}">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <meta name="color-scheme" content="light dark">
    <title>{title} · SkySentry</title>
    <link rel="stylesheet" href="{home}{style}">
  </head>
  <body>
    <main class="narrow">
      <p class="brand"><img src="{home}icons/viewer.svg" width="32" height="32" alt=""> SkySentry</p>
      <div class="card">
        <h1>{heading}</h1>
        <p>{text}</p>
        <ul class="links">
{links}
        </ul>
      </div>
    </main>
  </body>
</html>
"""
_LINK: Final = '          <li><a class="button{kind}" href="{address}">{words}</a></li>'


@frozen
class PlainWords:
    """The words of a page in one language, as HTML."""

    title: str
    heading: str
    text: str
    links: Sequence[str]
    """The words on each link; the first link is the one that most people want."""


def write_plain_page(words: PlainWords, addresses: Sequence[str], *, depth: int, language: str) -> str:
    """Return the page as HTML.

    Args:
        words: in the language.
        addresses: where the links lead, from the top of the server; one for each link.
        depth: number of slashes in the quoted path of the request. A proxy may have removed a prefix that the server
            does not know, so the links are relative to this path.
        language: one of `LANGUAGES`.
    """
    home = "../" * (depth - 1) or "./"
    links = [
        _LINK.format(kind="" if number else " button--main", address=f"{home}{address}", words=text)
        for number, (address, text) in enumerate(zip(addresses, words.links, strict=True))
    ]
    return _PAGE.format(
        home=home,
        style=STYLE,
        language=language,
        title=words.title,
        heading=words.heading,
        text=words.text,
        links="\n".join(links),
    )
