"""Memory that each library adds to our server when it is imported."""

from __future__ import annotations

import json
import subprocess
import sys

_PARTS = (
    ("asyncio and ssl, which several libraries import", ("asyncio", "ssl")),
    ("attrs, msgspec, click", ("attrs", "msgspec", "click")),
    ("structlog", ("structlog",)),
    ("trio", ("trio",)),
    ("trio-websocket, wsproto, the unmasking of websockets", ("trio_websocket", "websockets.speedups")),
    ("hypercorn", ("hypercorn.trio.tcp_server",)),
    ("quart, quart-trio", ("quart", "quart_trio")),
    ("skysentry-trio", ("skysentry_trio.cli.main", "skysentry_trio.cli.serve")),
)
_SCRIPT = """
import importlib, json, re, sys
def resident():
    return int(re.search(r"VmRSS:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
sizes = [resident()]
for modules in json.loads(sys.argv[1]):
    for module in modules:
        importlib.import_module(module)
    sizes.append(resident())
print(json.dumps(sizes))
"""


def memory_of_imports() -> dict[str, float]:
    """Import the parts in order in a new interpreter; return the resident memory that each adds, in 10^6 bytes.

    A module that two parts import counts for the first.
    """
    modules = json.dumps([modules for _, modules in _PARTS])
    arguments = [sys.executable, "-c", _SCRIPT, modules]
    sizes = json.loads(subprocess.run(arguments, check=True, capture_output=True).stdout)  # noqa: S603  (our own text)
    parts = {"Python": sizes[0] / 1e6}
    for (title, _), before, after in zip(_PARTS, sizes, sizes[1:], strict=False):
        parts[title] = (after - before) / 1e6
    return {title: round(size, 1) for title, size in parts.items()}
