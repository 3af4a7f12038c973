"""The OpenAPI document: made from the route tables when somebody first asks for it.

Litestar knows paths, parameters and answers. Bodies are read by our own code (``bodies.py``), so a
route names its body's model in ``opt={"body": Model}``, and it is added here, with who may call.
"""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from litestar import Litestar, Response, Router, get
from litestar.openapi.config import OpenAPIConfig
from litestar.routes import HTTPRoute
from pydantic import BaseModel, TypeAdapter

from trigger_box.api import hot
from trigger_box.api.authentication import NOBODY, Credential
from trigger_box.api.rooms import ApiRequest
from trigger_box.version import VERSION

PATH: Final = "/api/openapi.json"
_REF: Final = "#/components/schemas/{model}"

CONFIG: Final = OpenAPIConfig(
    title="trigger-box",
    version=VERSION,
    description="Durable background tasks and AI-agent runs that you host yourself.",
    use_handler_docstrings=True,
    # Litestar wants a place for its own pages. Nobody may call it: it names no credential.
    openapi_router=Router(path="/-/openapi", route_handlers=[], include_in_schema=False),
)

_SCHEMES: Final[dict[Credential, dict[str, str]]] = {
    Credential.SECRET_KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "Secret key of an environment: tr_dev_…, tr_stg_…, tr_prod_…, tr_preview_…",
    },
    Credential.PUBLIC_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Public access token: a JWT with scopes",
    },
    Credential.PERSONAL_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Personal access token: tr_pat_…",
    },
    Credential.SESSION: {"type": "apiKey", "in": "cookie", "name": "tbx_session"},
    Credential.OTLP_TOKEN: {
        "type": "http",
        "scheme": "bearer",
        "description": "Telemetry token of an environment",
    },
    Credential.OWNER: {
        "type": "http",
        "scheme": "bearer",
        "description": "The secret in the data folder: keys/local-owner",
    },
}


_PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "What is wrong. Statuses: 400 401 403 404 405 409 413 422 429 500 503.",
    "required": ["error"],
    "properties": {
        "error": {"type": "string", "description": "A sentence for people."},
        "code": {"type": "string", "description": "Stable: for programs."},
        "details": {"description": "Which part of the request is meant, and limits."},
    },
}
_PROBLEM_ANSWER: Final = {
    "description": "An error",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


@get(PATH, opt={"auth": NOBODY}, include_in_schema=False)
async def openapi_document(request: ApiRequest) -> Response[bytes]:
    """Return the document."""
    state = request.app.state
    if "openapi_document" not in state:
        state.openapi_document = msgspec.json.encode(describe(request.app))
    return Response(state.openapi_document, media_type="application/json")


def describe(app: Litestar) -> dict[str, Any]:
    """Return the OpenAPI document of an app."""
    document: dict[str, Any] = app.openapi_schema.to_schema()
    components = document.setdefault("components", {})
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    schemas["Problem"] = _PROBLEM
    components["securitySchemes"] = {str(kind): dict(shape) for kind, shape in _SCHEMES.items()}
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        item: dict[str, Any] = document["paths"].get(route.path_format, {})
        for handler in route.route_handlers:
            for method in handler.http_methods:
                if method.lower() in item:
                    _complete(item[method.lower()], handler.opt, schemas)
    for operation in hot.OPERATIONS:
        document["paths"][operation.path] = {"post": _of_hot(operation, schemas)}
    return document


def _complete(operation: dict[str, Any], opt: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Add what Litestar does not know: who may call, the body, and how errors look."""
    allowed: frozenset[Credential] = opt.get("auth", NOBODY)
    operation["security"] = [{str(kind): []} for kind in sorted(allowed)]
    operation["responses"].pop("400", None)
    operation["responses"]["default"] = _PROBLEM_ANSWER
    model: object = opt.get("body")
    if model is not None:
        operation["requestBody"] = {
            "required": not opt.get("is_body_optional", False),
            "content": {"application/json": {"schema": _schema_of(model, schemas)}},
        }


def _of_hot(operation: hot.HotOperation, schemas: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"type": "object"}
    if operation.answer is not None:
        answer = _schema_of(operation.answer, schemas)
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": operation.path.strip("/").replace("/", "_"),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in re.findall(r"{(\w+)}", operation.path)
        ],
        "responses": {
            "200": {"description": "Done", "content": {"application/json": {"schema": answer}}}
        },
    }
    _complete(described, {"auth": operation.auth, "body": operation.body}, schemas)
    return described


def _schema_of(model: Any, schemas: dict[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a type
    """Return a reference to a body's schema; add it and what it needs to ``schemas``."""
    if isinstance(model, type) and issubclass(model, BaseModel):
        schema = TypeAdapter(model).json_schema(ref_template=_REF)
        schemas.update(schema.pop("$defs", {}))
    else:
        (schema,), needed = msgspec.json.schema_components(
            [model],
            schema_hook=lambda _: {"description": "Any JSON value"},
            ref_template="#/components/schemas/{name}",
        )
        schemas.update(needed)
        if "$ref" in schema:
            return schema
    schemas[model.__name__] = schema
    return {"$ref": f"#/components/schemas/{model.__name__}"}


routes = [openapi_document]
