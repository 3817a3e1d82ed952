"""Sums and measures are written out where they mean one thing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pipewarden.pipelines.articles.text.amounts.currency import currency
from pipewarden.pipelines.articles.text.amounts.units import units
from pipewarden.pipelines.articles.text.edits import Edit, EditedText


def after(rule: Callable[[str], list[Edit]], text: str) -> str:
    edited = EditedText(text)
    edited.apply("rule", rule(text))
    return edited.text


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("$100", "USD 100"),
        ("£600m", "GBP 600 million"),
        ("€50", "EUR 50"),
        ("50€ or 1.000,50 €.", "EUR 50 or EUR 1.000,50."),
        ("$5m, $1.2bn, $3.5 billion", "USD 5 million, USD 1.2 billion, USD 3.5 billion"),
        (
            "$10K $4trn $2 mln $1million",
            "USD 10 thousand USD 4 trillion USD 2 million USD 1 million",
        ),
        (
            "US$10 U.S.$10 A$5 C$5 HK$5 NZ$5 S$5 R$5",
            "USD 10 USD 10 AUD 5 CAD 5 HKD 5 NZD 5 SGD 5 BRL 5",
        ),
        ("$100-$200 or $5m-$10m", "USD 100-USD 200 or USD 5 million-USD 10 million"),
        ("$5-10m", "USD 5-10 million"),
        # The country may be meant: it cost the US $5m.
        ("the US $5m and the U.S. $6", "the US USD 5 million and the U.S. USD 6"),
        ("$1,000.50, -$5, ($ 100)", "USD 1,000.50, -USD 5, (USD 100)"),
        ("$1.2871 and $47.10.", "USD 1.2871 and USD 47.10."),
        ("USD $100, USD$5m, $100 USD", "USD 100, USD 5 million, 100 USD"),
        ("£1bn-plus $1.13bn (£600m)", "GBP 1 billion-plus USD 1.13 billion (GBP 600 million)"),
    ],
)
def test_sums_get_their_code(dirty: str, clean: str) -> None:
    assert after(currency, dirty) == clean
    assert currency(clean) == []


@pytest.mark.parametrize(
    "text",
    ["$$$ $x ${5} Ke$ha A$AP $h1t", "¥500 kr 50 Z$5 IR£5 50p", "s**t £m $ €", "$5$ and \\$5"],
)
def test_signs_that_are_no_sums_stay(text: str) -> None:
    assert currency(text) == []


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ("5km", "5 kilometers"),
        ("1km or 1.0 km, 12,000 km.", "1 kilometer or 1.0 kilometers, 12,000 kilometers."),
        ("10 kg at 5 km/h", "10 kilograms at 5 kilometers per hour"),
        ("30°C, -5 °C and 70mph", "30 degrees Celsius, -5 degrees Celsius and 70 miles per hour"),
        ("10-15km by 7.4cm", "10-15 kilometers by 7.4 centimeters"),
    ],
)
def test_measures_get_their_word(dirty: str, clean: str) -> None:
    assert after(units, dirty) == clean
    assert units(clean) == []


@pytest.mark.parametrize(
    "text",
    [
        "$5m 5m £5km 100m 5,000m 9mm 35mm 3.5in 5ft",
        "G7 4x4 747s M25 5G 10K 512MB F-15 km x5km 5kmx 1.5.2km",
        "5km-long 5 km/s 5 km2 10 kg/m3 30° 5cm x5",
    ],
)
def test_what_may_mean_something_else_stays(text: str) -> None:
    assert units(text) == []
