"""Everything that must be green, one session each; ``nox`` runs them all, ``nox -s tests`` one of them."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import nox

# That is the first with sessions at the same time.
nox.needs_version = ">=2026.10.20"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_existing_virtualenvs = True
# So the end of the output says what failed.
nox.options.stop_on_first_error = True
# The pages come before what is tested with them. The session `docs` is part of `tests`.
nox.options.sessions = ["checks", "tests", "dist"]

# As pip does, npm trusts what the system trusts, such as the certificate of a proxy that opens TLS.
os.environ.setdefault("NODE_USE_SYSTEM_CA", "1")

ROOT = Path(__file__).parent
GENERATED = ("settings", "command-line")
OF_CLUSTERS = ("tests/e2e/test_cluster_*.py", "tests/e2e/test_links.py")
"""End-to-end tests that start a cluster themselves."""
PYPROJECT = nox.project.load_toml(ROOT / "pyproject.toml")


def install_group(session: nox.Session, *groups: str) -> None:
    session.install(*nox.project.dependency_groups(PYPROJECT, *groups))


@nox.session(python=False)
def checks(session: nox.Session) -> None:
    """What needs no quiet machine, two sessions at a time; each shows its output when it has ended."""
    # The longest comes first; the others take turns beside it.
    chosen = ("frontend", "typing", "lint", "imports")
    session.run(sys.executable, "-m", "nox", "--parallel=2", "--session", *chosen, external=True)


@nox.session(allow_parallel=True)
def lint(session: nox.Session) -> None:
    """Form and frequent mistakes; `nox -s lint -- fix` mends what can be mended."""
    install_group(session, "lint")
    if "fix" in session.posargs:
        session.run("ruff", "check", "--fix", ".")
        session.run("ruff", "format", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("ruff", "check", ".")
    session.run("codespell")
    session.run("python", "docs/plain_english.py")


@nox.session(allow_parallel=True)
def imports(session: nox.Session) -> None:
    """Imports point one way."""
    install_group(session, "imports")
    session.run("lint-imports", env={"PYTHONPATH": "src"})


@nox.session(allow_parallel=True)
def frontend(session: nox.Session) -> None:
    """Types, lint, tests and build of the web pages, with a Node.js that comes from PyPI."""
    install_group(session, "frontend")
    with session.chdir("frontend"):
        session.run("npm", "ci", "--ignore-scripts", "--include=dev", "--no-audit", "--no-fund", "--fetch-retries=5")
        session.run("npm", "run", "check")


@nox.session(allow_parallel=True)
def typing(session: nox.Session) -> None:
    """Types of the package, its tests and its build."""
    # The package is read where it is; to install it builds the pages, which `frontend` may be doing.
    session.install(*PYPROJECT["project"]["dependencies"], *PYPROJECT["project"]["optional-dependencies"]["capture"])
    install_group(session, "test", "typing", "bench")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """All tests of the package, real processes and browsers included; arguments after `--` choose some."""
    session.install("-e", ".[capture]")
    install_group(session, "test")
    if session.posargs:
        session.run("python", "-m", "pytest", *session.posargs)
        return
    # Quick tests wait, too: for disks, threads and short timers. So two processors have room for a third process.
    run_twice_what_fails(session, 3, "-m", "not e2e")
    # Tests with real processes mostly wait. Those that measure times share the machine with one other.
    run_twice_what_fails(session, 3, "-m", "e2e and not timed", "--durations=40")
    run_twice_what_fails(session, 2, "-m", "e2e and timed")


def run_twice_what_fails(session: nox.Session, processes: int, *choice: str) -> None:
    """Run a choice of tests in a number of processes, and then run the failed tests again, without others beside them.

    The processors of machines that run tests are at times busy with something else for seconds. So what fails once is
    listed, and what fails twice is broken.
    """
    pytest, failed = ("python", "-m", "pytest"), 1
    shutil.rmtree(".pytest_cache", ignore_errors=True)
    session.run(*pytest, f"--numprocesses={processes}", "--dist=worksteal", *choice, success_codes=[0, failed])
    if Path(".pytest_cache/v/cache/lastfailed").exists():
        session.run(*pytest, "--last-failed")


@nox.session
def coverage(session: nox.Session) -> None:
    """What of the package the quick tests reach; measuring it makes them almost twice as long."""
    session.install("-e", ".[capture]")
    install_group(session, "test")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", "--numprocesses=2", "--dist=worksteal", "-m", "not e2e")
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation: its links, its completeness, its examples. `nox -s docs -- fix` writes the generated pages."""
    session.install("-e", ".")
    install_group(session, "test")
    if "fix" in session.posargs:
        for page in GENERATED:
            text = session.run("python", "docs/generate.py", page, silent=True, log=False)
            Path("docs/reference", f"{page}.md").write_text(str(text), "utf-8")
    session.run("pytest", "tests/test_docs.py")


@nox.session
def dist(session: nox.Session) -> None:
    """What is published: a wheel made from the source distribution, installed where there is no Node.js."""
    install_group(session, "dist")
    shutil.rmtree("dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")
    session.run("twine", "check", "--strict", *map(str, sorted(Path("dist").iterdir())))
    (wheel,) = Path("dist").glob("*.whl")
    with tempfile.TemporaryDirectory() as folder:
        session.run(sys.executable, "-m", "venv", folder, external=True)
        programs = Path(folder, "bin")
        session.run(str(programs / "pip"), "install", "--quiet", str(wheel), external=True)
        try_out(session, programs)


@nox.session
def dev(session: nox.Session) -> None:
    """A demo server and the pages, reloaded when a file changes; ``nox -s dev -- --host ::`` for flags of `serve`.

    Open http://localhost:5173/. Vite serves the pages there, and forwards everything else to the server on port 8080.
    """
    session.install("-e", ".[capture]")
    install_group(session, "reload", "frontend")
    serve = shlex.join(["skysentry-trio", "serve", "--demo", "--shutdown-grace", "200ms", *session.posargs])
    watch = [str(Path(session.bin, "watchfiles")), "--filter", "python", "--sigint-timeout", "5", serve, "src"]
    with session.chdir("frontend"):
        if not Path("node_modules").is_dir():
            session.run("npm", "ci", "--ignore-scripts", "--include=dev")
    # nox's own `run` waits, and two programs have to run at the same time.
    environment = {**os.environ, "PATH": f"{session.bin}{os.pathsep}{os.environ['PATH']}"}
    with subprocess.Popen(watch, cwd=ROOT, env=environment) as reloading:
        try:
            with session.chdir("frontend"):
                session.run("npm", "run", "dev")
        finally:
            reloading.terminate()


@nox.session
def cluster(session: nox.Session) -> None:
    """The end-to-end tests of one server, with a cluster of three in its place; arguments after `--` choose some."""
    session.install("-e", ".[capture]")
    install_group(session, "test")
    ignored = [f"--ignore-glob={name}" for name in OF_CLUSTERS]
    chosen = session.posargs or ["tests/e2e", "-m", "e2e and not timed and not one_server", *ignored]
    session.env["TEST_NODES"] = "3"
    run_twice_what_fails(session, 2, *chosen)


@nox.session
def apps(session: nox.Session) -> None:
    """The packed npm package in fresh apps (Vite with React 18 and 19, Next.js), in Chromium; `-- next` for one."""
    session.install("-e", ".")
    install_group(session, "test", "frontend")
    session.run("python", "-m", "tests.apps", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Ours beside other relays: figures, no verdict. `nox -s bench -- --quick` for a first impression."""
    session.install("-e", ".")
    install_group(session, "bench")
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def fuzz(session: nox.Session) -> None:
    """Every parser against hostile input; `nox -s fuzz -- --seconds 5` is shorter, a parser's name chooses it."""
    session.install("-e", ".[jwt]")
    install_group(session, "fuzz")
    session.run("python", "-m", "tests.fuzz", *session.posargs)


@nox.session
def faults(session: nox.Session) -> None:
    """Attack the server and print a table; `-- --against COMMIT --write` compares and writes the documentation."""
    session.install("-e", ".")
    install_group(session, "bench")
    session.run("python", "-m", "benchmarks.faults", *session.posargs)


def try_out(session: nox.Session, programs: Path) -> None:
    """Serve the demo with nothing but what was installed, and look at it."""
    command = [str(programs / "skysentry-trio"), "serve", "--demo", "--port", "0", "--log-format", "json"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={"PATH": str(programs)}) as server:
        try:
            assert server.stderr is not None
            said = json.loads(server.stderr.readline())
            url = said["urls"][0]
            for page in ("/", "/capture", "/skysentry-viewer.js"):
                with urllib.request.urlopen(url + page, timeout=10) as answer:
                    session.log(f"{page}: {answer.status}, {len(answer.read())} bytes")
            deadline = time.monotonic() + 20
            while True:
                with urllib.request.urlopen(url + "/api/health", timeout=10) as answer:
                    health = json.load(answer)
                if health["onlineClients"] == 2 and health["framesReceived"]:
                    session.log(f"/api/health: {health['status']}, {health['onlineClients']} cameras")
                    return
                if time.monotonic() > deadline:
                    session.error(f"the two demo cameras did not come: {health}")
                time.sleep(0.2)
        finally:
            server.terminate()
            server.communicate(timeout=10)
