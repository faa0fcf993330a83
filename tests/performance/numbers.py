"""What a tracking number's shape and check digit prove: false accepts and carriers that collide.

    python -m tests.performance.numbers [--samples 20000] [--seed 1]

Prints the tables of docs/tracking-numbers.md. Random digits stand for codes that are no waybill's;
`named` counts those that a carrier's rule takes with a right check digit or none to check.
"""

from __future__ import annotations

import argparse
import random
import string
from collections.abc import Iterator

from station.carriers import known_carriers
from station.checkdigits import gs1
from station.waybill import Refusal, WaybillRules, certain, understand
from storage.records import CheckDigit, Waybill
from tests.performance.tables import Section, share

LENGTHS = (8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 26, 30, 34)
PRODUCTS = {"EAN-8": 8, "UPC-A": 12, "EAN-13": 13, "GTIN-14": 14}
SHAPES = {  # digit #, letter @, either *
    "s10": ("@@#########GB", "@@#########CN"),
    "sscc": ("00##################", "##################"),
    "ups": ("1Z################", "1Z***#############", "K##########"),
    "usps": ("94####################", "420#####92####################", "####################"),
    "fedex": ("############", "###############", "96####################",
              "1###################00############", "3###############################"),
    "amazon": ("TBA############", "C##########"),
    "ontrac": ("C##############", "D##############"),
    "lasership": ("1LS71##########", "LX1#######"),
    "canada-post": ("################", "@@#########CA"),
    "purolator": ("############", "@@@#########"),
    "canpar": ("D#####################",),
    "gofo": ("GFUS##############",),
    "landmark": ("LTN########N1",),
    "speedee": ("SP##################",),
    "old-dominion": ("777########",),
    "yodel": ("JJD0002############",),
    "dhl": ("##########", "###########", "JJD################", "GM################",
            "5#############", "LX############"),
    "dpd": ("%#######00############327276", "#######00############327276*",
            "##############", "##############*"),
    "gls": ("###########", "############", "@@@@#@@@"),
    "evri": ("H0#@@@##########", "################"),
    "royal-mail": ("@@#########GB",),
    "parcelforce": ("@@#######", "@@@@##########"),
    "australia-post": ("@@@#############", "34@@@##################", "@@#########AU"),
    "jd": ("JD00###########", "JDVA###########"),
    "sf": ("SF#############",),
    "yunexpress": ("YT################",),
    "yto": ("YT#############",),
    "jt-express": ("JT#############", "JX##########", "6###########"),
    "cainiao": ("LP##############", "621############"),
    "zto": ("78############",),
    "sto": ("77#############", "268#########"),
    "yunda": ("43#############", "#############"),
}  # fmt: skip
KINDS = {
    "#": string.digits,
    "@": string.ascii_uppercase,
    "*": string.digits + string.ascii_uppercase,
}
NONE = WaybillRules()
LISTS = ((), ("ups", "usps", "dhl"), ("fedex",), ("purolator",), ("gls",), ("dpd",), ("yunda",))


def only(carrier: str) -> WaybillRules:
    return WaybillRules(carriers=(carrier,))


def carrier_of(text: str, rules: WaybillRules) -> str | None:
    """The carrier that takes `text` for its number with nothing wrong, or None."""
    found = understand(text, rules)
    if isinstance(found, Waybill) and found.check is not CheckDigit.FAILED:
        return found.carrier
    return None


def digits(rng: random.Random, length: int) -> str:
    return f"{rng.randrange(10**length):0{length}}"


def valid(rng: random.Random, carrier: str, shape: str) -> Iterator[str]:
    """Numbers of that shape which their own carrier accepts."""
    while True:
        text = "".join(rng.choice(KINDS[char]) if char in KINDS else char for char in shape)
        if carrier_of(text, only(carrier)) == carrier:
            yield text


def false_accepts(rng: random.Random, samples: int) -> Section:
    rows = []
    for length in LENGTHS:
        texts = [digits(rng, length) for _ in range(samples)]
        found = [understand(text, NONE) for text in texts]
        named = sum(carrier_of(text, NONE) is not None for text in texts)
        sure = sum(isinstance(one, Waybill) and certain(one, NONE) for one in found)
        few = texts[: max(200, samples // 20)]
        alone = {
            carrier: sum(carrier_of(text, only(carrier)) is not None for text in few)
            for carrier in known_carriers()
        }
        worst = sorted(((-hits, carrier) for carrier, hits in alone.items() if hits))
        told = ", ".join(f"{carrier} {share(-hits, len(few))}" for hits, carrier in worst)
        rows.append((str(length), share(named, samples), share(sure, samples), told or "-"))
    header = ("digits", "named, no list", "certain, no list", "named, only this one listed")
    return Section("Random digits", header, tuple(rows))


def products(rng: random.Random, samples: int) -> Section:
    rows = []
    for name, length in PRODUCTS.items():
        texts: list[str] = []
        while len(texts) < samples // 4:
            if gs1(text := digits(rng, length)):
                texts.append(text)
        for listed in LISTS:
            rules = WaybillRules(carriers=listed)
            found = [understand(text, rules) for text in texts]
            refused = sum(isinstance(one, Refusal) for one in found)
            named = sum(isinstance(one, Waybill) and one.carrier is not None for one in found)
            asked = len(found) - refused - named
            if asked or named or not listed:
                cells = (share(part, len(found)) for part in (refused, asked, named))
                rows.append((name, ", ".join(listed) or "-", *cells))
    return Section(
        "Product codes", ("code", "site lists", "refused", "asked about", "taken"), tuple(rows)
    )


def collisions(rng: random.Random, samples: int) -> Section:
    rows = []
    for carrier, shapes in SHAPES.items():
        for shape in shapes:
            made = valid(rng, carrier, shape)
            texts = [next(made) for _ in range(max(100, samples // 100))]
            others = []
            for other in known_carriers():
                hits = sum(carrier_of(text, only(other)) == other for text in texts)
                if hits and other != carrier:
                    others.append(f"{other} {share(hits, len(texts))}")
            if others:
                rows.append((carrier, f"`{shape}`", ", ".join(others)))
    header = ("numbers of", "shape", "are also accepted as those of")
    return Section("Collisions of valid numbers", header, tuple(rows))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    missing = set(known_carriers()) - set(SHAPES)
    assert not missing, f"no shape for {missing}"
    for measure in (false_accepts, products, collisions):
        print(measure(random.Random(chosen.seed), chosen.samples).markdown(), end="\n\n")


if __name__ == "__main__":
    main()
