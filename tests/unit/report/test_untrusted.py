"""Foreign text is shown whole, on its line, and can do nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import given, strategies as st

from pipewarden.report.untrusted import (
    Links,
    clipped,
    clipped_lines,
    shell_line,
    visible,
    visible_lines,
)

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain naïve 文字.htm", "plain naïve 文字.htm"),
        ("a\nb\tc\r", "a␊b␉c␍"),
        ("\x1b[31m", "␛[31m"),
        ("\x7f\x85", "␡⟨U+0085⟩"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("a\u200bb", "a⟨U+200B⟩b"),
        ("caf\udce9", "caf⟨0xE9⟩"),
        ("\ud83d", "⟨U+D83D⟩"),
        ("1\u00a0000", "1\u00a0000"),
        (" a  b ", "␠a  b␠"),
        ("  ", "␠␠"),
        ("\u00a0a", "⟨U+00A0⟩a"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_shown_by_a_sign(text, shown):
    assert visible(text) == shown


@given(ANY_TEXT)
def test_visible_text_is_one_printable_line_and_stays_as_it_is(text):
    shown = visible(text)
    assert visible(shown) == shown
    assert len(shown.splitlines()) <= 1
    shown.encode()


def test_lines_keep_their_indentation_and_nothing_else():
    assert visible_lines("def f():\r\n    x\n\ty\x1b\n") == ["def f():", "    x", "    y␛", ""]


def test_long_texts_say_how_much_is_left_out():
    assert clipped("abc", 3) == "abc"
    assert clipped("a" * 1010, 10) == "aaaaaaaaaa… (1,000 more characters)"
    assert clipped_lines(["1", "2", "3"], 1, 2) == ["1", "2", "3"]
    assert clipped_lines(list("12345"), 1, 2) == ["1", "… (2 more lines)", "4", "5"]


def test_plain_words_need_no_quotes_and_spaces_do():
    assert shell_line(["show", "a/b.htm", "c d"]) == "show a/b.htm 'c d'"


@pytest.mark.parametrize(
    "word",
    ["it's", "$(x) `x`", "a\nb", "\x1b[31m'\\n", "\u202egnp\u200b9", "caf\udce9", " a ", ""],
)
def test_a_pasted_word_reaches_the_program_byte_for_byte(word):
    line = shell_line(["printf", "%s", word])
    assert "\n" not in line
    assert visible(line) == line
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
    assert done.stdout == word.encode("utf-8", "surrogateescape")


@pytest.mark.parametrize(
    ("folder", "path", "href"),
    [
        ("reports", "data/raw/a.htm", "../data/raw/a.htm"),
        ("data/runs/x", "data/raw/a.htm", "../../raw/a.htm"),
        ("data/raw", "data/raw/a.htm", "./a.htm"),
        ("data/raw", "data", "../../data"),
        ("data/raw", "data/..", "../.."),
        (".", "a.htm", "./a.htm"),
        ("reports", "data/a b#c?d%.htm", "../data/a%20b%23c%3Fd%25.htm"),
        ("reports", "javascript:alert(1)", "../javascript%3Aalert%281%29"),
        ("reports", "data/caf\udce9", "../data/caf%E9"),
        ("reports", "data/a\nb", "../data/a%0Ab"),
        ("reports", "data/x/../y", "../data/y"),
        ("reports", "", ""),
    ],
)
def test_links_are_relative_to_the_report_and_quoted(folder, path, href):
    assert Links(Path(folder)).to(path) == href


def test_absolute_paths_are_linked_from_a_relative_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Links(Path("reports")).to(str(tmp_path / "raw" / "a.htm")) == "../raw/a.htm"
    assert Links(tmp_path / "reports").to("raw/a.htm") == "../raw/a.htm"


@given(ANY_TEXT)
def test_a_link_has_neither_scheme_nor_host_nor_anything_to_break_out_with(path):
    href = Links(Path("reports")).to(path)
    assert not set(href) & set("\"'<>()[] :`|\\\n")
    assert not href.startswith("/")
    assert href.isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="names are bytes only on POSIX")
@given(st.binary(min_size=1, max_size=40).filter(lambda b: not set(b"\0/") & set(b)))
def test_a_link_leads_to_the_very_bytes_of_the_name(name):
    if name in (b".", b".."):
        return
    href = Links(Path("reports")).to("data/" + name.decode("utf-8", "surrogateescape"))
    assert unquote_to_bytes(href) == b"../data/" + name
