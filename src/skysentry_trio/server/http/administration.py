"""Keys, users, links and connections, for administrators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

import msgspec
from quart import Blueprint, Response

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.base.principal import Action, Principal
from skysentry_trio.server.access.changes import NotAllowed
from skysentry_trio.server.access.records import KeyRecord, UserRecord
from skysentry_trio.server.access.sessions import audit
from skysentry_trio.server.access.start import AccessSetup
from skysentry_trio.server.http.current import CurrentHub, current_request
from skysentry_trio.server.http.gathering import gather_answers
from skysentry_trio.server.http.json_bodies import json_response, read_json
from skysentry_trio.server.transport.other_servers import NO_OTHER_SERVERS, OtherServers
from skysentry_trio.wire.administration import (
    ConnectionReply,
    KeyReply,
    KeyRequest,
    KeysReply,
    LinkReply,
    LinkRequest,
    NewKeyReply,
    SessionsReply,
    UserReply,
    UserRequest,
    UsersReply,
)
from skysentry_trio.wire.link_address import link_address
from skysentry_trio.wire.messages import to_milliseconds, to_seconds

T = TypeVar("T")

_replies: Final = msgspec.json.Decoder(SessionsReply)


def create_administration(  # noqa: PLR0915 - one statement for each step of each route
    current_hub: CurrentHub, setup: AccessSetup, others: OtherServers = NO_OTHER_SERVERS
) -> Blueprint:
    """Return the routes for administrators, under ``/api``.

    Args:
        current_hub: returns the hub, limited to what the principal of the current request may do.
        setup: the rules, and what changes them.
        others: the other servers of a cluster.
    """
    administration, access, editor = (
        Blueprint("administration", __name__, url_prefix="/api"),
        setup.access,
        setup.editor,
    )

    async def change(make: Callable[[], T]) -> T:
        try:
            changed = await setup.change(make)
        except NotAllowed as error:
            raise ProtocolViolation(str(error), "bad-request") from None
        # The next request, which may come at once, is to find the change.
        setup.watcher.look()
        return changed

    def require_admin() -> Principal:
        """Return the administrator who makes the request.

        An open server has no administrators: otherwise everybody could give themselves a key for later.

        Raises:
            ProtocolViolation: with code ``forbidden``.
        """
        hub = current_hub()
        hub.require(Action.ADMIN)
        if access.is_open:
            raise ProtocolViolation(
                "this server is open to everybody; make the first key with skysentry-trio key add", "forbidden"
            )
        return hub.principal

    @administration.get("/keys")
    async def get_keys() -> Response:
        require_admin()
        return json_response(KeysReply([_describe_key(key) for key in access.records.keys]))

    @administration.post("/keys")
    async def post_key() -> Response:
        admin = require_admin()
        asked = await read_json(KeyRequest)
        made = await change(partial(editor.add_key, asked.name, asked.allow, to_seconds(asked.expires_at)))
        audit.info("key made", who=admin.name, key=made.record.id, name=made.record.name, allow=made.record.allow)
        record = _describe_key(made.record)
        reply = NewKeyReply(record.id, record.name, record.allow, record.created_at, record.expires_at, made.key)
        return json_response(reply, 201)

    @administration.delete("/keys/<key_id>")
    async def delete_key(key_id: str) -> Response:
        admin = require_admin()
        if (revoked := await change(partial(editor.revoke_key, key_id))) is None:
            raise ProtocolViolation("there is no key with this id; /api/keys lists them", "not-found")
        audit.info("key revoked", who=admin.name, key=revoked.id, name=revoked.name)
        return _no_content()

    @administration.get("/users")
    async def get_users() -> Response:
        require_admin()
        return json_response(UsersReply([_describe_user(user) for user in access.records.users]))

    @administration.post("/users")
    async def post_user() -> Response:
        admin = require_admin()
        asked = await read_json(UserRequest)
        user = await change(partial(editor.set_user, asked.name, asked.password, asked.allow))
        audit.info("user set", who=admin.name, user=user.name, allow=user.allow)
        return json_response(_describe_user(user), 201)

    @administration.delete("/users/<name>")
    async def delete_user(name: str) -> Response:
        admin = require_admin()
        if await change(partial(editor.remove_user, name)) is None:
            raise ProtocolViolation("there is no user with this name; /api/users lists them", "not-found")
        audit.info("user removed", who=admin.name, user=name)
        return _no_content()

    @administration.post("/links")
    async def post_link() -> Response:
        admin = require_admin()
        asked = await read_json(LinkRequest)
        if asked.action not in set(Action):
            raise ProtocolViolation(
                f"an action is one of {', '.join(Action)}, got {asked.action[:40]!a}", "bad-request"
            )
        action = Action(asked.action)
        make = partial(editor.make_link, issuer=access.fact_of(admin), once=asked.once)
        link = await change(partial(make, action, asked.camera_id, asked.expires_in))
        audit.info("link made", who=admin.name, action=action, camera=asked.camera_id, once=asked.once)
        url = link_address(current_request().base_url, action, asked.camera_id, link.token)
        return json_response(LinkReply(url, link.token, link.expires * 1000), 201)

    @administration.get("/sessions")
    async def get_sessions() -> Response:
        admin = require_admin()
        listed = [
            ConnectionReply(
                one.id,
                one.principal.name,
                one.principal.kind,
                one.role,
                one.camera_id,
                one.address,
                one.since * 1000,
            )
            for one in access.sessions
        ]
        answers, unreachable = await gather_answers(others, "/api/sessions", admin, _replies.decode)
        listed += [one for answer in answers.values() for one in answer.sessions]
        return json_response(SessionsReply(listed, unreachable or msgspec.UNSET))

    @administration.delete("/sessions/<session_id>")
    async def delete_session(session_id: str) -> Response:
        admin = require_admin()
        found = access.sessions.find(session_id)
        if found is None:
            raise ProtocolViolation("there is no such session; /api/sessions lists them", "not-found")
        audit.info("session ended", who=admin.name, session=session_id, of=found.principal.name)
        found.end("an administrator has ended the session")
        return _no_content()

    return administration


def _no_content() -> Response:
    response = Response(b"", 204)
    # A response without a body has neither of these two headers (RFC 9110 section 8.6).
    del response.headers["Content-Type"], response.headers["Content-Length"]
    return response


def _describe_key(key: KeyRecord) -> KeyReply:
    return KeyReply(key.id, key.name, key.allow, key.created * 1000, to_milliseconds(key.expires))


def _describe_user(user: UserRecord) -> UserReply:
    return UserReply(user.name, user.allow, user.created * 1000)
