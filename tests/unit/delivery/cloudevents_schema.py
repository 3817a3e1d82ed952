"""CloudEvents 1.0.2 in the JSON event format, as a JSON schema written from the specification.

Required: id, source, specversion, type, none of them empty. source is a URI reference, time an
RFC 3339 timestamp, names of attributes are lower-case letters and digits, and of ``data`` and
``data_base64`` there is at most one.

Written from sections "Context Attributes" and "Event Data" of CloudEvents 1.0.2
(https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md) and sections 2 and 3 of its
JSON event format (…/cloudevents/formats/json-format.md). It asks for all that the schema which is
published beside them asks for (…/cloudevents/formats/cloudevents.json), and for more: that one
leaves unknown names, the version and the two kinds of data open.
"""

from __future__ import annotations

TEXT = {"type": "string", "minLength": 1}
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "source", "specversion", "type"],
    "properties": {
        "id": TEXT,
        "source": {**TEXT, "pattern": r"^[^\s]+$"},
        "specversion": {"const": "1.0"},
        "type": TEXT,
        "datacontenttype": {**TEXT, "pattern": r"^[\w.+-]+/[\w.+-]+(\s*;.*)?$"},
        "dataschema": {**TEXT, "pattern": r"^[A-Za-z][A-Za-z0-9+.-]*:"},
        "subject": TEXT,
        "time": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$",
        },
        "data": {},
        "data_base64": {"type": "string", "pattern": r"^[A-Za-z0-9+/]*={0,2}$"},
    },
    "patternProperties": {"^[a-z0-9]+$": {}},
    "additionalProperties": False,
    "not": {"required": ["data", "data_base64"]},
}
