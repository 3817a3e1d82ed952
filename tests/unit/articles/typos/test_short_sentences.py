"""Short sentences: a word that can only be one thing is put right with nothing else to go by."""

from __future__ import annotations

import pytest

from pipewarden.pipelines.articles.typos.corrector import TypoCorrector

#: The wrong word, the right one, and the words before and after it.
_COMMON = (
    ("Teh", "The", "", "report is late."),
    ("recieve", "receive", "They will", "it soon."),
    ("seperate", "separate", "Keep them", "from now on."),
    ("definately", "definitely", "We will", "come."),
    ("occured", "occurred", "The error", "twice."),
    ("untill", "until", "Wait", "Monday."),
    ("wich", "which", "Tell me", "one you want."),
    ("becuase", "because", "He left", "it rained."),
    ("tommorow", "tomorrow", "See you", "morning."),
    ("goverment", "government", "The", "agreed."),
    ("enviroment", "environment", "It harms the", "badly."),
    ("accomodate", "accommodate", "The hall can", "fifty people."),
    ("adress", "address", "Send me your", "please."),
    ("beleive", "believe", "I", "you."),
    ("commitee", "committee", "Ask the", "first."),
    ("collegue", "colleague", "Ask a", "for help."),
    ("commited", "committed", "He is", "to it."),
    ("concious", "conscious", "She was", "again."),
    ("embarass", "embarrass", "Do not", "them."),
    ("existance", "existence", "They deny its", "outright."),
    ("foriegn", "foreign", "He speaks a", "language."),
    ("freind", "friend", "She is my best", "here."),
    ("happend", "happened", "What", "next is unclear."),
    ("immediatly", "immediately", "Stop", "please."),
    ("independant", "independent", "They want an", "review."),
    ("intresting", "interesting", "It was an", "talk."),
    ("knowlege", "knowledge", "They share their", "freely."),
    ("libary", "library", "The", "is closed."),
    ("maintainance", "maintenance", "The lift needs", "again."),
    ("neccessary", "necessary", "That is not", "now."),
    ("noticable", "noticeable", "There was a", "change."),
    ("occassion", "occasion", "It was a happy", "for all."),
    ("oppurtunity", "opportunity", "This is a good", "for us."),
    ("paralel", "parallel", "The lines are", "here."),
    ("peice", "piece", "Take a", "of cake."),
    ("posession", "possession", "They took", "of it."),
    ("prefered", "preferred", "She", "the old one."),
    ("publically", "publicly", "He said so", "last year."),
    ("realy", "really", "It is", "cold today."),
    ("recomend", "recommend", "I", "this book."),
    ("refered", "referred", "She", "to the letter."),
    ("remeber", "remember", "I do not", "his name."),
    ("restarant", "restaurant", "We ate at a", "nearby."),
    ("succesful", "successful", "The trial was", "overall."),
    ("suprise", "surprise", "It was a", "to all."),
    ("thier", "their", "They lost", "keys."),
    ("truely", "truly", "I am", "sorry."),
    ("unfortunatly", "unfortunately", "It was,", "too late."),
    ("wierd", "weird", "That was a", "sound."),
    ("whihc", "which", "The car,", "is red, broke down."),
)


@pytest.fixture(scope="module")
def corrector() -> TypoCorrector:
    return TypoCorrector()


def test_the_commonest_misspellings_are_restored_and_none_wrongly(
    corrector: TypoCorrector,
) -> None:
    left = []
    for wrong, right, before, after in _COMMON:
        text = f"{before} {wrong} {after}".strip()
        made = [(c.before, c.after) for c in corrector.corrections(text)]
        if made:
            assert made == [(wrong, right)]
        else:
            left.append(wrong)
    assert len(_COMMON) == 50
    assert len(left) <= 5, left


@pytest.mark.parametrize("right", sorted({one[1] for one in _COMMON}))
def test_the_right_words_are_left_alone(corrector: TypoCorrector, right: str) -> None:
    assert corrector.corrections(f"It is {right} here.") == []
