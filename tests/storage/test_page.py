"""What a package's page says, without a browser: nothing hostile in it acts, and nothing is left
out."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import unquote

import pytest

from storage.archive import Archive
from storage.evidence.contents import contents_of
from storage.evidence.events import What
from storage.evidence.page import words as page_words
from storage.evidence.page.page import SCRIPTS, page, script, style
from storage.evidence.stated import Stated
from storage.later import Change, EvidenceGroup, Role
from storage.records import (
    CheckDigit,
    EndReason,
    Gap,
    Kind,
    LabelCheck,
    Session,
    Status,
)
from storage.site_keys import site_signer
from tests.storage.arrivals import ANN
from tests.storage.desk import NUMBER, Desk
from tests.storage.viewing import folder_of, stated

HOSTILE = '\x1b[31m</script><script>alert(1)</script>\u202eevil" <img src=x onerror=y> <!-- \x00'
VOID = {"meta", "img", "br", "input"}
ELEMENTS = {"rect", "line", "circle"}


class Read(HTMLParser):
    """The elements of a page; whatever is not closed in its order ends the test."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(content)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len(dict(attrs)) == len(attrs), (tag, attrs)
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] not in ("script", "style"):
            self.text.append(data)

    def all(self, name: str) -> Iterator[str]:
        """Every value of an attribute."""
        return (value for _, told in self.found if (value := told.get(name)) is not None)

    @property
    def said(self) -> str:
        """All text of it, without its marks of direction."""
        return " ".join("".join(self.text).split())


def shown(archive: Archive, *sessions: Session) -> str:
    """The page of a package of these sessions."""
    contents = contents_of(archive, sessions)
    return page(contents, stated(contents, site_signer(archive.root), "{}"))


def hostile(desk: Desk) -> Session:
    """A session in which every text is hostile."""
    draft = desk.draft("JD0146")
    waybill = replace(
        draft.waybill, raw=HOSTILE + "\ud800", carrier=HOSTILE, check=CheckDigit.FAILED
    )
    draft = replace(draft, packer=HOSTILE, bench=HOSTILE, waybill=waybill)
    draft = replace(draft, required_slots=("item", "label", "x<b>y"))
    folder = desk.archive.open_session(draft).result()
    desk.clip(draft.id, folder)
    gap = Gap(f"third {HOSTILE}", desk.now, None, HOSTILE)
    desk.archive.add_gap(draft.id, gap).result()
    desk.shot(draft.id, folder, "label", 1, LabelCheck.MISMATCH, "<i>1Z</i>")
    desk.note(draft.id, HOSTILE)
    return desk.seal(draft.id, Status.INTERRUPTED, EndReason.RECOVERY, HOSTILE)


def test_nothing_hostile_acts_on_who_reads_it(desk: Desk, tmp_path: Path) -> None:
    session = hostile(desk)
    plain = HOSTILE.replace("\x00", "")
    desk.archive.note(ANN, session.id, plain).result()
    desk.archive.mark_test(ANN, session.id, plain).result()
    trace = tmp_path / "trace<script>.html"
    trace.write_text("<!doctype html><script>alert(2)</script>")
    desk.archive.file_document(ANN, trace, "JD0146", EvidenceGroup.TRACKING_TRACE).result()
    content = shown(desk.archive, session)
    assert {char for char in content if not char.isprintable()} == {"\n"}
    for harmful in ("<script>", "<img src=x", "<!-- ", "<b>y", "<i>1Z"):
        assert harmful not in content, harmful
    read = Read(content)
    assert sum(tag == "script" for tag, _ in read.found) == 2
    named = {name for _, told in read.found for name in told}
    assert not [name for name in named if name.startswith("on") or name == "style"]
    links = [*read.all("href"), *read.all("src")]
    assert all(re.fullmatch(r"#[\w-]*|[\w./-]+(#t=[\d.]+)?", link) for link in links), links
    assert not [link for link in links if link.endswith(".html")]
    assert "trace<script>.html" in read.said
    assert "\\u{202E}evil" in read.said


def test_a_site_whose_name_is_hostile_does_not_end_the_script(desk: Desk) -> None:
    contents = contents_of(desk.archive, [desk.pack()])
    told = Stated("{}", "0" * 64, contents.as_of, HOSTILE + "\u2028", "0" * 64)
    read = Read(page(contents, told))
    assert [tag for tag, _ in read.found].count("script") == 2


def test_only_its_own_script_and_style_are_allowed(desk: Desk) -> None:
    content = shown(desk.archive, desk.pack())
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', content)
    assert policy is not None
    allowed = dict(part.split(" ", 1) for part in policy[1].split("; "))
    assert allowed["default-src"] == "'none'"
    for name, ours in (("script-src", script()), ("style-src", style())):
        digest = base64.b64encode(hashlib.sha256(ours.encode()).digest()).decode()
        assert allowed[name] == f"'sha256-{digest}'"
        assert f">{ours}</" in content
    assert "unsafe" not in policy[1]
    assert "//" not in content


def test_the_same_evidence_gives_the_same_page(desk: Desk) -> None:
    session = desk.pack()
    assert shown(desk.archive, session) == shown(desk.archive, session)


def test_every_file_that_it_shows_or_opens_is_in_the_package(desk: Desk, tmp_path: Path) -> None:
    desk.check()
    picture = tmp_path / "damage & dent.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(20))
    session = desk.pack()
    desk.archive.file_document(ANN, picture, NUMBER, EvidenceGroup.MEDIA).result()
    folder = folder_of(desk.archive, [session, desk.pack(pass_no=2)], tmp_path / "package")
    read = Read((folder / "index.html").read_text(encoding="utf-8"))
    ids = set(read.all("id"))
    assert len(ids) == len(list(read.all("id")))
    links = {*read.all("href"), *read.all("src")}
    assert len(links) > 20
    for link in links:
        name, _, part = unquote(link).partition("#")
        assert (folder / name).is_file() if name else part in ids or not part, link
    evidence = {
        path for path in folder.rglob("data/*/*") if path.suffix in (".mp4", ".jpg", ".png")
    }
    assert {folder / unquote(link) for link in links if "#" not in link} >= evidence


@pytest.mark.parametrize("check", [*LabelCheck, None])
def test_the_label_check_is_told_in_a_glance(desk: Desk, check: LabelCheck | None) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.shot(session, folder, "label", 1, LabelCheck.MATCH)
    read_number = "1Z999AA10000000002" if check is LabelCheck.MISMATCH else ""
    if check is not None:
        desk.shot(session, folder, "label", 2, check, read_number)
    sealed = desk.seal(session)
    if check is None:
        draft, at = desk.open("JD0146")
        desk.clip(draft, at)
        sealed = desk.seal(draft)
    content = shown(desk.archive, sealed)
    tile = content.split("Label check")[1].split("</div>")[0]
    words, verdict = {
        LabelCheck.MATCH: ("Label matches", "good"),
        LabelCheck.MISMATCH: ("does NOT match", "bad"),
        LabelCheck.UNREADABLE: ("could not be read", "doubt"),
        None: ("No label was checked", "doubt"),
    }[check]
    assert words in tile
    assert f'class="sign {verdict}"' in tile
    assert read_number in tile
    top = Read(content.split('<section id="summary">')[1].split("</section>")[0]).said
    assert ("it shows 1Z999AA10000000002." in top) == (check is LabelCheck.MISMATCH)


def test_what_is_missing_or_unusual_stands_at_the_top(desk: Desk, tmp_path: Path) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.gap(session)
    desk.shot(session, folder, "item", 1)
    sealed = desk.seal(session, Status.INTERRUPTED, EndReason.RECOVERY, "power cut")
    other, _ = desk.open("OTHER")
    content = shown(desk.archive, sealed, desk.archive.find("OTHER")[0])
    top = Read(content.split('<section id="summary">')[1].split("</section>")[0]).said
    for told in (
        "Not complete",
        "Required photos: 1 of 2",
        "Missing: Label",
        "Gaps: 1, 2.0 s in all",
        "Required photos are missing: Label.",
        "The session was interrupted (power cut).",
        "Camera side did not record from 2026-11-22 12:00:02 UTC to 2026-11-22 12:00:04 UTC",
        other,
        "缺少必拍照片：面单。",
    ):
        assert told in top, told
    assert "Nothing is missing" not in top


def test_a_parcel_without_a_flaw_is_told_so(desk: Desk) -> None:
    content = shown(desk.archive, desk.pack())
    top = Read(content.split('<section id="summary">')[1].split("</section>")[0]).said
    for told in ("Complete", "Required photos: 2 of 2", "Without a gap", "Nothing is missing"):
        assert told in top, told
    assert 'class="sign bad"' not in content
    have = Read(content.split('<section id="completeness">')[1].split("</section>")[0]).said
    assert "Required photo: Item" in have
    assert "Documents: proof of value – none" not in have  # the dash is drawn by the style
    assert "Documents: proof of value 文件：价值证明 none in this package" in have


def test_a_photo_that_was_taken_again_is_told_from_the_one_that_counts(desk: Desk) -> None:
    session, folder = desk.open()
    for number in (1, 2):
        desk.shot(session, folder, "item", number)
    content = shown(desk.archive, desk.seal(session))
    first, second = content.split("item-01.jpg")[-1], content.split("item-02.jpg")[-1]
    assert content.count('class="retaken"') == content.count('class="counts"') == 1
    assert content.index('class="retaken"') < content.index('class="counts"')
    assert first and second


def test_each_event_opens_the_clip_that_shows_it(desk: Desk) -> None:
    session, folder = desk.open()
    desk.clip(session, folder)
    desk.note(session, "seen")
    desk.tick(60)
    desk.clip(session, folder, part=2)
    desk.note(session, "seen again")
    desk.tick(60)
    desk.note(session, "unseen")
    content = shown(desk.archive, desk.seal(session))
    lines = re.findall(r"<li>(.*?)</li>", content.split('<ol class="events">')[1].split("</ol>")[0])
    opened = [re.search(r'href="data/\w+/([\w-]+\.mp4)#t=([\d.]+)"', line) for line in lines]
    found = [None if match is None else match.groups() for match in opened]
    assert found == [
        ("overhead-01.mp4", "0.000"),
        ("overhead-01.mp4", "1.000"),
        ("overhead-02.mp4", "1.000"),
        None,
        None,
    ]
    assert "not in the video" in lines[3]


def test_a_bench_that_only_waits_has_no_lanes(desk: Desk) -> None:
    session, _ = desk.open()
    content = shown(desk.archive, desk.seal(session))
    assert "<svg" not in content
    assert "There is no video" in content


# ---------------------------------------------------------------------------- words


def test_every_word_is_there_in_both_languages_and_none_is_left_over() -> None:
    sources = "".join(
        path.read_text(encoding="utf-8") for path in Path(page_words.__file__).parent.glob("*.py")
    )
    used = set(re.findall(r"[\"'](\w+\.[\w-]+)[\"']", sources))
    for table, names in {
        "status": Status, "kind": Kind, "end": EndReason, "label": LabelCheck, "digit": CheckDigit,
        "event": What, "change": Change, "role": Role, "group": EvidenceGroup,
    }.items():  # fmt: skip
        for each in names:
            if f"{table}.{each}" != "event.note":
                page_words.pair(f"{table}.{each}")
                used.add(f"{table}.{each}")
    dynamic = {"slot", "note", "carrier", *re.findall(r"f[\"'](\w+)\.\{", sources)}
    for table, words in page_words._tables().items():
        for name, (english, chinese) in words.items():
            assert english
            assert chinese
            marks = [sorted(set(re.findall(r"\{(\w+)\}", each))) for each in (english, chinese)]
            assert marks[0] == marks[1], (table, name)
            known = table in dynamic or table == page_words.SCRIPT or f"{table}.{name}" in used
            assert known, (table, name)
    for key in used:
        if key.partition(".")[0] in page_words._tables() and not key.endswith(".js"):
            page_words.pair(key)


def test_the_script_says_nothing_that_there_are_no_words_for() -> None:
    sources = "".join(
        resources.files(page_words.VIEWER).joinpath(name).read_text() for name in SCRIPTS
    )
    said = re.findall(
        r'(?:report\([^,\n]+, |Malformed\(|must\([^\n]*, |say\(|tell\("\w+", |key = )"(\w+)"',
        sources,
    )
    assert len(set(said)) > 30
    assert set(said) == set(page_words.script_words())
