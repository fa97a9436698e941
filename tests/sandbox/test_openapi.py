"""The judge is judged: it must see what is wrong, else its silence means nothing."""

import json
from dataclasses import replace

import pytest

from piuploader.sandbox.world import Exchange
from tests.openapi import ApiDocument

THING = {
    "type": "object",
    "required": ["id", "when"],
    "properties": {
        "id": {"type": "string", "pattern": "^x"},
        "when": {"type": "string", "format": "date-time"},
        "note": {"type": "string", "nullable": True},
        "kind": {"allOf": [{"$ref": "#/components/schemas/Kind"}], "nullable": True},
    },
}
JSON_THING = {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}
DOCUMENT = {
    "paths": {
        "/things/{id}": {
            "put": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}},
                    {"name": "size", "in": "query", "schema": {"type": "integer", "minimum": 1}},
                ],
                "requestBody": {"required": True, "content": JSON_THING},
                "responses": {"200": {"content": JSON_THING}, "204": {}},
            }
        },
        "/form": {
            "post": {
                "requestBody": {
                    "content": {
                        "multipart/form-data": {
                            "schema": {
                                "type": "object",
                                "required": ["count", "file"],
                                "properties": {
                                    "count": {"type": "integer"},
                                    "file": {"type": "string", "format": "binary"},
                                },
                            }
                        }
                    }
                },
                "responses": {"204": {}},
            }
        },
    },
    "components": {
        "schemas": {"Thing": THING, "Kind": {"type": "string", "enum": ["a", "b"]}},
    },
}
GOOD = Exchange(
    method="PUT",
    path="/api/things/1?size=2",
    request_type="application/json",
    request={"id": "x1", "when": "2024-01-01T00:00:00Z", "kind": None},
    status=200,
    response_type="application/json",
    response={"id": "x1", "when": "2024-01-01T00:00:00Z", "note": None, "kind": "a"},
)
FORM = Exchange(
    method="POST",
    path="/api/form",
    request_type="multipart/form-data",
    request={"count": "3", "file": None},
    status=204,
    response_type="application/octet-stream",
    response=None,
)


@pytest.fixture
def document(tmp_path):
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    return ApiDocument(path)


def test_what_is_right_is_left_alone(document):
    assert document.check_all([GOOD, FORM]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"path": "/api/nothing"},
        {"method": "GET"},
        {"path": "/api/things/1?size=0"},
        {"path": "/api/things/1?size=two"},
        {"path": "/api/things/1?colour=red"},
        {"request": {"id": "x1"}},
        {"request_type": "text/plain"},
        {"request": GOOD.request | {"extra": 1}},
        {"response": GOOD.response | {"id": "1"}},
        {"response": GOOD.response | {"id": None}},
        {"response": GOOD.response | {"when": "yesterday"}},
        {"response": GOOD.response | {"when": "2024-01-01T00:00:00"}},
        {"response": GOOD.response | {"kind": "c"}},
        {"response": GOOD.response | {"extra": 1}},
        {"response_type": "text/html"},
        {"status": 201},
        {"status": 204},
        {"status": 400, "response": {"error": "no message"}},
    ],
    ids=str,
)
def test_what_is_wrong_is_seen(document, change):
    assert document.check(replace(GOOD, **change)) != []


@pytest.mark.parametrize("fields", [{"count": "three", "file": None}, {"count": "3"}])
def test_a_wrong_form_is_seen(document, fields):
    assert document.check(replace(FORM, request=fields)) != []


def test_unknown_properties_may_be_tolerated(tmp_path):
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    lenient = ApiDocument(path, strict=False)
    assert lenient.check(replace(GOOD, request=GOOD.request | {"extra": 1})) == []
