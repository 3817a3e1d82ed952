"""A document process: loads each pipeline once, and answers one document after the other.

Standard input and output carry `frames`; whatever a pipeline prints goes to standard error.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import IO, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipewarden.app.api.work.choosing import NotOffered, chosen, taking_documents
from pipewarden.app.api.work.frames import frame, read
from pipewarden.app.api.work.handing import NoSuchSink, SinkNames, check
from pipewarden.app.api.work.results import result, told
from pipewarden.app.cli import logs
from pipewarden.engine.executors.child import answer, die_with, set_up
from pipewarden.engine.pipeline import Pipeline
from pipewarden.engine.records import record_hash
from pipewarden.engine.task import Task, Work, Worked
from pipewarden.engine.worker import Workshop
from pipewarden.errors import InvalidSettings, MissingExtra, PipewardenError, UsageError
from pipewarden.jobs.loading import load_pipeline
from pipewarden.jobs.queue import tracing
from pipewarden.settings import Settings, merged

log = logging.getLogger(__name__)

#: Pipelines kept ready, each under other overrides.
_READY = 16
#: The key of a document that names none.
_NAMELESS = "document"


class PreprocessRequest(BaseModel):
    """One document to be processed now."""

    model_config = ConfigDict(extra="forbid")

    pipeline: str = Field(
        default="",
        description="Its name; may be left out where one that takes documents is offered.",
    )
    document: dict[str, Any] = Field(description="The document, as a line of its source would be.")
    overrides: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings of the pipeline for this request, merged over those of the service.",
    )
    sinks: SinkNames = Field(default_factory=list)


class _Refused(Exception):
    """What was asked for cannot be: an HTTP status, a code, a sentence, and what is wrong where."""

    def __init__(self, status: int, code: str, detail: str, errors: Any = None) -> None:
        super().__init__(detail)
        self.problem = {"status": status, "code": code, "detail": detail}
        if errors:
            self.problem["errors"] = errors


class Documents:
    """The pipelines of this process, each loaded when it is first asked for.

    Parameters
    ----------
    settings
        The service's.
    offered
        Name → reference of each pipeline that may be asked for.
    """

    def __init__(self, settings: Settings, offered: Mapping[str, str]) -> None:
        self._settings = settings
        self._offered = offered
        self._ready: OrderedDict[bytes, Workshop] = OrderedDict()
        self._taking = cache(lambda: taking_documents(offered, settings))

    def load(self) -> dict[str, str]:
        """Load every pipeline that takes records; return what is wrong with each, or nothing."""
        found = {}
        for name in self._offered:
            try:
                self._workshop(name, {})
                found[name] = ""
            except _Refused as refused:
                if refused.problem["code"] != "takes_files":
                    found[name] = str(refused.problem["detail"])
            except Exception as error:  # a pipeline may raise anything when it is loaded
                log.exception("pipeline does not load", extra={"pipeline": name})
                found[name] = type(error).__name__
        return found

    def answer(self, header: Mapping[str, Any], payload: bytes) -> tuple[dict[str, Any], bytes]:
        """Return the header and the payload of the answer to one message."""
        tracing.take(header.get("trace", {}))
        try:
            if header["kind"] == "ping":
                return {"status": 200, "facts": self.facts()}, b""
            if header["kind"] == "request":
                asked = _parsed(payload)
                workshop = self._workshop(asked.pipeline, asked.overrides)
                sinks = self._sinks(workshop, asked.sinks, asked.document)
                return self._single(workshop, self._work(workshop, asked.document), sinks)
            document = _line(payload)
            workshop = self._workshop(header["pipeline"], header["overrides"])
            sinks = self._sinks(workshop, header.get("sinks", ()), document)
            worked = self._work(workshop, document)
            return told(workshop, worked, sinks), result(worked)
        except _Refused as refused:
            return {"status": refused.problem["status"]}, orjson.dumps(refused.problem)

    def _single(
        self, workshop: Workshop, worked: Worked, sinks: Sequence[str]
    ) -> tuple[dict[str, Any], bytes]:
        if worked.work is Work.JUDGED:
            return told(workshop, worked, sinks), result(worked)
        code = "document_rejected" if worked.work is Work.REJECTED else "document_errored"
        problem = {"status": 422, "code": code, "detail": worked.message, "reason": worked.reason}
        return {**told(workshop, worked, ()), "status": 422}, orjson.dumps(problem)

    def _sinks(self, workshop: Workshop, names: Sequence[str], document: Any) -> tuple[str, ...]:
        """Return the sinks that a request names; they must be for its document."""
        if not names:
            return ()
        pipeline = workshop.pipeline
        try:
            check(self._settings, pipeline.name, names)
        except NoSuchSink as error:
            raise _Refused(422, "unknown_sink", str(error)) from error
        if _name_of(document, pipeline) is None:
            detail = f"a document that goes to a sink needs a name of its own: {pipeline.records!r}"
            raise _Refused(422, "nameless_document", detail)
        return tuple(dict.fromkeys(names))

    def _work(self, workshop: Workshop, document: Any) -> Worked:
        try:
            known_hash = record_hash(document)
            line = orjson.dumps(document)
        except TypeError as error:
            raise _Refused(422, "invalid_request", f"document: {error}") from error
        task = Task(
            key=_name_of(document, workshop.pipeline) or _NAMELESS,
            path=Path("request.jsonl"),
            record=line,
            known_hash=known_hash,
        )
        if not isinstance(document, dict):
            kind = type(document).__name__
            task = replace(task, problem=("not_an_object", f"it is a JSON {kind}, no object"))
        worked = answer(workshop, task)
        if worked.trace:
            name = workshop.pipeline.name
            words = {"pipeline": name, "reason": worked.reason, "trace": worked.trace}
            log.warning("document errored", extra=words)
        return worked

    def _workshop(self, name: str, overrides: Mapping[str, Any]) -> Workshop:
        try:
            name = chosen(name, self._offered, self._taking)
        except NotOffered as error:
            raise _Refused(422, "unknown_pipeline", str(error)) from error
        kept = name.encode() + b"\0" + orjson.dumps(overrides, option=orjson.OPT_SORT_KEYS)
        if kept not in self._ready:
            self._ready[kept] = _loaded(self._offered[name], name, self._settings, overrides)
            if len(self._ready) > _READY:
                self._ready.popitem(last=False)
        self._ready.move_to_end(kept)
        return self._ready[kept]

    def facts(self) -> dict[str, Any]:
        """Return what each loaded pipeline says it runs on, such as a model and a GPU."""
        found: dict[str, Any] = {}
        for workshop in self._ready.values():
            pipeline = workshop.pipeline
            if pipeline.name not in found:
                found[pipeline.name] = pipeline.engine_facts() if pipeline.engine_facts else {}
        return found


def _parsed(payload: bytes) -> PreprocessRequest:
    try:
        return PreprocessRequest.model_validate(orjson.loads(payload))
    except orjson.JSONDecodeError as error:
        raise _Refused(400, "not_json", f"the body is not JSON: {error}") from error
    except ValidationError as error:
        rows = error.errors(include_input=False, include_url=False, include_context=False)
        errors = [{"at": ".".join(map(str, r["loc"])), "message": r["msg"]} for r in rows]
        detail = "; ".join(f"{row['at'] or 'body'}: {row['message']}" for row in errors)
        raise _Refused(422, "invalid_request", detail, errors) from error


def _line(payload: bytes) -> Any:
    try:
        return orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise _Refused(422, "not_json", f"it is not JSON: {error}") from error


def _loaded(
    reference: str, name: str, settings: Settings, overrides: Mapping[str, Any]
) -> Workshop:
    section = merged(settings.pipelines.get(name, {}), overrides)
    try:
        pipeline: Pipeline = load_pipeline(reference, settings, section if overrides else None)
    except MissingExtra as error:
        raise _Refused(503, "unavailable", error.message) from error
    except (InvalidSettings, UsageError) as error:
        code = "invalid_overrides" if overrides else "unavailable"
        raise _Refused(422 if overrides else 503, code, error.message) from error
    if not pipeline.records or pipeline.family is not None:  # no model is trained in a request
        detail = f"pipeline {name!r} takes files, not documents; make it a job"
        raise _Refused(422, "takes_files", detail)
    if pipeline.lines is None:  # the document comes back as a line, and nothing is written
        pipeline = replace(pipeline, lines="documents.jsonl")
    workshop = Workshop(pipeline, Path())
    try:
        set_up(workshop)
    except PipewardenError as error:
        raise _Refused(503, "unavailable", error.message) from error
    return workshop


def _name_of(document: Any, pipeline: Pipeline) -> str | None:
    """Return the name that a document gives itself."""
    key = document.get(pipeline.records) if isinstance(document, dict) else None
    named = isinstance(key, (str, int)) and not isinstance(key, bool) and str(key).strip()
    return str(key) if named else None


def serve(incoming: IO[bytes], outgoing: IO[bytes]) -> None:
    """Answer until the other side closes. The first message says what there is to serve."""
    header, _ = read(incoming)
    die_with(header["service_pid"])
    documents = Documents(Settings(**header["settings"]), header["offered"])
    outgoing.write(frame({"loaded": documents.load(), "facts": documents.facts()}))
    outgoing.flush()
    while True:
        asked, payload = read(incoming)
        outgoing.write(frame(*documents.answer(asked, payload)))
        outgoing.flush()


def main() -> None:
    """Serve on the standard streams."""
    logs.start(verbose=False)
    tracing.name_requests()
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, outgoing)
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return


if __name__ == "__main__":
    main()
