"""Let testssl.sh look for weaknesses in the TLS of a server: ``python -m benchmarks.testssl``, in about four minutes.

The server makes its own certificate. Nobody else trusts it, and it names no address at which it could be revoked, so
findings about this are not counted. Nor is it counted that pages are compressed (BREACH), because they are files that
hold no secret and repeat nothing of a request. Nor is it counted that the client chooses the cipher: all are strong.
The exit status is 1 if there is another serious finding.

Needs Debian's ``testssl.sh``.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from attrs import frozen

from benchmarks.faults.process import victim

_SERIOUS = {"MEDIUM", "HIGH", "CRITICAL", "FATAL"}
_NOT_COUNTED = {"BREACH", "cert_chain_of_trust", "cert_revocation", "cert_trust", "cipher_order"}
_TIMEOUT = 900.0


@frozen
class Finding:
    """One line of the report."""

    id: str
    severity: str
    text: str

    @property
    def is_serious(self) -> bool:
        """Whether this is a weakness of the server."""
        return self.severity in _SERIOUS and self.id.split(" ", maxsplit=1)[0] not in _NOT_COUNTED


def main() -> None:
    """Run testssl.sh, and print what is not as it should be.

    Raises:
        SystemExit: with status 1: a finding is serious, or there are no findings.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        with victim(sys.executable, "--tls-self-signed", "--state-dir", folder) as server:
            command = ["testssl", "--quiet", "--color", "0", "--warnings", "off", "--jsonfile", str(report)]
            subprocess.run([*command, f"https://127.0.0.1:{server.port}/"], check=False, timeout=_TIMEOUT)  # noqa: S603
        findings = [Finding(one["id"], one["severity"], one["finding"]) for one in json.loads(report.read_text())]
    for finding in findings:
        if finding.severity not in {"OK", "INFO"}:
            mark = "serious" if finding.is_serious else "not counted"
            sys.stdout.write(f"{finding.severity:<8} {finding.id}: {finding.text} ({mark})\n")
    if len(findings) < 50 or any(finding.is_serious for finding in findings):
        sys.exit(1)


if __name__ == "__main__":
    main()
