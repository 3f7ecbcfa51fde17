"""Join what several servers say about their recordings, so that a cluster answers as one server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from skysentry_trio.wire.history import AgeingReply, NextDeletionReply, RecordedCameraReply, RecordingReply


def join_recordings(replies: Mapping[str, RecordingReply]) -> RecordingReply:
    """Return one reply for several servers: sums, and of free space the least.

    Args:
        replies: of at least one server, by the name of its node; "" for this server.
    """
    several = list(replies.values())
    troubles = [
        f"node {node_id}: {reply.trouble}" if node_id else reply.trouble
        for node_id, reply in replies.items()
        if reply.trouble is not None
    ]
    joined = RecordingReply(
        all(reply.recording for reply in several),
        "; ".join(troubles) or None,
        join_cameras(camera for reply in several for camera in reply.cameras),
    )
    figures = [reply for reply in several if reply.bytes_free is not UNSET]
    if not figures:
        return joined

    def of_all(name: str) -> list[Any]:
        return [getattr(reply, name) for reply in figures]

    return replace(
        joined,
        **{name: sum(of_all(name)) for name in ("frames_written", "frames_dropped", "frames_missed", "bytes_waiting")},
        bytes_free=min(of_all("bytes_free")),
        next_deletion=_first_deletion(of_all("next_deletion")),
        ageing=_join_ageing(of_all("ageing")),
    )


def join_cameras(cameras: Iterable[RecordedCameraReply]) -> list[RecordedCameraReply]:
    """Return what each camera has on all servers, in the order of the ids; a camera that has moved is on several."""
    found = dict[str, RecordedCameraReply]()
    for one in cameras:
        known = found.get(one.client_id)
        found[one.client_id] = (
            one
            if known is None
            else replace(
                known,
                segments=known.segments + one.segments,
                frames=known.frames + one.frames,
                bytes=known.bytes + one.bytes,
                protected_bytes=known.protected_bytes + one.protected_bytes,
                oldest_at=min(known.oldest_at, one.oldest_at),
                newest_at=max(known.newest_at, one.newest_at),
                next_deletion=_first_deletion([known.next_deletion, one.next_deletion]),
            )
        )
    return [found[camera_id] for camera_id in sorted(found)]


def _first_deletion(deletions: Iterable[NextDeletionReply | None]) -> NextDeletionReply | None:
    # All moments are written in the same form, so that they are in the order of time as texts.
    return min((one for one in deletions if one is not None), key=lambda one: one.at, default=None)


def _join_ageing(replies: list[AgeingReply]) -> AgeingReply:
    return AgeingReply(
        replies[0].rules,
        sum(reply.waiting for reply in replies),
        sum(reply.frames_dropped for reply in replies),
        sum(reply.bytes_freed for reply in replies),
    )
