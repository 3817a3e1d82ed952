"""The repair of news text: wrong decoding beside ftfy, pages beside trafilatura, time by rule.

The articles and pages are those of ``PIPEWARDEN_DATA`` (a folder with ``news/``). An article counts
as restored when it comes back character by character. Damage is put into every article that is not
ASCII, and into others that first get typographic marks, accents and euros.
"""

from __future__ import annotations

import gzip
import html
import json
import os
import random
import re
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from measuring import ROOT, Claim, Result, main

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "news"
RESTORED, CLEAN_MS = 0.99, 3.0
MADE, QUICK_MADE, SEED = 500, 60, 5
_ACCENTS = {
    "cafe": "café", "resume": "résumé", "Zurich": "Zürich", "Munich": "München",
    "Sao Paulo": "São Paulo", "Mexico": "México", "Spain": "España", "Sweden": "Göteborg",
    "Brazil": "Brasília", "Poland": "Łódź", "company": "compañía", "France": "François",
}  # fmt: skip
Damage = Callable[[str], str]


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("The repair of news text", ("what", "articles", "ours", "peer", "of which"))
    if not DATA.is_dir():
        result.claims.append(Claim("real news", "no articles; set PIPEWARDEN_DATA", None))
        return result
    texts = [row["text"] for row in _rows("articles.jsonl.gz")]
    _encodings(result, texts, quick)
    _escaped(result, texts[:: 20 if quick else 4])
    _pages(result, quick)
    _times(result, texts[:: 10 if quick else 1])
    return result


def _rows(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


# ── wrong decoding ───────────────────────────────────────────────────────────────────────────────


def _encodings(result: Result, texts: Sequence[str], quick: bool) -> None:
    import ftfy

    from pipewarden.pipelines.articles.text.encoding import encoding

    cases = [text for text in _typographic(texts, quick) if not encoding(text)]
    fewest, never_fewer = 1.0, True
    for name, damage in _damages().items():
        pairs = [(text, damaged) for text in cases if (damaged := _tried(damage, text))]
        ours = sum(_applied("encoding", damaged) == text for text, damaged in pairs)
        fixed = sum(ftfy.fix_encoding(damaged) == text for text, damaged in pairs)
        plain = sum(ftfy.fix_text(damaged, uncurl_quotes=False) == text for text, damaged in pairs)
        fewest, never_fewer = (
            min(fewest, ours / len(pairs)),
            never_fewer and ours >= max(fixed, plain),
        )
        peers = f"ftfy.fix_encoding {fixed}, fix_text {plain}"
        result.rows.append((name, str(len(pairs)), str(ours), peers, f"{ours / len(pairs):.1%}"))
    asked = f">= {RESTORED:.0%} of articles restored exactly, whatever the damage"
    result.claims.append(Claim(asked, f"{fewest:.2%}", fewest >= RESTORED))
    measured = "never fewer" if never_fewer else "fewer for a kind of damage"
    result.claims.append(Claim("never fewer than plain ftfy", measured, never_fewer))
    clean = sum(1 for text in texts if encoding(text))
    result.notes.append(f"{clean} of {len(texts)} articles have such damage as they come")


def _typographic(texts: Sequence[str], quick: bool) -> list[str]:
    chosen = random.Random(SEED)
    plain = [text for text in texts if text.isascii()]
    made = [
        _with_marks(text, chosen) for text in chosen.sample(plain, QUICK_MADE if quick else MADE)
    ]
    given = [text for text in texts if not text.isascii()]
    return [text for text in given[:: 10 if quick else 1] + made if not text.isascii()]


def _with_marks(text: str, chosen: random.Random) -> str:
    text = re.sub(r"(?<=\w)'(?=\w)", "\u2019", text)
    text = re.sub(r'"([^"\n]{1,300})"', "\u201c\\1\u201d", text)
    dashes = (" \u2013 ", "\u2014", " \u2014 ")
    text = re.sub(r" -{1,2} ", lambda _: chosen.choice(dashes), text)
    for before, after in _ACCENTS.items():
        text = text.replace(before, after)
    text = text.replace("...", "\u2026").replace(" stg", " £")
    return text.replace("$", "€") if chosen.random() < 0.3 else text


def _damages() -> dict[str, Damage]:
    import ftfy.bad_codecs  # noqa: F401 - registers the codec that keeps undefined bytes

    windows, once = "sloppy-windows-1252", _misread
    return {
        "read as Windows-1252, strictly": partial(once, "cp1252"),
        "read as Windows-1252": partial(once, windows),
        "read as Latin-1": partial(once, "latin-1"),
        "read as Mac Roman": partial(once, "mac_roman"),
        "twice as Windows-1252": lambda text: once(windows, once(windows, text)),
        "twice as Latin-1": lambda text: once("latin-1", once("latin-1", text)),
        "twice as Mac Roman": lambda text: once("mac_roman", once("mac_roman", text)),
        "as Latin-1, then Windows-1252": lambda text: once(windows, once("latin-1", text)),
        "as Windows-1252, then Mac Roman": lambda text: once("mac_roman", once(windows, text)),
        "Windows-1252 read as Latin-1": lambda text: text.encode("cp1252").decode("latin-1"),
    }


def _misread(codec: str, text: str) -> str:
    return text.encode("utf-8").decode(codec)


def _tried(damage: Damage, text: str) -> str | None:
    """Return the damaged text; None where this damage cannot be done to it."""
    try:
        damaged = damage(text)
    except UnicodeError:
        return None
    return damaged if damaged != text else None


def _applied(rule: str, text: str) -> str:
    return _repaired(text, frozenset((rule,)))


def _repaired(text: str, names: frozenset[str] | None = None) -> str:
    from pipewarden.pipelines.articles.text.edits import EditedText
    from pipewarden.pipelines.articles.text.rules import repair

    edited = EditedText(text)
    repair(edited, names)
    return edited.text


# ── markup ───────────────────────────────────────────────────────────────────────────────────────


def _escaped(result: Result, texts: Sequence[str]) -> None:
    names = frozenset(("references", "markup"))
    cases = [text for text in texts if _repaired(text, names) == text]
    kinds: dict[str, Damage] = {
        "HTML escaped once": html.escape,
        "HTML escaped twice": lambda text: html.escape(html.escape(text)),
        "paragraphs and bold, escaped": _marked_up,
        "the same, escaped twice more": lambda text: html.escape(html.escape(_marked_up(text))),
    }
    fewest = 1.0
    for name, damage in kinds.items():
        ours = sum(_repaired(damage(text), names) == text for text in cases)
        fewest = min(fewest, ours / len(cases))
        result.rows.append((name, str(len(cases)), str(ours), "", f"{ours / len(cases):.1%}"))
    asked = f">= {RESTORED:.0%} of marked-up and escaped articles restored exactly"
    result.claims.append(Claim(asked, f"{fewest:.2%}", fewest >= RESTORED))


def _marked_up(text: str) -> str:
    bold = re.sub(r"\b(said|bank|year)\b", r"<b>\1</b>", html.escape(text))
    return "<p>" + "</p>\n\n<p>".join(bold.split("\n\n")) + "</p>"


# ── pages ────────────────────────────────────────────────────────────────────────────────────────


def _pages(result: Result, quick: bool) -> None:
    import trafilatura

    pages = [row for row in _rows("raw_html.jsonl.gz") if row["reference_text"]]
    pages = pages[:: 8 if quick else 1]
    wanted = [row["reference_text"] for row in pages]
    theirs = [trafilatura.extract(row["text"]) or "" for row in pages]
    ours = [_applied("boilerplate", row["text"]) for row in pages]
    f1 = [
        statistics.fmean(_token_f1(*pair) for pair in zip(found, wanted, strict=True))
        for found in (ours, theirs)
    ]
    row = ("whole pages: token F1", str(len(pages)), f"{f1[0]:.4f}", f"trafilatura {f1[1]:.4f}", "")
    result.rows.append(row)
    asked = "token F1 of whole pages >= trafilatura.extract"
    result.claims.append(Claim(asked, f"{f1[0]:.4f} against {f1[1]:.4f}", f1[0] >= f1[1]))


def _token_f1(found: str, wanted: str) -> float:
    one, other = Counter(re.findall(r"\w+", found)), Counter(re.findall(r"\w+", wanted))
    shared = sum((one & other).values())
    return 2 * shared / (sum(one.values()) + sum(other.values())) if shared else 0.0


# ── time ─────────────────────────────────────────────────────────────────────────────────────────


def _times(result: Result, texts: Sequence[str]) -> None:
    """Measure every rule on what the rules before it left, and all again on what is clean."""
    from pipewarden.pipelines.articles.text.edits import EditedText
    from pipewarden.pipelines.articles.text.rules import RULES

    seconds = dict.fromkeys(RULES, 0.0)
    edits: Counter[str] = Counter()
    clean = []
    _repaired("caf\u00c3\u00a9 \u00d0\u00bf")  # load what is loaded once
    for text in texts:
        edited = EditedText(text)
        for name, rule in RULES.items():
            began = time.thread_time()
            found = rule(edited.text)
            seconds[name] += time.thread_time() - began
            edits[name] += len(found)
            edited.apply(name, found)
        clean.append(edited.text)
    for name in RULES:
        each = f"{seconds[name] / len(texts) * 1e6:,.1f} µs"
        result.rows.append((f"rule {name}", str(len(texts)), each, "", f"{edits[name]:,} edits"))
    total = sum(seconds.values()) / len(texts) * 1e6
    result.rows.append(("all rules", str(len(texts)), f"{total:,.1f} µs", "", ""))
    began = time.thread_time()
    for text in clean:
        for rule in RULES.values():
            rule(text)
    each_ms = (time.thread_time() - began) / len(clean) * 1e3
    characters = statistics.fmean(map(len, clean))
    asked = f"all rules on clean articles of {characters:,.0f} characters < {CLEAN_MS:g} ms"
    result.claims.append(Claim(asked, f"{each_ms:.2f} ms", each_ms < CLEAN_MS))


if __name__ == "__main__":
    sys.exit(main(measure))
