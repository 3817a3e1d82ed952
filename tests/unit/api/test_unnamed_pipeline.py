"""Requests that name no pipeline."""

from __future__ import annotations

import pytest

from pipewarden.app.api.work.choosing import NotOffered, chosen, taking_documents
from pipewarden.app.api.work.process import Documents
from pipewarden.settings import Settings

OFFERED = {"articles": "articles", "filings": "filings"}


def never():
    raise AssertionError("asked for candidates of a request that names its pipeline")


def test_a_named_pipeline_is_taken_as_named_and_nothing_is_loaded():
    assert chosen("filings", OFFERED, never) == "filings"
    with pytest.raises(NotOffered, match="no pipeline 'nix' here; offered: articles, filings"):
        chosen("nix", OFFERED, never)


@pytest.mark.parametrize("candidates", [(), ("articles", "filings")])
def test_an_unnamed_request_needs_exactly_one_candidate(candidates):
    assert chosen("", OFFERED, lambda: ("articles",)) == "articles"
    with pytest.raises(NotOffered, match="must name its pipeline"):
        chosen("", OFFERED, lambda: candidates)


def test_of_the_pipelines_that_come_with_pipewarden_articles_takes_documents():
    assert taking_documents(OFFERED, Settings()) == ("articles",)


def test_a_pipeline_that_trains_models_of_records_takes_no_document_and_is_not_broken():
    offered = {**OFFERED, "sales": "sales"}
    assert taking_documents(offered, Settings()) == ("articles",)
    assert Documents(Settings(), {"sales": "sales"}).load() == {}


def test_a_broken_pipeline_does_not_change_what_an_unnamed_request_means():
    offered = {**OFFERED, "lost": "no.such.module:lost"}
    assert taking_documents(offered, Settings()) == ("articles", "lost")


def test_the_only_offered_pipeline_is_meant_even_where_it_takes_files():
    assert taking_documents({"filings": "filings"}, Settings()) == ("filings",)


def test_a_document_alone_goes_to_the_only_pipeline_that_takes_documents(api):
    answer = api.post("/v1/preprocess", json={"document": {"id": "a", "text": "one"}})
    assert (answer.status_code, answer.json()["outcome"]) == (200, "accepted")
    assert answer.json()["document"]["shout"] == "one!!"


def test_documents_alone_and_lines_alone_do_too(api):
    documents = [{"id": "a", "text": "one"}, {"id": "b", "text": "two"}]
    held = api.post("/v1/preprocess/batch", json={"documents": documents}).json()
    assert [result["key"] for result in held["results"]] == ["a", "b"]
    lines = {"content-type": "application/x-ndjson"}
    answer = api.post("/v1/preprocess/batch-file", content=b'{"id":"a","text":"x"}', headers=lines)
    assert (answer.status_code, answer.json()["document"]["words"]) == (200, 1)


def test_a_job_of_documents_is_of_the_only_pipeline_that_takes_them(api):
    answer = api.post("/v1/documents/batch", json={"documents": [{"id": "a", "text": "one"}]})
    assert (answer.status_code, answer.json()["pipeline"]) == (202, "words")


def test_a_job_of_files_must_name_its_pipeline_where_several_are_offered(api, folder):
    answer = api.post("/v1/jobs", json={"source": str(folder / "inbox")})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_pipeline")
