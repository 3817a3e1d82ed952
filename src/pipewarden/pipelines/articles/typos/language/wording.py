"""Closed lists of words: what opens sentences, what is foreign, and which keys are neighbours."""

from __future__ import annotations

#: The commonest little words of other languages; beside one, an unknown word is likely foreign.
_PARTICLES = (
    "al aux avec bin ce che com con da das dans de degli dei del della dem den der des di die "
    "do dos du e ein eine el em en est et für fuer ibn il im ist la las le les los mit na não "
    "ne nel nicht och og para pas per por pour que qui si sous sur te ter um un una und une "
    "van vom von y zu zum zur"
)
FOREIGN_PARTICLES = frozenset(_PARTICLES.split())
#: Some are English words too; what follows one of the others is foreign.
_ENGLISH_TOO = "al bin com con die do e no per pour van"
FOREIGN_ONLY = FOREIGN_PARTICLES - frozenset(_ENGLISH_TOO.split())

#: Words that open sentences and name nobody. A capitalised word is taken for a misspelling of
#: these alone.
_OPENERS = (
    "about above according across actually additionally after afterwards again against all "
    "almost also although altogether always among amongst another any anyone anything apart "
    "approximately are around asked because been before behind being below beneath besides "
    "between beyond both but certainly clearly concerning considering consequently could "
    "currently despite does during each earlier either elsewhere equally especially even "
    "eventually every everybody everyone everything everywhere evidently except finally first "
    "following for former formerly fortunately from further furthermore generally given have "
    "having hence here however immediately including incidentally increasingly indeed "
    "initially instead into its just last lastly later latest like likewise many maybe "
    "meanwhile moreover more most much naturally nearly neither never nevertheless next "
    "nobody none nonetheless normally nothing now nowhere obviously occasionally often only "
    "opposite originally other others otherwise our overall particularly perhaps possibly "
    "presently presumably previously probably rather recently regarding regardless reportedly "
    "second secondly separately several should similarly simply since some somebody somehow "
    "someone something sometimes somewhere soon still such suddenly supposedly that the their "
    "them then there thereafter therefore these they third this those though through "
    "throughout thus together tomorrow too toward towards traditionally ultimately under "
    "undoubtedly unfortunately unless unlike until upon usually very was were what whatever "
    "when whenever where whereas wherever whether which whichever while who whoever whom "
    "whose why will with within without would yesterday yet you your"
)
OPENERS = frozenset(_OPENERS.split())

#: Letters that keyboards hold side by side (QWERTY); each pair stands once.
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
KEY_NEIGHBOURS = frozenset(
    pair
    for row, below in zip(_ROWS, (*_ROWS[1:], ""), strict=True)
    for at, key in enumerate(row)
    for other in (row[at + 1 : at + 2], below[at : at + 1], below[at - 1 : at] if at else "")
    if other
    for pair in (key + other, other + key)
)

#: What begins and ends words of which a list need not hold every one.
_PREFIXES = (
    "anti bio co counter cross cyber de dis down euro ex extra fore hyper in inter macro mega "
    "micro mid mini mis mono multi narco neo non off on out over para petro photo poly post "
    "pre pro proto pseudo psycho quasi re semi sub super tele trans ultra un under up"
)
PREFIXES = tuple(_PREFIXES.split())
_SUFFIXES = (
    "able ed er ers es ese esque est ful hood ian ing ings ise ised iser ish ising ism ist "
    "ists ity ization isation ize ized izer izing less like ly man maker makers men ness s "
    "ship shire some ward wards wide wise y"
)
SUFFIXES = tuple(_SUFFIXES.split())
