"""The style of the small pages that the server writes itself: in both colour schemes, without a script."""

from __future__ import annotations

from typing import Final

PLAIN_STYLE: Final = """\
:root {
  color-scheme: light dark;
  --ground: #f3f5f8; --surface: #fff; --text: #18212b; --muted: #56616e; --line: #d6dce4; --control: #7d8896;
  --accent: #1d5fc2; --on-accent: #fff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #0e1217; --surface: #171c23; --text: #e7ebf0; --muted: #9fabb8; --line: #2a323c; --control: #6b7785;
    --accent: #7db0ff; --on-accent: #0b1830;
  }
}
body {
  margin: 0; background: var(--ground); color: var(--text);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
main { box-sizing: border-box; max-width: 42rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; overflow-wrap: anywhere; }
h1 { margin: 0 0 0.75rem; font-size: 1.5rem; line-height: 1.25; }
h2 { margin: 0 0 0.75rem; font-size: 1.15rem; line-height: 1.3; }
p { margin: 0 0 0.75rem; }
a { color: var(--accent); }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.card { padding: 1.25rem; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); }
.card > :last-child { margin-bottom: 0; }
.button {
  display: flex; box-sizing: border-box; align-items: center; justify-content: center; min-height: 2.75rem;
  padding: 0.5rem 1rem; border: 1px solid var(--control); border-radius: 8px; background: var(--surface);
  color: var(--text); font-weight: 500; text-align: center; text-decoration: none;
}
.button--main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.narrow { max-width: 26rem; padding-top: 12vh; }
.brand { display: flex; align-items: center; gap: 0.625rem; margin-bottom: 1rem; font-weight: 650; }
.links { display: grid; gap: 0.625rem; margin: 1rem 0 0; padding: 0; list-style: none; }
"""
"""A page with a few links is ``narrow`` and has one card; a longer page has a card for each section."""
