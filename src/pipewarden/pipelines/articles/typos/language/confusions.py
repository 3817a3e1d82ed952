"""How unlikely it is that one word was written for another: which letters people confuse.

A word is taken to be written piece by piece, each piece of up to three letters as it is or as
something else, such as *ph* as *f*; ``^`` and ``$`` stand for a word's beginning and end. What a
piece costs is the negative logarithm of how often it was written so among the misspellings that
the costs were learned from: half of a set, the half that nothing is measured on. They are the
shares of pieces that many words have; no misspelling is kept. ``benchmarks/articles_typos.py
--fit`` learns them anew.

References
----------
E. Brill, R. C. Moore, "An Improved Error Model for Noisy Channel Spelling Correction", ACL (2000).
"""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Iterable, Mapping

from pipewarden.pipelines.articles.typos.language.spelling import VOWELS

#: Letters of the longest piece.
LONGEST_PIECE = 3
#: No writing costs more: what is as unlikely is no slip.
MOST = 16.0
#: Letters beside a difference that may belong to a piece.
_BESIDE = LONGEST_PIECE - 1
_SIGNS = "abcdefghijklmnopqrstuvwxyz^$"


class Confusions:
    """What is written for what, and what each costs, as negative natural logarithms.

    Parameters
    ----------
    pieces
        For a piece of a word that was meant, each piece that is written for it, and its cost.
    swapped, missing, extra, vowel, other
        The costs of what no piece covers: neighbouring letters that changed places, a letter left
        out, put in, a vowel written for another, any letter for another.
    """

    def __init__(
        self,
        pieces: Mapping[str, Mapping[str, float]],
        *,
        swapped: float,
        missing: float,
        extra: float,
        vowel: float,
        other: float,
    ) -> None:
        self._swapped = swapped
        self._written = {"": _by_letter(dict.fromkeys(_SIGNS, extra))}
        for meant in _SIGNS:
            plain = {"": missing, meant: 0.0}
            for letter in _SIGNS.replace(meant, ""):
                plain[letter] = vowel if {meant, letter} <= VOWELS else other
            self._written[meant] = _by_letter({**plain, **pieces.get(meant, {})})
        for meant in pieces.keys() - set(_SIGNS):
            self._written[meant] = _by_letter(pieces[meant])

    def cost(self, word: str, meant: str) -> float:
        """Return the least cost of writing one word for another.

        Parameters
        ----------
        word, meant
            The word as written, and another, both in lower case.
        """
        written, right = differing(word, meant)
        end = len(written)
        least = [[MOST] * (end + 1) for _ in range(len(right) + 1)]
        least[0][0] = 0.0
        for i, row in enumerate(least):
            begin = [right[i : i + long] for long in range(min(LONGEST_PIECE, len(right) - i) + 1)]
            options = [(len(at), self._written[at]) for at in begin if at in self._written]
            turned = right[i + 1 : i + 2] + right[i : i + 1]
            for j in range(end + 1):
                here = row[j]
                if here >= MOST:
                    continue
                if len(turned) > 1 and written.startswith(turned, j):
                    least[i + 2][j + 2] = min(least[i + 2][j + 2], here + self._swapped)
                letter = written[j : j + 1]
                for long, by_letter in options:
                    below = least[i + long]
                    for wide, piece, cost in by_letter[letter]:
                        to, total = j + wide, here + cost
                        fits = to <= end and total < below[to]
                        if fits and (wide < 2 or written.startswith(piece, j)):
                            below[to] = total
        return least[-1][-1]


def _by_letter(written: Mapping[str, float]) -> dict[str, list[tuple[int, str, float]]]:
    """Return for each letter what may be written there: how many letters, which, at what cost."""
    return {
        sign: [(len(one), one, cost) for one, cost in written.items() if one[:1] in ("", sign)]
        for sign in ("", *_SIGNS)
    }


def differing(word: str, meant: str) -> tuple[str, str]:
    """Return what differs of two words, with the letters beside it, as written and as meant."""
    word, meant = f"^{word}$", f"^{meant}$"
    first, short = 0, min(len(word), len(meant))
    while first < short and word[first] == meant[first]:
        first += 1
    last = 0
    while last < short - first and word[-1 - last] == meant[-1 - last]:
        last += 1
    begin, after = max(0, first - _BESIDE), max(0, last - _BESIDE)
    return word[begin : len(word) - after], meant[begin : len(meant) - after]


@functools.lru_cache(maxsize=1 << 16)
def unlikelihood(word: str, meant: str) -> float:
    """Return the cost of writing a word for another, by what was learned.

    Parameters
    ----------
    word, meant
        The word as written, and another, both in lower case.
    """
    return LEARNED.cost(word, meant)


def pieces_of(listed: Iterable[str]) -> dict[str, dict[str, float]]:
    """Read a list of pieces, each ``meant/written/cost``."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for entry in listed:
        meant, written, cost = entry.split("/")
        found[meant][written] = float(cost)
    return dict(found)


_LISTED = """
$/e$/4.6 ^di/^de/2.3 ^in/^i/3.0 a//3.1 a/ac/5.8 a/ai/5.1 a/al/5.0 a/an/5.2 a/ar/5.3 a/as/5.3
a/at/5.4 a/e/3.3 a/ea/5.0 a/i/4.3 a/ia/5.6 a/o/4.6 a/ta/5.3 a/u/5.1 ac/a/2.3 acc/ac/1.5 ai/a/1.6
al//4.0 al/a/2.7 al/all/3.4 al/el/3.3 al/l/3.3 all/al/1.7 an/a/2.6 an/en/2.6 ann/an/1.2 ant/ent/1.6
ap/a/1.9 app/ap/1.4 ar/a/3.2 ar/er/3.0 ar/r/3.0 as/a/2.3 as/ass/2.6 ass/as/1.8 at/a/3.2 at/t/3.3
at/tat/4.0 ate/at/3.3 ati/ai/3.3 ati/ti/3.4 b//3.5 c//2.9 c/cc/4.5 c/k/4.7 c/s/3.5 c/t/5.3 cc/c/1.4
ce/e/3.2 ce/se/2.5 ces/ce/2.2 ch/c/2.4 ci/c/2.7 ci/si/2.4 ck/k/1.7 co/com/3.9 com/co/2.3 con/co/2.7
ct/c/2.8 ct/t/2.6 d//3.6 d/dd/4.9 d/de/4.7 d/ed/5.1 d/t/4.2 d$/t$/3.9 de/d/3.5 de/da/3.5 de/di/3.3
di/d/3.2 di/de/2.8 di/dis/3.2 e//2.8 e/a/3.6 e/ea/5.2 e/ec/5.9 e/ee/5.2 e/el/5.5 e/en/6.0 e/er/5.3
e/es/5.3 e/i/4.2 e/ie/5.5 e/o/5.2 e/te/5.7 e/u/5.7 e/y/5.8 e$/$/2.4 ea/a/2.7 ea/e/1.7 ec/c/3.1
ec/e/3.0 ec/ecc/3.5 ed/d/3.2 ed$/d$/3.1 el/e/3.0 el/ell/2.5 el/l/2.3 ely/ly/1.5 em/am/2.9 em/m/2.8
eme/me/2.2 en/an/2.6 en/e/3.3 en/ene/4.2 en/in/4.1 en/n/3.6 en/ne/4.0 enc/anc/1.7 ent/ant/2.7
ent/en/3.4 ent/et/3.5 er/ar/3.9 er/e/2.9 er/ere/4.2 er/err/4.1 er/r/3.4 er/re/3.9 es/e/3.1
es/ess/3.8 es/s/3.1 es$/s$/3.1 ess/es/1.7 f//3.3 f/ff/3.5 ff/f/1.7 for/fo/1.9 g//2.4 g/gg/4.8
g$/$/2.1 ge/g/2.4 gg/g/1.1 h//2.3 h/f/4.2 h/he/4.2 ha/a/2.5 he/e/2.4 he/h/2.4 hi/i/2.3 i//2.9
i/a/4.1 i/e/3.5 i/ei/5.1 i/ia/6.0 i/ie/5.8 i/il/5.7 i/in/5.4 i/is/5.1 i/it/5.1 i/li/6.0 i/o/5.4
i/ti/5.4 i/u/5.2 i/y/5.0 ia/a/2.3 ib/ab/1.7 ibl/abl/1.0 ic/c/3.4 ic/i/3.1 id/ed/2.2 ie/e/2.3
ie/ei/2.5 ig/i/2.5 il/i/2.5 il/ill/2.5 im/in/2.7 in/ein/4.0 in/en/4.0 in/i/3.3 in/n/4.1 ing/in/2.2
io/i/3.4 io/o/3.0 ion/on/3.2 is/es/3.3 is/i/2.8 is/iss/3.0 is/iz/3.7 is/s/3.2 it/at/3.4 it/et/3.6
it/i/3.5 it/itt/3.2 it/t/2.7 it/ti/3.5 iti/ti/2.1 k//3.0 l//2.8 l/al/5.2 l/el/5.2 l/le/4.5 l/li/5.3
l/ll/3.4 l$/ll$/2.9 la/al/2.6 le/e/3.6 le/el/3.3 le/l/2.9 le/la/3.6 le/li/3.7 li/l/2.9 li/lli/3.0
ll/l/1.2 lle/le/1.8 lly/ly/1.3 lo/l/2.5 m//3.4 m/me/4.6 m/mm/3.6 m/n/3.4 ma/me/2.8 me/m/2.8
me/ma/3.1 mm/m/1.2 mp/m/2.8 mp/np/2.6 n//3.0 n/m/4.6 n/ne/4.8 n/ni/5.4 n/nn/4.6 n/nt/5.2 na/an/3.2
na/n/2.9 nc/c/2.7 nc/n/3.2 nc/ns/2.7 nd/n/2.9 ne/n/2.4 ng/g/3.8 ng/n/2.2 ng$/n$/2.1 ni/n/2.6
nn/n/1.1 ns/n/2.9 ns/s/3.2 nt/n/3.5 nt/t/3.0 o//3.2 o/a/4.0 o/e/4.0 o/i/5.1 o/om/5.2 o/on/5.0
o/oo/5.5 o/ou/5.0 o/u/4.7 om/o/2.8 om/omm/2.8 on/n/4.1 on/o/3.5 on/onn/4.3 ons/on/3.0 or/er/2.8
or/o/2.7 or/ro/2.9 ou/o/2.4 ou/u/2.1 p//2.9 p/pe/4.7 p/pp/4.2 pe/p/3.1 ph/p/2.0 pl/p/2.6 pp/p/1.3
ppe/pe/1.3 pr/p/2.9 pt/t/2.4 r//2.8 r/ar/5.7 r/er/5.5 r/ra/5.7 r/re/4.3 r/ri/5.1 r/rr/4.5 r/t/5.4
ra/a/3.0 ra/ar/3.7 ra/r/3.7 ra/re/3.6 rat/at/2.5 re/e/3.7 re/er/3.5 re/r/2.8 re/ra/3.9 res/re/2.4
ri/i/3.0 ri/ir/3.3 ri/r/3.0 ri/re/3.6 ro/o/2.8 ro/or/3.0 ro/r/2.7 rr/r/1.3 rt/r/2.6 rt/t/2.5 s//3.1
s/c/4.5 s/es/4.7 s/sc/5.7 s/se/5.1 s/si/5.5 s/ss/4.1 s/st/5.7 s/z/5.2 s$/es$/4.0 sc/c/2.0 sc/s/2.2
se/ce/3.4 se/s/3.1 si/s/3.2 ss/s/1.5 ss/sss/2.6 sse/se/1.5 ssi/si/1.5 st/s/2.8 st/t/3.1 str/st/2.2
sy/si/1.9 t//3.0 t/at/5.7 t/c/5.3 t/ct/5.8 t/d/5.1 t/et/5.5 t/it/4.8 t/nt/5.6 t/s/5.0 t/st/5.7
t/te/4.7 t/th/5.6 t/ti/5.1 t/tt/4.4 t$/$/3.4 ta/a/2.8 te/e/3.5 te/t/2.9 te/ta/4.0 te/tte/3.9
te$/t$/2.3 ter/te/2.6 th/t/2.4 ti/ci/4.5 ti/i/3.1 ti/it/3.6 ti/iti/4.2 ti/si/4.5 ti/t/3.1 tio/io/3.1
tio/ito/3.6 tio/to/3.3 to/t/2.7 tr/t/2.5 tt/t/1.3 u//2.8 u/a/4.6 u/e/3.6 u/i/4.1 u/o/4.0 u/ul/4.8
u/ur/4.9 u/w/4.8 uc/u/2.0 ul/ull/2.7 un/u/2.6 ur/er/2.4 ur/r/3.0 ur/u/2.8 ve/v/2.8 y//3.8 y/e/3.9
y/ey/3.9 y/i/3.0 y$/ey$/3.6
"""
LEARNED = Confusions(
    pieces_of(_LISTED.split()), swapped=4.02, missing=2.97, extra=6.56, vowel=4.42, other=7.16
)
