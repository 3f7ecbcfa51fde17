"""The relays that are measured, and the loads."""

from __future__ import annotations

from attrs import evolve, frozen

OURS = "skysentry-trio"
LARGE_RING = "skysentry-trio-600"
"""Ours, with a ring of 600 frames instead of 16."""
OWN_LOAD = "skysentry-trio-own-load"
"""Ours, with cameras that send envelopes and viewers that acknowledge every frame, as our own programs do."""
_SERVE = ("-m", "skysentry_trio", "serve", "--port", "0", "--log-level", "info")
PEERS: dict[str, tuple[str, ...]] = {
    OURS: _SERVE,
    LARGE_RING: (*_SERVE, "--buffer-size", "600"),
    OWN_LOAD: _SERVE,
    "picows": ("-m", "benchmarks.peers.with_picows"),
    "websockets": ("-m", "benchmarks.peers.with_websockets"),
    "aiohttp": ("-m", "benchmarks.peers.with_aiohttp"),
    "trio-websocket": ("-m", "benchmarks.peers.with_trio_websocket"),
    "quart": ("-m", "benchmarks.peers.with_quart"),
}
"""Arguments of the Python interpreter that start each relay."""
TITLES = {
    OURS: "skysentry-trio",
    LARGE_RING: "skysentry-trio --buffer-size 600",
    OWN_LOAD: "skysentry-trio with envelopes and acknowledgements",
    "picows": "picows on uvloop",
    "websockets": "websockets broadcast() on uvloop",
    "aiohttp": "aiohttp, a queue of 2 per viewer",
    "trio-websocket": "trio-websocket, send_message per viewer",
    "quart": "Quart WebSocket on Hypercorn",
}
_FAST = (OURS, "picows", "websockets", "aiohttp")
_ALL = (*_FAST, "trio-websocket", "quart")
_OWN = (OURS, OWN_LOAD)


@frozen
class Scenario:
    """One load."""

    title: str
    cameras: int
    viewers: int
    fps: float = 30.0
    frame_size: int = 50_000
    peers: tuple[str, ...] = _FAST
    windows: tuple[float, ...] = (6.0,)
    """Durations of the measured windows, in seconds."""
    pause: float = 0.0
    """Seconds between two windows."""
    slow_viewer: bool = False
    """Whether one more viewer, which reads at a third of the rate, joins in the last window."""
    rest_rate: float = 0.0
    """Requests a second for the latest frame, in the last window."""
    multipart: bool = False
    """Whether viewers speak HTTP instead of WebSocket."""
    viewers_replaced: bool = False
    """Whether new viewers replace all viewers before the second window, and before each later one."""

    def shortened(self) -> Scenario:
        """Return this scenario with short windows and without the slow relays, for a first impression."""
        windows = tuple(min(seconds, 5.0 if self.slow_viewer else 2.0) for seconds in self.windows)
        peers = tuple(peer for peer in self.peers if peer in (*_FAST, LARGE_RING, OWN_LOAD))
        return evolve(self, peers=peers, windows=windows, pause=min(self.pause, 2.0))


SCENARIOS = {
    "1x50": Scenario("1 camera, 50 viewers", 1, 50, peers=_ALL),
    "mjpeg": Scenario("1 camera, 50 viewers of Motion JPEG over HTTP", 1, 50, peers=(OURS,), multipart=True),
    "1x200": Scenario("1 camera, 200 viewers", 1, 200, peers=(*_FAST, "trio-websocket")),
    # At 30 fps the server would send 1.5 GB a second, and with two processors the memory would be the limit.
    "1x1000": Scenario("1 camera, 1000 viewers", 1, 1000, fps=20.0),
    "20x1": Scenario("20 cameras, 1 viewer", 20, 1, peers=_ALL),
    "20x20": Scenario("20 cameras, 20 viewers", 20, 20),
    "ingest-20": Scenario("20 cameras, no viewer", 20, 0, peers=_ALL),
    "ingest-200": Scenario("200 cameras at 20 fps, no viewer", 200, 0, fps=20.0),
    # Other relays have neither envelopes nor acknowledgements.
    "own-50": Scenario("1 camera, 50 viewers, without and with envelopes and acknowledgements", 1, 50, peers=_OWN),
    "own": Scenario("1 camera, 200 viewers, without and with envelopes and acknowledgements", 1, 200, peers=_OWN),
    "own-ingest": Scenario("20 cameras, no viewer, without and with envelopes", 20, 0, peers=_OWN),
    "10kB": Scenario("1 camera, 200 viewers, frames of 10 kB", 1, 200, frame_size=10_000),
    "500kB": Scenario("1 camera, 50 viewers, frames of 500 kB", 1, 50, frame_size=500_000),
    "slow": Scenario(
        "1 camera, 50 viewers, then one more that reads at a third of the rate",
        1,
        50,
        peers=(*_FAST, "trio-websocket"),
        windows=(10.0, 20.0),
        slow_viewer=True,
    ),
    "idle": Scenario("5000 viewers, no camera", 0, 5000, peers=(*_FAST, "trio-websocket")),
    "rest": Scenario(
        "1 camera, 10 viewers, then 100 requests a second for latest.jpg",
        1,
        10,
        # Without Quart on Hypercorn: at this rate it did not answer a request within ten seconds, so the run failed.
        peers=(OURS, "aiohttp"),
        windows=(6.0, 6.0),
        rest_rate=100.0,
    ),
    "ring": Scenario(
        "1 camera, 50 viewers, rings of 16 and of 600 frames, when both are full",
        1,
        50,
        peers=(OURS, LARGE_RING),
        windows=(1.0, 6.0),
        pause=20.0,
    ),
    # The kernel's cost of a connection changes during its first half minute, so both windows have new viewers, and only
    # the server is older in the second one. The server pings all viewers once in each window.
    "long": Scenario(
        "1 camera, 50 viewers in the first third of a minute and 50 others in the last third",
        1,
        50,
        peers=(OURS,),
        windows=(20.0, 20.0),
        pause=20.0,
        viewers_replaced=True,
    ),
}
QUICK = ("1x50", "1x200", "ingest-20")
