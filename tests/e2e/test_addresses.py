"""The address that the guide gives works on a machine without IPv6, too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.e2e.processes import PATIENCE

# This is about the sockets of one process.
pytestmark = [pytest.mark.e2e, pytest.mark.one_server]

SCRIPT = """
ip link set lo up
sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.lo.disable_ipv6=1
"$0" -m skysentry_trio serve --host :: --open --port 8080 &
until curl --silent --max-time 5 http://127.0.0.1:8080/api/ready; do sleep 0.2; done
kill $!
wait
"""


def test_the_wildcard_is_reached_without_ipv6() -> None:
    """With IPv6 turned off by sysctl, ``--host ::`` is served over IPv4, and the log says so."""
    tools = ("ip", "sysctl", "unshare", "curl")
    if (os.geteuid() != 0 or not all(map(shutil.which, tools))) and "CI" not in os.environ:
        pytest.skip(f"no root or not all of {', '.join(tools)} on this machine")

    command = ["unshare", "--net", "sh", "-c", SCRIPT, sys.executable]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)

    assert (done.returncode, done.stdout.strip()) == (0, '{"ready":true}')
    assert "serving IPv4 only" in done.stderr
