"""Tags go, and nothing that merely looks like one."""

from __future__ import annotations

import html

import pytest
from hypothesis import given, strategies as st

from pipewarden.pipelines.articles.text.edits import EditedText
from pipewarden.pipelines.articles.text.markup import markup
from pipewarden.pipelines.articles.text.references import references
from pipewarden.pipelines.articles.text.rules import repair

MARKUP = frozenset(("references", "markup"))


def unmarked(text: str) -> str:
    edited = EditedText(text)
    repair(edited, MARKUP)
    return edited.text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("<p>One.</p><p>Two.</p>", "One.\n\nTwo."),
        ("<p>One.</p>\n\n<p>Two.</p>\n", "One.\n\nTwo.\n"),
        ("One<br>two<br/>three<BR />four", "One\ntwo\nthree\nfour"),
        ("a <b>bold</b> and <i>fine</i> word", "a bold and fine word"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<tr><td>1</td><td>2</td></tr>", "1 2"),
        ("x<!-- note -->y<![CDATA[z]]>", "xyz"),
        ("a<script>if (a < b) { x(); }</script>b<style>p {}</style>c", "abc"),
        ('<a href="http://a.b/?c=1&amp;d=2" title="x > y">link</a>', "link"),
        ("<!DOCTYPE html><?xml version='1.0'?>text", "text"),
        ("<P>Loud.</P><P>Louder.", "Loud.\n\nLouder."),
        ("<span class=x>unquoted</span>", "unquoted"),
        ("<o:p></o:p>Word", "Word"),
        ("&lt;p&gt;escaped&lt;/p&gt;", "escaped"),
        ("&amp;lt;b&amp;gt;twice&amp;lt;/b&amp;gt; R&amp;amp;D", "twice R&D"),
    ],
)
def test_tags_go_and_blocks_become_lines(dirty: str, clean: str) -> None:
    assert unmarked(dirty) == clean


@pytest.mark.parametrize(
    "text",
    [
        "The share <CHEM> of Chemical <F>, DuPont <DD> and Phillips <P>, <Airbus Industrie>",
        "Entertainment Marketing Inc <em> bids",
        "if a < b and c > d then <3",
        "vector<int>, List<String>, Map<object> and <T>",
        "mail <a@b.c> or <mailto:a@b.c> or <http://a.b>",
        "usage: cp <source> <target>",
        "he said <A and B> agreed",
        "an open <!-- comment and <a href='x",
        "<b>never closed, and nothing else that is a tag",
    ],
)
def test_what_is_no_tag_stays(text: str) -> None:
    assert markup(text) == []


def test_a_ticker_survives_beside_real_tags() -> None:
    assert unmarked("<p>Ford <F> and <b>DuPont</b> <DD>.</p>") == "Ford <F> and DuPont <DD>."


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("Tom &amp; Jerry", "Tom & Jerry"),
        ("it&#146;s &#x2019; &rsquo;", "it’s ’ ’"),  # noqa: RUF001
        ("&amp;amp;quot;x&quot;", '"x"'),
        ("a&nbsp;b &quot;c", 'a\xa0b "c'),
        ("caf&eacute; &euro;5", "café €5"),
    ],
)
def test_references_are_decoded(dirty: str, clean: str) -> None:
    assert unmarked(dirty) == clean


@pytest.mark.parametrize(
    "text", ["AT&T", "a&b;", "R&D;", "x?a=1&copy=2&lt=3", "&;", "&#;", "&unknown;", "fish & chips"]
)
def test_what_no_standard_names_stays(text: str) -> None:
    assert references(text) == []


@given(st.text("ab <>&\"'\n;#1/", max_size=40), st.integers(1, 3))
def test_what_was_escaped_comes_back(text: str, times: int) -> None:
    if unmarked(text) != text:
        return  # it is markup itself
    escaped = text
    for _ in range(times):
        escaped = html.escape(escaped)
    assert unmarked(escaped) == text
