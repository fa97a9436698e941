"""The system configuration: a whole document, checked as a whole."""

from typing import Any

from piuploader.sandbox.web import Call, Problems, Refusal, Route
from piuploader.sandbox.world import DEFAULT_CONFIG, packaged

_RULES = packaged(
    "system-config-rules.json"
)  # path -> what the value must be, from the API document
_OPTIONAL = frozenset(f"image.{kind}.progressive" for kind in ("fullsize", "preview", "thumbnail"))
_TYPE_NAMES = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}


def _checked(given: dict[str, Any], model: dict[str, Any], path: list[str], found: Problems) -> Any:
    """Return the known part of a document, and note what is missing or wrong."""
    known = {}
    for name, default in model.items():
        here = [*path, name]
        value = given.get(name)
        if value is None and ".".join(here) in _OPTIONAL:
            known[name] = default
        elif isinstance(default, dict):
            if isinstance(value, dict):
                known[name] = _checked(value, default, here, found)
            else:
                found.expected(here, "object", value)
        else:
            _check_value(here, value, default, found, present=name in given)
            known[name] = value
    return known


def _check_value(
    path: list[str], value: object, default: object, found: Problems, *, present: bool
) -> None:
    rule = _RULES.get(".".join(path), {})
    if value is None:
        if not (present and rule.get("nullable")):
            found.expected(path, _TYPE_NAMES.get(type(default), "number"), None)
    elif "enum" in rule:
        found.one_of(path, value, rule["enum"])
    elif isinstance(value, bool) or rule.get("integer") or isinstance(default, int | float):
        _check_number(path, value, default, rule, found)
    elif type(value) is not type(default):
        found.expected(path, _TYPE_NAMES.get(type(default), "string"), value)
    elif isinstance(value, list) and "items" in rule:
        for item in value:
            found.one_of(path, item, rule["items"])


def _check_number(
    path: list[str], value: object, default: object, rule: dict[str, Any], found: Problems
) -> None:
    if isinstance(value, bool) or isinstance(default, bool):
        if type(value) is not type(default):
            found.expected(path, _TYPE_NAMES.get(type(default), "number"), value)
    elif not isinstance(value, int | float):
        found.expected(path, "number", value)
    elif rule.get("integer") and not isinstance(value, int):
        found.add(path, "Invalid input: expected int, received number")
    elif value < rule.get("minimum", value):
        found.add(path, f"Too small: expected number to be >={rule['minimum']}", "too_small")
    elif value > rule.get("maximum", value):
        found.add(path, f"Too big: expected number to be <={rule['maximum']}", "too_big")


async def get_config(call: Call) -> dict[str, Any]:
    """GET /system-config."""
    return call.world.config


async def get_defaults(call: Call) -> dict[str, Any]:  # noqa: ARG001 - the same for all
    """GET /system-config/defaults."""
    return DEFAULT_CONFIG


async def put_config(call: Call) -> dict[str, Any]:
    """PUT /system-config: the whole document; unknown keys are dropped silently."""
    body = await call.json()
    found = Problems()
    known = _checked(body, DEFAULT_CONFIG, [], found)
    found.end()
    if call.world.settings.config_file:
        raise Refusal(400, "Cannot update configuration while IMMICH_CONFIG_FILE is in use")
    call.world.save_config(known)
    return call.world.config


ROUTES = [
    Route("GET", "/system-config", get_config, "systemConfig.read", admin=True),
    Route("GET", "/system-config/defaults", get_defaults, "systemConfig.read", admin=True),
    Route("PUT", "/system-config", put_config, "systemConfig.update", admin=True),
    Route("GET", "/admin/config", get_config, "adminConfig.read", admin=True, since=(3, 2, 0)),
    Route(
        "GET",
        "/admin/config/defaults",
        get_defaults,
        "adminConfig.read",
        admin=True,
        since=(3, 2, 0),
    ),
    Route("PUT", "/admin/config", put_config, "adminConfig.update", admin=True, since=(3, 2, 0)),
]
