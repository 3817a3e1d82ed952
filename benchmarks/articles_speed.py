"""The cleaning of articles on real news: beside the bare recogniser of entities, and by stage.

The articles are cut from those of ``PIPEWARDEN_DATA`` (a folder with ``news/``) to 390 words each.
The bare recogniser is spaCy's own ``nlp.pipe`` with the component ``ner`` alone and batches of 16,
in the same kind of pool, on the same texts, in turn with ours; it returns spans, ours the whole
record as JSON.
"""

from __future__ import annotations

import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from measuring import ROOT, Claim, Result, answered, main, ms, peak_mb, ratio

DATA = Path(os.environ.get("PIPEWARDEN_DATA") or ROOT.parent / "shared" / "data") / "news"
WORDS, WORKERS, BATCH = 390, 2, 16
SHARE, A_MINUTE, PEAK_MB, GROWTH_MB, LOAD, P95 = 0.8, 2_400, 700, 20, 3.0, 0.060
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
#: The stages of one article: the module of each function, by its name there.
_STAGES = {
    "check the record": ("cleaner", "article_of"),
    "entities": ("enrich.entities", "Recogniser.find"),
    "entities, of which after splitting into words": (
        "enrich.decoding",
        "GreedyDecoder.entities",
    ),
    "language": ("steps", "language_of"),
    "typos": ("typos.corrector", "TypoCorrector.corrections"),
    "output record": ("cleaner", "_record"),
}


def measure(quick: bool) -> Result:
    """Return the figures."""
    result = Result("The articles pipeline", ("what", "per article", "a minute", "share", "peak"))
    if not (DATA / "articles.jsonl.gz").is_file():
        result.claims.append(Claim("real articles", "no articles; set PIPEWARDEN_DATA", None))
        return result
    rounds, number = (1, 160) if quick else (5, 640)
    _beside_the_recogniser(result, rounds, number)
    _one_at_a_time(result, 60 if quick else 300)
    _flat(result, 600 if quick else 100_000)
    return result


def cut_articles(number: int) -> list[dict[str, Any]]:
    """Return records of real articles, cut to one length and repeated as often as needed."""
    found: list[dict[str, Any]] = []
    with gzip.open(DATA / "articles.jsonl.gz", "rt", encoding="utf-8") as lines:
        left: list[str] = []
        for line in lines:
            left += json.loads(line)["text"].split(" ")
            while len(left) >= WORDS and len(found) < number:
                text, left = " ".join(left[:WORDS]), left[WORDS:]
                found.append({"document_id": str(len(found)), "text": text})
            if len(found) == number:
                return found
    return [{**found[n % len(found)], "document_id": str(n)} for n in range(number)]


# ── in two workers ───────────────────────────────────────────────────────────────────────────────


def _beside_the_recogniser(result: Result, rounds: int, number: int) -> None:
    records = cut_articles(number)
    taken: dict[str, list[float]] = {"spaCy's recogniser alone": [], "pipewarden, everything": []}
    works: dict[str, Callable[[list[dict[str, Any]]], Any]] = {
        "spaCy's recogniser alone": _bare,
        "pipewarden, everything": _whole,
    }
    peaks = {}
    with _pool(_bare_setup) as bare, _pool(_whole_setup) as whole:
        pools = dict(zip(works, (bare, whole), strict=True))
        for turn in range(rounds + 1):
            for name, pool in pools.items():
                began = time.perf_counter()
                done = sum(pool.map(works[name], _batches(records)))
                assert done == number
                if turn:
                    taken[name].append(time.perf_counter() - began)
        for name, pool in pools.items():
            peaks[name] = max(pool.map(_peak, range(WORKERS * 4)))
    for name, seconds in taken.items():
        typical = statistics.median(seconds)
        cells = (f"{typical / number * 1e3:.1f} ms", f"{number / typical * 60:,.0f}")
        result.rows.append((name, *cells, "", f"{peaks[name]:,.0f} MB"))
    bare_seconds, whole_seconds = taken.values()
    times = ratio(bare_seconds, whole_seconds)
    asked = f">= {SHARE:.0%} of the throughput of the recogniser alone"
    result.claims.append(Claim(asked, f"{times:.0%}", times >= SHARE))
    a_minute = number / statistics.median(whole_seconds) * 60
    asked = f">= {A_MINUTE:,} articles a minute in {WORKERS} workers"
    result.claims.append(Claim(asked, f"{a_minute:,.0f}", a_minute >= A_MINUTE))
    peak = peaks["pipewarden, everything"]
    result.claims.append(
        Claim(f"peak of a worker <= {PEAK_MB} MB", f"{peak:.0f} MB", peak <= PEAK_MB)
    )
    result.notes.append(f"{number} articles of {WORDS} words, {rounds} rounds in turn")


def _batches(records: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    for start in range(0, len(records), BATCH):
        yield records[start : start + BATCH]


@contextmanager
def _pool(setup: Callable[[], None]) -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(WORKERS, get_context("spawn"), setup) as pool:
        list(pool.map(_peak, range(WORKERS * 4)))
        yield pool


def _peak(_: int) -> float:
    time.sleep(0.05)  # so that every worker has its turn
    return peak_mb()


_LOADED: dict[str, Any] = {}


def _bare_setup() -> None:
    for name in _THREADS:
        os.environ[name] = "1"
    from pipewarden.pipelines.articles.enrich.weights import DEFAULT, load_pipeline

    _LOADED["bare"] = load_pipeline(DEFAULT, False)[1]


def _bare(records: list[dict[str, Any]]) -> int:
    texts = [record["text"] for record in records]
    docs = _LOADED["bare"].pipe(texts, batch_size=BATCH)
    return len([[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in docs])


def _whole_setup() -> None:
    from pipewarden.pipelines.articles.cleaner import prepare_worker
    from pipewarden.pipelines.articles.settings import article_settings

    _LOADED["settings"] = article_settings()
    prepare_worker(_LOADED["settings"])


def _whole(records: list[dict[str, Any]]) -> int:
    from pipewarden.pipelines.articles.cleaner import process_records

    done = process_records(records, _LOADED["settings"])
    return len([one.model_dump_json() for one in done if not isinstance(one, Exception)])


# ── one document, and by stage ───────────────────────────────────────────────────────────────────


def _one_at_a_time(result: Result, number: int) -> None:
    told = answered(sys.executable, __file__, "--one", str(number))
    seconds = told["seconds"]
    p95 = statistics.quantiles(seconds, n=20)[-1]
    middle = statistics.median(seconds)
    result.rows.append((f"one at a time, p95 {ms(p95)}", ms(middle), f"{60 / middle:,.0f}", "", ""))
    for name, spent in told["stages"].items():
        share = f"{spent / sum(seconds) * 100:.0f} %"
        result.rows.append((f"of it: {name}", f"{spent / number * 1e3:.2f} ms", "", share, ""))
    result.claims.append(Claim(f"one article, warm, p95 <= {ms(P95)}", ms(p95), p95 <= P95))
    load = told["load"]
    result.claims.append(Claim(f"model loaded in <= {LOAD:g} s", f"{load:.2f} s", load <= LOAD))
    result.notes.append(f"everything ready for the first article after {told['ready']:.2f} s")


def _one(number: int) -> dict[str, Any]:
    for name in _THREADS:
        os.environ[name] = "1"
    began = time.perf_counter()
    from pipewarden.pipelines.articles.enrich.weights import DEFAULT, load_pipeline

    load_pipeline(DEFAULT, False)
    load = time.perf_counter() - began
    _whole_setup()
    ready = time.perf_counter() - began
    records = cut_articles(number)
    _whole(records[:10])
    seconds = []
    for record in records:
        begun = time.perf_counter()
        _whole([record])
        seconds.append(time.perf_counter() - begun)
    spent = _timed_stages()
    for record in records:
        _whole([record])
    rules = {f"rule {name}": spent.pop(name) for name in [*spent] if name in _rules()}
    heavy = dict(sorted(rules.items(), key=lambda rule: -rule[1])[:5])
    other = sum(rules.values()) - sum(heavy.values())
    stages = {**spent, **heavy, "the other rules": other}
    return {"load": load, "ready": ready, "seconds": seconds, "stages": stages}


def _rules() -> Mapping[str, Callable[..., Any]]:
    from pipewarden.pipelines.articles.text.rules import RULES

    return RULES


def _timed_stages() -> dict[str, float]:
    """Wrap every stage with a clock; return the seconds of each, filled as they run."""
    from importlib import import_module

    spent: dict[str, float] = {}

    def clocked(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        spent[name] = 0.0

        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            try:
                return function(*arguments, **named)
            finally:
                spent[name] += time.perf_counter() - began

        return call

    for name, (module, path) in _STAGES.items():
        holder: Any = import_module(f"pipewarden.pipelines.articles.{module}")
        *parts, last = path.split(".")
        for part in parts:
            holder = getattr(holder, part)
        setattr(holder, last, clocked(name, getattr(holder, last)))
    clocks = {name: clocked(name, rule) for name, rule in _rules().items()}
    for module in ("steps", "text.rules"):
        import_module(f"pipewarden.pipelines.articles.{module}").__dict__["RULES"] = clocks
    return spent


# ── for a long time ──────────────────────────────────────────────────────────────────────────────


def _flat(result: Result, number: int) -> None:
    told = answered(sys.executable, __file__, "--flat", str(number))
    first, last = told["early"], told["late"]
    grown = last - first
    result.rows.append(("resident after a tenth, and after all", "", "", "", f"{last:,.0f} MB"))
    asked = f"memory flat over {number:,} articles (within {GROWTH_MB} MB)"
    result.claims.append(Claim(asked, f"{grown:+.0f} MB", grown <= GROWTH_MB))


def _long(number: int) -> dict[str, float]:
    """Clean many different texts, short ones so that it ends, and look at what stays."""
    import random

    _whole_setup()
    words = sorted({word for one in cut_articles(400) for word in one["text"].split()})
    dice = random.Random(7)
    early = 0.0
    for done in range(0, number, BATCH):
        texts = (" ".join(dice.choices(words, k=20)) for _ in range(BATCH))
        _whole([{"document_id": str(n), "text": f"{t} x{done}{n}"} for n, t in enumerate(texts)])
        if not early and done >= number / 10:
            early = _resident()
    return {"early": early, "late": _resident()}


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(_one(int(sys.argv[2]))))
    elif sys.argv[1:2] == ["--flat"]:
        print(json.dumps(_long(int(sys.argv[2]))))
    else:
        sys.exit(main(measure))
