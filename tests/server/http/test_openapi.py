"""The description of the API is whole, valid, and about the routes there are."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from skysentry_trio.base.exceptions import ProtocolViolation
from skysentry_trio.server.http.direct_routes import ROUTES
from skysentry_trio.wire.identity import check_camera_id
from tests.server.http.rest_harness import DESCRIPTION, Site


def references_in(value: Any) -> Iterator[str]:
    """Find every $ref in a description."""
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            yield reference
        for inner in value.values():
            yield from references_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references_in(inner)


async def test_every_route_is_described_and_every_description_has_a_route() -> None:
    """A route without a description fails here, as does a description without a route."""
    routes = defaultdict[str, set[str]](set)
    for rule in Site().app.url_map.iter_rules():
        if rule.rule.startswith("/api"):
            path = re.sub(r"<(\w+)>", r"{\1}", rule.rule).replace("camera_id", "clientId")
            routes[path] |= {method.lower() for method in rule.methods or ()}
    described = {path: set(operations) for path, operations in DESCRIPTION["paths"].items()}

    served = {route: methods - {"head", "options"} for route, methods in routes.items()}
    assert all("head" in methods for methods in routes.values() if "get" in methods)
    direct = {path: methods for path, methods in ROUTES.items() if path.startswith("/api")}
    assert described == direct | served


def test_every_schema_is_one() -> None:
    """The schemas are valid JSON Schema 2020-12, as OpenAPI 3.1 has it, and forbid nothing they should not."""
    assert DESCRIPTION["components"]["schemas"]
    for schema in DESCRIPTION["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere() -> None:
    """No reply refers to a schema that is not there, and none is there for nothing."""
    schemas = {f"#/components/schemas/{name}" for name in DESCRIPTION["components"]["schemas"]}

    assert set(references_in(DESCRIPTION)) == schemas


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_every_operation_says_what_clients_need(path: str) -> None:
    """A summary, a reply that is good, and each parameter of the path."""
    for operation in DESCRIPTION["paths"][path].values():
        assert operation["summary"]
        assert {"200", "201", "202", "204"} & set(operation["responses"])
        assert all(response["description"] for response in operation["responses"].values())
        in_path = [one["name"] for one in operation.get("parameters", []) if one["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", path)


@pytest.mark.parametrize("camera_id", ["a", "front-door", "A.b_c-1", "x" * 64, "", "a/b", "x" * 65, "\u00e9", "a\n"])
def test_the_pattern_of_ids_is_the_rule(camera_id: str) -> None:
    """What the description says of ids is what the server checks."""
    (parameter,) = DESCRIPTION["paths"]["/api/clients/{clientId}/latest"]["get"]["parameters"]
    described = Draft202012Validator(parameter["schema"]).is_valid(camera_id) and not camera_id.endswith("\n")
    try:
        check_camera_id(camera_id)
        taken = True
    except ProtocolViolation:
        taken = False

    assert described == taken


def test_the_description_says_which_version_it_is_of() -> None:
    """OpenAPI 3.1, and the version of this package."""
    assert DESCRIPTION["openapi"] == "3.1.0"
    assert DESCRIPTION["info"]["version"]
