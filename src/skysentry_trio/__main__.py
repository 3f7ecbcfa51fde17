"""``python -m skysentry_trio`` is ``skysentry-trio``."""

from skysentry_trio.cli.main import main

main()
