"""Compares requests and answers with Immich's OpenAPI document, where there is one.

The environment variable IMMICH_OPENAPI names the document. It is not part
of this repository: without it, nothing is compared.

    problems = ApiDocument.from_environment().check(exchange)

An exchange is anything with the attributes of `piuploader.sandbox.world.Exchange`.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

_ROOT = "urn:immich"


class ExchangeLike(Protocol):
    """What is compared: a request and its answer, bodies already read."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def request_type(self) -> str: ...
    @property
    def request(self) -> Any: ...
    @property
    def status(self) -> int: ...
    @property
    def response_type(self) -> str: ...
    @property
    def response(self) -> Any: ...


def _formats() -> FormatChecker:
    checker = FormatChecker(formats=())

    @checker.checks("date-time", raises=ValueError)
    def is_moment(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    return checker


def _modern(node: Any, *, strict: bool, in_all_of: bool = False) -> Any:
    """Rewrite a schema of OpenAPI 3.0 as JSON Schema: nullable, and no unknown properties."""
    if isinstance(node, list):
        return [_modern(item, strict=strict) for item in node]
    if not isinstance(node, dict):
        return node
    new = {
        key: _modern(value, strict=strict, in_all_of=key == "allOf")
        for key, value in node.items()
        if key not in {"nullable", "example", "description", "deprecated", "properties"}
    }
    if "allOf" in node:
        new["allOf"] = [_modern(item, strict=strict, in_all_of=True) for item in node["allOf"]]
    if isinstance(node.get("properties"), dict):
        new["properties"] = {
            name: _modern(value, strict=strict) for name, value in node["properties"].items()
        }
        if strict and not in_all_of and "additionalProperties" not in node:
            new["additionalProperties"] = False
    if new.get("exclusiveMinimum") is True:
        new["exclusiveMinimum"] = new.pop("minimum")
    return {"anyOf": [new, {"type": "null"}]} if node.get("nullable") is True else new


class ApiDocument:
    """The API document, compiled once."""

    def __init__(self, path: Path, *, strict: bool = True) -> None:
        document = json.loads(path.read_text(encoding="utf-8"))
        self._paths: dict[str, Any] = document["paths"]
        self._schemas: dict[str, Any] = document["components"]["schemas"]
        self._strict = strict
        components = {
            name: _modern(schema, strict=strict) for name, schema in self._schemas.items()
        }
        resource = Resource(
            contents={"components": {"schemas": components}}, specification=DRAFT202012
        )
        self._registry: Registry[Any] = Registry().with_resource(_ROOT, resource)
        self._formats = _formats()
        self._validators: dict[str, Draft202012Validator] = {}
        # Literal paths before patterns: /trash/restore/assets is not /trash/{something}.
        self._routes = [
            (re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "$"), template)
            for template in sorted(self._paths, key=lambda template: template.count("{"))
        ]

    @classmethod
    def from_environment(cls, *, strict: bool = True) -> Self | None:
        """Return the document that IMMICH_OPENAPI names, or None."""
        place = os.environ.get("IMMICH_OPENAPI")
        return _loaded(cls, Path(place), strict) if place else None

    def check(self, exchange: ExchangeLike) -> list[str]:
        """Return all that is wrong with a request and its answer."""
        url = urlsplit(exchange.path)
        method, path = exchange.method.upper(), unquote(url.path.removeprefix("/api"))
        where = f"{method} {path}"
        operation, parts = self._operation(method, path)
        if operation is None:
            return [f"{where}: there is no such call"]
        found: list[str] = []
        if exchange.status >= 400:  # a refused request may well be wrong: that is the test
            found += _check_refusal(exchange)
        else:
            found += self._check_parameters(operation, "path", parts.items())
            found += self._check_parameters(operation, "query", parse_qsl(url.query))
            found += self._check_request(operation, exchange)
            found += self._check_response(operation, exchange)
        return [f"{where} {exchange.status}: {problem}" for problem in found]

    def check_all(self, exchanges: Iterable[ExchangeLike]) -> list[str]:
        """Return all that is wrong with many, each mistake once."""
        return list(dict.fromkeys(line for one in exchanges for line in self.check(one)))

    def _operation(self, method: str, path: str) -> tuple[dict[str, Any] | None, dict[str, str]]:
        for pattern, template in self._routes:
            if (match := pattern.match(path)) and method.lower() in self._paths[template]:
                return self._paths[template][method.lower()], match.groupdict()
        return None, {}

    def _check_parameters(
        self, operation: dict[str, Any], place: str, given: Iterable[tuple[str, str]]
    ) -> Iterator[str]:
        known = {one["name"]: one for one in operation.get("parameters", ()) if one["in"] == place}
        names = set()
        for name, text in given:
            names.add(name)
            if name not in known:
                yield f"unknown {place} parameter {name}"
                continue
            schema = self._followed(known[name]["schema"])
            if schema.get("type") == "array":
                schema = self._followed(schema["items"])
            yield from self._errors(schema, _read(schema, text), f"{place} {name}")
        for name, one in known.items():
            if one.get("required") and name not in names:
                yield f"missing {place} parameter {name}"

    def _check_request(self, operation: dict[str, Any], exchange: ExchangeLike) -> Iterator[str]:
        body = operation.get("requestBody")
        if body is None:
            if exchange.request not in (None, {}):
                yield "a body where none is expected"
            return
        kind = exchange.request_type.partition(";")[0]
        if kind not in body["content"]:
            if exchange.request is not None or body.get("required"):
                yield f"content type {kind!r} is not one of {', '.join(body['content'])}"
            return
        schema, value = body["content"][kind]["schema"], exchange.request
        if value is None:  # answered before the body was read
            return
        if kind == "multipart/form-data":
            value = self._form(schema, value)
        yield from self._errors(schema, value, "request")

    def _form(self, schema: dict[str, Any], fields: dict[str, str | None]) -> dict[str, Any]:
        """Read a form's texts as the types that the document names; a file passes as text."""
        known = self._followed(schema).get("properties", {})
        return {
            name: "" if text is None else _read(self._followed(known.get(name, {})), text)
            for name, text in fields.items()
        }

    def _check_response(self, operation: dict[str, Any], exchange: ExchangeLike) -> Iterator[str]:
        answer = operation["responses"].get(str(exchange.status))
        if answer is None:
            yield f"status is not one of {', '.join(operation['responses'])}"
            return
        content = answer.get("content", {})
        if not content:
            if exchange.response is not None:
                yield "an answer where none is expected"
        elif exchange.response_type in content:
            schema = content[exchange.response_type]["schema"]
            yield from self._errors(schema, exchange.response, "answer")
        elif "application/octet-stream" not in content:
            yield f"answer's content type {exchange.response_type} is not one of {list(content)}"

    def _errors(self, schema: dict[str, Any], value: Any, where: str) -> Iterator[str]:
        key = json.dumps(schema, sort_keys=True)
        validator = self._validators.get(key)
        if validator is None:
            rooted = _rooted(_modern(schema, strict=self._strict))
            validator = Draft202012Validator(
                rooted, registry=self._registry, format_checker=self._formats
            )
            self._validators[key] = validator
        for error in validator.iter_errors(value):
            yield f"{where} at {error.json_path}: {error.message[:300]}"

    def _followed(self, schema: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema


def _rooted(node: Any) -> Any:
    """Let a schema's references point into the document."""
    if isinstance(node, list):
        return [_rooted(item) for item in node]
    if isinstance(node, dict):
        return {
            key: f"{_ROOT}{value}" if key == "$ref" else _rooted(value)
            for key, value in node.items()
        }
    return node


def _read(schema: dict[str, Any], text: str) -> Any:
    match schema.get("type"):
        case "integer" if re.fullmatch(r"-?\d+", text):
            return int(text)
        case "boolean" if text in {"true", "false"}:
            return text == "true"
        case "array" | "object":
            try:
                return json.loads(text)
            except ValueError:
                return text
    return text


def _check_refusal(exchange: ExchangeLike) -> Iterator[str]:
    body = exchange.response
    if not (isinstance(body, dict) and isinstance(body.get("message"), str)):
        yield f"a refusal without a message: {body!r}"


@cache
def _loaded(cls: type[ApiDocument], path: Path, strict: bool) -> Any:  # noqa: FBT001
    return cls(path, strict=strict)
