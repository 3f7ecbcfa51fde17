"""Bars as SVG: one panel for each question, one group for each load, one bar for each relay."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from attrs import frozen

from benchmarks.report import Results
from benchmarks.scenarios import OURS, SCENARIOS, TITLES

_WIDTH, _LABELS, _VALUES = 860, 280, 60
_BAR, _STEP = 13, 19
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .panel { font-size: 16px; font-weight: 600 }
  .load, .value { fill: #59636e }
  .ours { font-weight: 600 }
  rect { fill: #9aa4ae }
  rect.ours { fill: #0969da }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .load, .value { fill: #9da7b1 }
    rect { fill: #656d76 }
    rect.ours { fill: #4493f8 }
  }
"""


@frozen
class _Panel:
    title: str
    figure: str
    scenarios: tuple[str, ...]
    form: str


_PANELS = (
    _Panel("CPU time for each frame delivered, µs", "cpu_us_per_delivered", ("1x50", "1x200", "1x1000"), "{:.1f}"),
    _Panel("CPU time for each frame taken in, µs", "cpu_us_per_ingested", ("ingest-20", "ingest-200"), "{:.0f}"),
    _Panel("Age of what a slow viewer sees after 20 s, seconds", "slow_viewer_lag_s", ("slow",), "{:.2f}"),
)


def draw(results: Results) -> str:
    """Return the plot as SVG, without the panels and loads that were not measured. Less is better in all panels."""
    parts: list[str] = []
    y = 0
    for panel in _PANELS:
        loads = {
            name: bars
            for name in panel.scenarios
            if (bars := {peer: one[panel.figure] for peer, one in results.get(name, {}).items() if panel.figure in one})
        }
        if not loads:
            continue
        longest = max(value for bars in loads.values() for value in bars.values())
        y += 34
        parts.append(f'<text class="panel" x="12" y="{y}">{escape(panel.title)}</text>')
        for name, bars in loads.items():
            y += 24
            scenario = SCENARIOS[name]
            load = f"{scenario.title}, {scenario.fps:g} fps of {scenario.frame_size // 1000} kB"
            if f"at {scenario.fps:g} fps" in scenario.title:
                load = f"{scenario.title}, {scenario.frame_size // 1000} kB"
            parts.append(f'<text class="load" x="12" y="{y}">{escape(load)}</text>')
            y += 8
            y = _draw_bars(parts, y, bars, longest, panel.form)
        y += 6
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {y + 12}" role="img">\n'
        f"<title>Server CPU and viewer lag of relays, side by side</title>\n<style>{_STYLE}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _draw_bars(parts: list[str], y: int, bars: Mapping[str, float], longest: float, form: str) -> int:
    """Add the bars of one load to ``parts``, below ``y``; return the y where they end."""
    for peer, value in bars.items():
        kind = ' class="ours"' if peer == OURS else ""
        width = max(1.0, value / longest * (_WIDTH - _LABELS - _VALUES - 24))
        text = y + _BAR - 2
        parts.append(f'<text{kind} x="{_LABELS}" y="{text}" text-anchor="end">{escape(TITLES[peer])}</text>')
        parts.append(f'<rect{kind} x="{_LABELS + 10}" y="{y}" width="{width:.1f}" height="{_BAR}" rx="2"/>')
        parts.append(f'<text class="value" x="{_LABELS + 16 + width:.1f}" y="{text}">{form.format(value)}</text>')
        y += _STEP
    return y
