"""The Items of annual and quarterly reports: their order, and how their titles begin.

Source: Regulation S-K and Forms 10-K, 10-KSB and 10-Q. Titles are compared by their letters alone,
because filings put spaces, dashes and font changes anywhere.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_LETTERS = re.compile(r"[^a-z]+")


class ItemKey(NamedTuple):
    """An Item of a form: its part (1 to 4, 0 where numbers are unique) and its number."""

    part: int
    number: str


def letters(text: str) -> str:
    """Return the letters of ``text``, lower case, and nothing else."""
    return _LETTERS.sub("", text.lower())


#: Annual reports: number → how the title may begin.
_ANNUAL: dict[str, tuple[str, ...]] = {
    "1": ("business", "descriptionofbusiness", "descriptionofthebusiness", "ourbusiness"),
    "1A": ("riskfactor", "riskfactors"),
    "1B": ("unresolvedstaff", "unresolvedsec", "unresolvedcomments"),
    "1C": ("cybersecurity",),
    "2": ("propert", "descriptionofpropert"),
    "3": ("legalproceeding",),
    "4": (
        "minesafety",
        "submissionofmatter",
        "removedandreserved",
        "reserved",
        "executiveofficers",
    ),
    "5": ("marketfor", "marketof", "marketprice", "markets"),
    "6": ("selected", "reserved", "removedandreserved", "managementsdiscussion"),
    "7": ("managementsdiscussion", "managementdiscussion", "managementsplan", "financialstatement"),
    "7A": ("quantitativeandqualitative", "qualitativeandquantitative", "quantitativequalitative"),
    "8": ("financialstatement", "consolidatedfinancialstatement", "changesinanddisagree"),
    "8A": ("controlsandprocedures",),
    "8B": ("otherinformation",),
    "9": ("changesinanddisagree", "changesinaccountant", "disagreement", "directors"),
    "9A": ("controlsandprocedures", "controlandprocedures", "controlsprocedures"),
    "9B": ("otherinformation",),
    "9C": ("disclosureregardingforeign",),
    "10": ("director", "executiveofficersanddirector", "executivecompensation"),
    "11": ("executivecompensation", "securityownership", "compensation"),
    "12": ("securityownership", "certainrelationship"),
    "13": ("certainrelationship", "exhibits"),
    "14": ("principalaccount", "principalauditor", "exhibits", "controlsandprocedures"),
    "15": ("exhibit", "principalaccount", "financialstatementschedule"),
    "16": ("form10ksummary", "formksummary", "summary"),
}

#: What else titles may begin with, after an Item's number only.
_UNDER_NUMBER: dict[str, tuple[str, ...]] = {
    "1A": (
        *("risks", "certainrisk", "ourrisk", "businessrisk", "descriptionofrisk", "principalrisk"),
        *("additionalrisk", "keyrisk", "generalrisk", "materialrisk", "importantrisk"),
        *("factorsthat", "factorsaffecting", "certainfactors", "importantfactors"),
        *("cautionarystatement", "cautionaryfactor", "forwardlookingstatement"),
        *("investmentconsiderations", "certainconsiderations", "specialconsiderations"),
    ),
}

#: Quarterly reports: (part, number) → how the title may begin.
_QUARTERLY: dict[tuple[int, str], tuple[str, ...]] = {
    (1, "1"): ("financialstatement", "condensed", "consolidated", "unaudited", "interim"),
    (1, "2"): ("managementsdiscussion", "managementdiscussion", "managementsplan"),
    (1, "3"): ("quantitativeandqualitative", "qualitativeandquantitative", "quantitativequal"),
    (1, "4"): ("controlsandprocedures", "controlandprocedures", "disclosurecontrols"),
    (2, "1"): ("legalproceeding",),
    (2, "1A"): ("riskfactor",),
    (2, "2"): ("unregistered", "changesinsecurities", "issuerpurchase", "recentsales", "purchase"),
    (2, "3"): ("default",),
    (2, "4"): ("submissionofmatter", "minesafety", "removedandreserved", "reserved"),
    (2, "5"): ("otherinformation", "otherevent"),
    (2, "6"): ("exhibit",),
}


class Catalogue(NamedTuple):
    """The Items of one kind of form, in order."""

    titles: dict[ItemKey, tuple[str, ...]]
    order: dict[ItemKey, int]

    def keys(self, number: str) -> list[ItemKey]:
        """Return the Items with this number: two in a quarterly report's two parts."""
        return [key for key in self.titles if key.number == number]

    def matches(self, key: ItemKey, title: str) -> bool:
        """Return whether ``title`` begins as this Item's title does."""
        compact = letters(title)
        known = (*self.titles.get(key, ()), *_UNDER_NUMBER.get(key.number, ()))
        return compact.startswith(known)

    def title_of(self, text: str) -> ItemKey | None:
        """Return the Item whose title ``text`` is, when it is hardly more than that title."""
        compact = letters(text)
        for key, starts in self.titles.items():
            if any(compact.startswith(s) and len(compact) <= 3 * len(s) + 20 for s in starts):
                return key
        return None


def _catalogue(titles: dict[ItemKey, tuple[str, ...]]) -> Catalogue:
    return Catalogue(titles, {key: index for index, key in enumerate(titles)})


ANNUAL = _catalogue({ItemKey(0, number): starts for number, starts in _ANNUAL.items()})
QUARTERLY = _catalogue({ItemKey(*key): starts for key, starts in _QUARTERLY.items()})


def catalogue_of(form_type: str | None) -> Catalogue:
    """Return the Items of a form; an unknown form is read as an annual report."""
    return QUARTERLY if form_type and form_type.upper().startswith("10-Q") else ANNUAL
