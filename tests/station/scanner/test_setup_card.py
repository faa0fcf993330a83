"""The set-up card scanned with every kind of keyboard: what is found out is what is the case."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from station.scanner.layouts import (
    ASCII,
    DEAD,
    KEYS,
    NOTHING,
    CapsLock,
    arrives,
    configured,
    layouts,
)
from station.scanner.setup_card import CARD_TEXT, GS, GS_KEY, Setup, Stroke, diagnose

US_FIRST = [("us", name) for name in layouts()] + [(name, name) for name in layouts()]
NUMBERS = ("1Z999AA10123456784", "%007160051965000000042501276", "PW:SLOT:sealed_box", "LX-12/3.Z")


def typed(
    text: str,
    scanner: str = "us",
    computer: str = "us",
    caps_lock: CapsLock = CapsLock.OFF,
    ends: tuple[str, ...] = ("enter",),
    gs: tuple[str, str | None] | None = (GS_KEY, "\x1d"),
    gap_s: float = 0.003,
) -> list[Stroke]:
    """The keys that such a scanner types on such a computer. A dead key shows its sign later."""
    strokes: list[Stroke] = []
    dead, now_s = "", 0.0
    for sign in text:
        now_s += gap_s
        if sign == GS:
            strokes += [Stroke(*gs, now_s)] if gs else []
            continue
        known = layouts()
        arrived = arrives(known[scanner], known[computer], caps_lock, sign)
        if arrived.startswith(DEAD) and len(arrived) > 1:
            dead = arrived[1]
        elif arrived != NOTHING:
            strokes += [Stroke(one, one, now_s) for one in (dead + arrived)]
            dead = ""
    return strokes + [Stroke(end, None, now_s + gap_s) for end in ends]


def applied(setup: Setup, strokes: list[Stroke]) -> str:
    """What the bench makes of keys with the settings that the set-up found."""
    chosen = setup.settings
    layout, own = chosen["layout"], chosen["characters"]
    assert isinstance(layout, str)
    assert isinstance(own, dict)
    translate = configured(layout, CapsLock(str(chosen["caps_lock"])), own)
    return translate("".join(stroke.character or "" for stroke in strokes))


def test_every_layout_has_all_keys_and_no_character_twice_where_it_matters() -> None:
    for layout in layouts().values():
        assert [len(level) for level in layout.levels] == [KEYS] * 3
    assert all(layouts()["us"].press(sign) for sign in ASCII)


@pytest.mark.parametrize(("scanner", "computer"), US_FIRST)
@pytest.mark.parametrize("caps_lock", list(CapsLock))
def test_after_the_set_up_codes_arrive_as_they_were_printed(
    scanner: str, computer: str, caps_lock: CapsLock
) -> None:
    if computer == "intl" and caps_lock is CapsLock.SHIFT:
        pytest.skip("its dead ^ before a digit gives ^ and the digit, as a key that is not dead")
    setup = diagnose(typed(CARD_TEXT, scanner, computer, caps_lock))
    assert not setup.why
    told = " ".join(setup.problems)
    for number in NUMBERS:
        arrived = applied(setup, typed(number, scanner, computer, caps_lock, ends=()))
        lost = [sign for sign in number if sign in told.partition(" cannot be told")[0]]
        assert lost or arrived == number


@pytest.mark.parametrize(
    ("computer", "number", "arrives_as"),
    [
        ("de", "ZY-1:2/3", "YZß1Ö2-3"),
        ("fr", "AZ-19", "QW)&ç"),
    ],
)
def test_a_scanner_as_it_is_new_on_a_foreign_computer(
    computer: str, number: str, arrives_as: str
) -> None:
    strokes = typed(number, "us", computer, ends=())
    assert "".join(stroke.character or "" for stroke in strokes) == arrives_as
    setup = diagnose(typed(CARD_TEXT, "us", computer))
    assert setup.settings["layout"] == f"us-{computer}"
    assert applied(setup, strokes) == number


ROWS = "1234567890-=qwertyuiop[]asdfghjkl;'\\zxcvbnm,./"


@pytest.mark.parametrize(
    ("computer", "row"),
    [
        ("uk", "1234567890-=qwertyuiop[]asdfghjkl;'#zxcvbnm,./"),
        ("de", "1234567890ß†qwertzuiopü+asdfghjklöä#yxcvbnm,.-"),
        ("ch", "1234567890'†qwertzuiopü†asdfghjklöä$yxcvbnm,.-"),
        ("fr", "&é\"'(-è_çà)=azertyuiop†$qsdfghjklmù*wxcvbn,;:!"),
        ("be", "&é\"'(§è!çà)-azertyuiop†$qsdfghjklmùµwxcvbn,;:="),
        ("it", "1234567890'ìqwertyuiopè+asdfghjklòàùzxcvbnm,.-"),
        ("es", "1234567890'¡qwertyuiop†+asdfghjklñ†çzxcvbnm,.-"),
        ("pt", "1234567890'«qwertyuiop+†asdfghjklçº†zxcvbnm,.-"),
        ("se", "1234567890+†qwertyuiopå†asdfghjklöä'zxcvbnm,.-"),
        ("dk", "1234567890+†qwertyuiopå†asdfghjklæø'zxcvbnm,.-"),
        ("jp", "1234567890-^qwertyuiop@[asdfghjkl;:]zxcvbnm,./"),
    ],
)
def test_the_keyboards_are_those_that_are_sold(computer: str, row: str) -> None:
    """As printed on their keys; † is a dead one."""
    known = layouts()
    typed_row = [arrives(known["us"], known[computer], CapsLock.OFF, sign) for sign in ROWS]
    assert "".join(sign[0] for sign in typed_row) == row


def test_a_scanner_that_agrees_with_its_computer_needs_no_setting() -> None:
    for name in layouts():
        setup = diagnose(typed(CARD_TEXT, name, name))
        assert setup.settings["layout"] == ""
        assert setup.settings["characters"] == {}


@pytest.mark.parametrize(
    ("ends", "shown", "terminator"),
    [
        (("enter",), ("CR",), "enter"),
        (("enter", "ctrl+j"), ("CR", "LF"), "enter"),
        (("ctrl+j",), ("LF",), "enter"),
        (("tab",), ("TAB",), "tab"),
        ((), (), "none"),
    ],
)
def test_the_terminator_is_found(
    ends: tuple[str, ...], shown: tuple[str, ...], terminator: str
) -> None:
    setup = diagnose(typed(CARD_TEXT, ends=ends))
    assert setup.ends == shown
    assert setup.settings["terminator"] == terminator
    assert ("no Enter or Tab" in " ".join(setup.problems)) is (not ends)


def test_an_aim_prefix_is_told_in_whatever_keys_it_comes() -> None:
    assert diagnose(typed("]C0" + CARD_TEXT, "us", "de")).aim
    assert diagnose(typed("]C0" + CARD_TEXT)).aim
    assert not diagnose(typed(CARD_TEXT)).aim


def test_any_other_prefix_is_a_problem() -> None:
    setup = diagnose(typed("b2" + CARD_TEXT))
    assert not setup.aim
    assert "b2 before each code" in setup.problems[0]


def test_a_separator_may_be_kept_swallowed_or_changed() -> None:
    assert diagnose(typed(CARD_TEXT)).separator == GS
    swallowed = diagnose(typed(CARD_TEXT, gs=None))
    assert not swallowed.separator
    assert not swallowed.problems
    changed = diagnose(typed(CARD_TEXT, gs=("tilde", "~")))
    assert changed.settings["characters"] == {"~": GS}
    assert "arrives as another key" in diagnose(typed(CARD_TEXT, gs=("f8", None))).problems[0]


def test_dead_keys_are_told() -> None:
    setup = diagnose(typed(CARD_TEXT, "us", "se"))
    assert setup.settings["layout"] == "us-se"
    assert "] cannot be told" in " ".join(setup.problems)


def test_caps_lock_is_told_and_undone() -> None:
    setup = diagnose(typed(CARD_TEXT, caps_lock=CapsLock.LETTERS))
    assert setup.settings["caps_lock"] == "letters"
    assert "switch it off" in setup.problems[0]
    setup = diagnose(typed(CARD_TEXT, "fr", "fr", CapsLock.SHIFT))
    assert setup.settings["caps_lock"] == "shift"


def test_a_keyboard_that_nobody_knows_is_mapped_character_by_character() -> None:
    swapped = str.maketrans("QWqw-", "WQwq!")
    strokes = [
        Stroke("x", sign.translate(swapped), place * 0.003)
        for place, sign in enumerate(CARD_TEXT.replace(GS, ""))
    ]
    setup = diagnose(strokes)
    assert setup.settings["layout"] == ""
    assert setup.settings["characters"] == {"W": "Q", "Q": "W", "w": "q", "q": "w", "!": "-"}


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_no_other_code_is_taken_for_the_card(text: str) -> None:
    setup = diagnose(typed(text))
    assert setup.why
    assert not setup.settings


@given(st.sampled_from(list(product(layouts(), layouts()))), st.sampled_from(list(CapsLock)))
def test_nothing_that_is_restored_is_wrong(pair: tuple[str, str], caps_lock: CapsLock) -> None:
    """With any two layouts a character comes back as itself, or is told as lost."""
    known = layouts()
    translate = configured("-".join(pair), caps_lock, {})
    for sign in ASCII:
        arrived = arrives(known[pair[0]], known[pair[1]], caps_lock, sign)
        if sign not in translate.lost:
            assert translate(arrived) == sign


def test_slow_scanners_get_a_wider_burst_and_are_told_where_that_cannot_help() -> None:
    assert diagnose(typed(CARD_TEXT, gap_s=0.003)).settings["burst_ms"] == 35
    slow = diagnose(typed(CARD_TEXT, gap_s=0.040))
    assert slow.settings["burst_ms"] == 60
    assert slow.settings["quiet_ms"] == 160
    assert not slow.problems
    assert "as slow as a person" in diagnose(typed(CARD_TEXT, gap_s=0.1)).problems[0]
