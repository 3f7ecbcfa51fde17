"""Run Firefox for Playwright: ``python bidi_relay.py FIREFOX [ARGUMENT]...``.

Playwright drives Firefox by WebDriver BiDi, in a newer version than Firefox ESR knows: it needs a command that is not
there yet, and ids of downloads. So it connects to this relay, which adds both and passes on everything else.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from typing import Final

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import Server, ServerConnection, serve

UNKNOWN: Final = frozenset({"emulation.setMediaFeaturesOverride"})
"""Commands that a test can do without: the pages are then as light or dark as the system."""

DOWNLOADS: Final = frozenset({"browsingContext.downloadWillBegin", "browsingContext.downloadEnd"})


def main() -> int:
    """Run Firefox until it ends; announce the address of the relay in the words in which Firefox announces its own."""
    servers: list[Server] = []
    with subprocess.Popen(sys.argv[1:], stderr=subprocess.PIPE, text=True) as firefox:
        assert firefox.stderr is not None
        for line in firefox.stderr:
            if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                servers.append(start(found[1]))
                port = servers[0].socket.getsockname()[1]
                line = line.replace(found[1], f"ws://127.0.0.1:{port}")  # noqa: PLW2901 (this line is passed on changed)
            sys.stderr.write(line)
            sys.stderr.flush()
    for server in servers:
        server.shutdown()
    return firefox.returncode


def start(firefox: str) -> Server:
    """Serve in threads, and connect each client to Firefox."""

    def relay(client: ServerConnection) -> None:
        assert client.request is not None
        with connect(f"{firefox}{client.request.path}", max_size=None, compression=None) as browser:
            threading.Thread(target=pass_answers, args=(browser, client), daemon=True).start()
            try:
                for message in client:
                    command = json.loads(message)
                    if command["method"] in UNKNOWN:
                        client.send(json.dumps({"type": "success", "id": command["id"], "result": {}}))
                    else:
                        browser.send(message)
            except ConnectionClosed:
                return

    server = serve(relay, "127.0.0.1", 0, max_size=None, compression=None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def pass_answers(browser: ClientConnection, client: ServerConnection) -> None:
    """Pass on what Firefox says until either side ends."""
    try:
        for message in browser:
            said = json.loads(message)
            if said.get("method") in DOWNLOADS:
                # Our pages save each file from an address of its own.
                said["params"].setdefault("download", said["params"]["url"])
            client.send(json.dumps(said))
    except ConnectionClosed:
        pass
    client.close()


if __name__ == "__main__":
    sys.exit(main())
