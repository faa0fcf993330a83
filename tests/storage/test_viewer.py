"""A package's page in a real browser: it plays, leads, shows large, and verifies its folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from playwright.sync_api import Page, expect

from storage.archive import Archive
from storage.records import LabelCheck
from storage.site_keys import SiteSigner, site_signer
from tests.storage.authorities import Chain, rsa_key
from tests.storage.desk import Desk
from tests.storage.packages import facts_of, remanifest
from tests.storage.viewing import CHROMIUM, Browser, folder_of

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs Chromium: install it to test what a package's page does"
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser that all tests share."""
    with Browser() as browser:
        yield browser


@pytest.fixture
def window(chromium: Browser) -> Iterator[Page]:
    """A fresh window, in English."""
    with chromium.window(locale="en-US") as window:
        yield window


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SiteSigner:
    """Who signs: two clips of two cameras, two photos."""
    return site_signer(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, site: SiteSigner) -> Path:
    """An unpacked package: do not change it."""
    root = tmp_path_factory.mktemp("made")
    with Archive.open(root / "archive") as archive:
        desk = Desk(archive)
        session, folder = desk.open()
        desk.clip(session, folder)
        desk.clip(session, folder, "side")
        desk.shot(session, folder, "item", 1)
        desk.shot(session, folder, "label", 2, LabelCheck.MATCH)
        return folder_of(archive, [desk.seal(session)], root / "package", site)


@pytest.fixture(scope="module")
def before(chromium: Browser, made: Path) -> Iterator[Page]:
    """A window that shows the page of the package, to verify one folder after the other."""
    with chromium.window(locale="en-US") as window:
        yield opened(window, made)


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """The same package, to be meddled with."""
    return Path(shutil.copytree(made, tmp_path / "evidence-1Z"))


def opened(window: Page, folder: Path) -> Page:
    """The window, showing the page in this folder."""
    window.goto((folder / "index.html").as_uri())
    return window


def verified(window: Page, folder: Path) -> str:
    """What the page says when somebody chooses this folder."""
    window.set_input_files("#folder", folder)
    return concluded(window)


def concluded(window: Page) -> str:
    """What the verification has come to."""
    window.wait_for_selector(".result strong")
    return plain(window.inner_text(".result"))


def plain(text: str) -> str:
    """Text in one line, without marks of direction."""
    return " ".join(re.sub("[\u2068\u2069]", "", text).split())


# ---------------------------------------------------------------------------- reading


@pytest.mark.parametrize(("locale", "shown", "other"), [
    ("en-US", "Evidence of tracking number", "运单证据"),
    ("zh-CN", "运单证据", "Evidence of tracking number"),
    ("de-DE", "Evidence of tracking number", "运单证据"),
])  # fmt: skip
def test_it_speaks_the_readers_language_and_the_other_on_demand(
    chromium: Browser, made: Path, locale: str, shown: str, other: str
) -> None:
    with chromium.window(locale=locale) as window:
        opened(window, made)
        assert shown in window.inner_text("header")
        assert other not in window.inner_text("header")
        window.click("[data-lang=en]" if shown == "运单证据" else "[data-lang=zh]")
        assert other in window.inner_text("header")
        assert shown not in window.inner_text("header")
        assert window.get_attribute("html", "lang") in ("en", "zh-Hans")


def test_without_its_script_all_can_be_read_in_both_languages_and_played(
    chromium: Browser, made: Path
) -> None:
    with chromium.window(java_script_enabled=False) as window:
        opened(window, made)
        shown = window.inner_text("body")
        for told in ("Evidence of tracking number", "运单证据", "Scripts are off", "VERIFY.txt"):
            assert told in shown
        assert window.locator("video[controls]").count() == 2
        assert not window.locator("#folder").is_visible()
        window.click(".events li:nth-child(4) a")
        assert re.search(r"/data/\w+/\w+-01\.mp4#t=[\d.]+$", window.url)


def test_it_asks_no_network_and_nothing_but_what_lies_beside_it(window: Page, made: Path) -> None:
    asked: list[str] = []
    window.on("request", lambda request: asked.append(request.url))
    opened(window, made)
    expect(window.locator("video").first).to_have_js_property("readyState", 4)
    verified(window, made)
    assert len(asked) >= 3
    assert all(url.startswith(made.as_uri()) for url in asked), asked


def test_times_can_be_had_in_the_readers_own_zone(chromium: Browser, made: Path) -> None:
    with chromium.window(locale="en-US", timezone_id="Asia/Shanghai") as window:
        opened(window, made)
        assert "12:00:01 – 12:00:06 UTC" in window.inner_text("#summary")
        window.click("[data-clock=local]")
        assert "20:00:01 – 20:00:06 UTC+08:00" in window.inner_text("#summary")
        assert "2026-11-22 20:00:02.0 UTC+08:00" in window.inner_text(".film")


def test_everything_to_press_has_a_name_and_nothing_runs_over_the_edge(
    chromium: Browser, made: Path
) -> None:
    for width in (1400, 390, 320):
        with chromium.window(locale="zh-CN", viewport={"width": width, "height": 800}) as window:
            opened(window, made)
            assert window.evaluate("document.documentElement.scrollWidth") == width
            unnamed = window.evaluate(
                """() => [...document.querySelectorAll("button, a, input, img, video, progress")]
                .filter((each) => !(each.ariaLabel || each.innerText?.trim() || each.alt ||
                    each.title || each.labels?.length || each.querySelector("img[alt]") ||
                    each.closest("dialog, details"))).map((each) => each.outerHTML)"""
            )
            assert unnamed == []


@pytest.mark.parametrize("element", ["header", "main"])
def test_all_text_stands_out_from_what_is_behind_it(window: Page, made: Path, element: str) -> None:
    opened(window, made)
    faint = window.evaluate(
        """(element) => {
        const light = (colour) => {
            const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((value) => value / 255)
                .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const behind = (node) => {
            for (let at = node; at; at = at.parentElement) {
                const colour = getComputedStyle(at).backgroundColor;
                if (!/, 0\\)$/.test(colour)) return colour;
            }
            return "rgb(255, 255, 255)";
        };
        const speaks = (node) => node.offsetParent &&
            [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
        return [...document.querySelectorAll(element + " *")].filter(speaks)
            .map((node) => [getComputedStyle(node).color, behind(node), node.outerHTML])
            .map(([one, two, html]) => [light(one), light(two), html])
            .filter(([one, two]) => (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05) < 4.5)
            .map(([, , html]) => html.slice(0, 120));
        }""",
        element,
    )
    assert faint == []


# ---------------------------------------------------------------------------- watching


def test_an_event_leads_to_its_moment_in_every_camera_that_saw_it(window: Page, made: Path) -> None:
    opened(window, made)
    videos = window.locator("video")
    for at in (0, 1):
        expect(videos.nth(at)).to_have_js_property("readyState", 4)
    window.click(".events li:has-text('Item') a")  # at second 4; the clips begin at 2 and 3
    expect(videos.nth(0)).to_have_js_property("currentTime", 2)
    expect(videos.nth(1)).to_have_js_property("currentTime", 1)
    expect(window.locator(".moment").nth(1)).to_have_text("2026-11-22 12:00:04.0 UTC")
    expect(window.locator(".events li.now")).to_contain_text("Item")
    window.click(".events li:has-text('Sealed') a")  # at second 6: the first clip has ended
    assert window.locator(".elsewhere").nth(0).is_visible()
    assert not window.locator(".elsewhere").nth(1).is_visible()


def test_a_place_on_the_lanes_leads_there_and_cameras_play_together(
    window: Page, made: Path
) -> None:
    opened(window, made)
    videos = window.locator("video")
    for at in (0, 1):
        expect(videos.nth(at)).to_have_js_property("readyState", 4)
    lanes = window.locator("svg[data-session]")
    width = lanes.evaluate("(each) => each.getBoundingClientRect().width")
    lanes.click(position={"x": width * 0.5, "y": 30})  # of the seconds 1 to 6
    seen = [videos.nth(each).evaluate("(each) => each.currentTime") for each in (0, 1)]
    assert seen == [pytest.approx(1.5, abs=0.02), pytest.approx(0.5, abs=0.02)]
    window.click(".speeds [data-speed='2']")
    window.click(".together .play")
    for each in (0, 1):
        expect(videos.nth(each)).to_have_js_property("playbackRate", 2)
        expect(videos.nth(each)).to_have_js_property("ended", True)
    expect(window.locator(".together")).not_to_have_class(re.compile("playing"))


def test_a_photo_is_seen_large_by_keys_alone(window: Page, made: Path) -> None:
    opened(window, made)
    window.focus(".photos a.zoom")
    window.keyboard.press("Enter")
    image = window.locator("#zoom img")
    assert image.is_visible()
    expect(image).to_have_js_property("naturalWidth", 160)
    expect(window.locator("#zoom .tools p")).to_contain_text("Item")
    whole = image.bounding_box()
    window.keyboard.press("+")
    closer = image.bounding_box()
    assert whole is not None
    assert closer is not None
    assert closer["width"] == pytest.approx(1.5 * whole["width"], rel=0.01)
    window.keyboard.press("0")
    assert image.bounding_box() == whole
    window.keyboard.press("ArrowRight")
    expect(window.locator("#zoom .tools p")).to_contain_text("Label matches the tracking number")
    window.keyboard.press("Escape")
    expect(image).to_be_hidden()
    expect(window.locator(".photos a.zoom[href$='label-02.jpg']")).to_be_focused()


def test_a_page_that_was_opened_inside_the_zip_says_what_to_do(
    window: Page, made: Path, tmp_path: Path
) -> None:
    opened(window, made)
    expect(window.locator("video").first).to_have_js_property("readyState", 4)
    assert not window.locator("#packed").is_visible()
    shutil.copy(made / "index.html", tmp_path)
    opened(window, tmp_path)
    expect(window.locator("#packed")).to_contain_text("Unpack the whole ZIP first")


def test_a_video_that_cannot_be_played_says_so_and_the_others_stay(
    window: Page, package: Path
) -> None:
    damaged = next(package.rglob("side-01.mp4"))
    damaged.write_bytes(b"no video")
    opened(window, package)
    expect(window.locator(".unplayable").nth(1)).to_contain_text("open it with a media player")
    assert not window.locator(".unplayable").nth(0).is_visible()
    assert not window.locator("#packed").is_visible()


# ---------------------------------------------------------------------------- verifying


def test_a_whole_folder_is_told_so_here_and_at_the_top(
    window: Page, made: Path, site: SiteSigner
) -> None:
    files = [path for path in made.rglob("*") if path.is_file()]
    said = verified(opened(window, made), made)
    assert f"Whole and signed All {len(files)} files" in said
    assert f"as they were signed for {site.name}" in said
    assert "Whole and signed" in window.inner_text("#checked")
    grouped = re.sub("(.{4})(?!$)", r"\1 ", site.fingerprint.upper())
    assert grouped in window.inner_text("#verify")


def _appended(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def _flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _removed(path: Path) -> None:
    path.unlink()


def _renamed(path: Path) -> None:
    path.rename(path.with_name("other-name.jpg"))


def _emptied(path: Path) -> None:
    path.write_bytes(b"")


DAMAGE: list[tuple[str, Callable[[Path], None], str]] = [
    ("overhead-01.mp4", _flipped, "overhead-01.mp4 was changed"),
    ("item-01.jpg", _appended, "item-01.jpg was changed"),
    ("item-01.jpg", _emptied, "item-01.jpg was changed"),
    ("item-01.jpg", _removed, "item-01.jpg is missing"),
    ("item-01.jpg", _renamed, "other-name.jpg does not belong here"),
    ("session.json", _flipped, "session.json was changed"),
    ("session.sig", _removed, "session.sig is missing"),
    ("report.pdf", _appended, "report.pdf was changed"),
    ("bag-info.txt", _flipped, "bag-info.txt was changed"),
    ("index.html", _appended, "index.html was changed"),
    ("manifest.json", _appended, "manifest.json was changed"),
    ("manifest.json", _removed, "manifest.json is missing"),
    ("manifest-sha256.txt", _appended, "manifest-sha256.txt was changed"),
    ("manifest-sha256.txt", _removed, "manifest-sha256.txt is missing"),
    ("tagmanifest-sha256.txt", _appended, "tagmanifest-sha256.txt.p7s is the signature of"),
    ("tagmanifest-sha256.txt", _removed, "tagmanifest-sha256.txt.p7s is the signature of"),
    ("tagmanifest-sha256.txt.p7s", _removed, "tagmanifest-sha256.txt.p7s is missing: the package"),
    ("tagmanifest-sha256.txt.p7s", _appended, "tagmanifest-sha256.txt.p7s is no signature"),
    ("manifest.json.p7s", _removed, "manifest.json.p7s is missing: the package is not signed"),
    ("manifest.json.p7s", _flipped, "manifest.json.p7s"),
    ("root.pem", _removed, "certificates/root.pem is no certificate"),
    ("root.pem", _flipped, "certificates/root.pem was changed"),
    ("signer.pem", _emptied, "certificates/signer.pem are not those of the signature"),
]


@pytest.mark.parametrize(
    ("name", "damage", "told"), DAMAGE, ids=[f"{name}{how.__name__}" for name, how, _ in DAMAGE]
)
def test_damage_is_found_and_named(
    before: Page, package: Path, name: str, damage: Callable[[Path], None], told: str
) -> None:
    damage(next(package.rglob(name)))
    said = verified(before, package)
    assert "NOT as it was signed" in said
    assert told in said
    assert "NOT as it was signed" in before.inner_text("#checked")


def test_lists_that_were_made_anew_do_not_hide_a_change(before: Page, package: Path) -> None:
    photo = next(package.rglob("item-01.jpg"))
    _appended(photo)
    remanifest(package)
    said = verified(before, package)
    assert "tagmanifest-sha256.txt.p7s is the signature of something else" in said
    assert "manifest.json does not tell of the same files as the lists" in said


def test_a_file_that_no_list_names_is_found_wherever_it_lies(before: Page, package: Path) -> None:
    for name in ("extra.txt", "data/extra.txt", "data/deep/er/extra.txt", "keys/extra.pem"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("extra")
    said = verified(before, package)
    assert "Problems found: 4" in said
    assert said.count("does not belong here: no list names it") == 4


def test_a_manifest_that_tells_otherwise_is_found_however_it_was_signed(
    before: Page, package: Path, site: SiteSigner
) -> None:
    facts = facts_of(package)
    facts["site"]["root_sha256"] = "0" * 64
    sized = facts["files"][0]
    sized["size_bytes"] += 1
    (package / "manifest.json").write_text(json.dumps(facts))
    remanifest(package, site)
    said = verified(before, package)
    assert "Problems found: 3" in said
    for told in (
        "manifest.json tells of another root certificate",
        f"{sized['path']} has another size than manifest.json tells",
        "manifest.json is not the one that this page was made for",
    ):
        assert told in said
    (package / "manifest.json").write_text("{}")
    remanifest(package, site)
    assert "manifest.json cannot be understood" in verified(before, package)


def test_what_the_computer_itself_left_there_is_told_and_forgiven(
    before: Page, package: Path
) -> None:
    (package / "data" / ".DS_Store").write_bytes(b"\0\0\0\1Bud1")
    said = verified(before, package)
    assert "Whole and signed" in said
    assert "Not part of the package, left there by the computer: data/.DS_Store" in said


def test_a_package_that_somebody_else_signed_is_not_this_one(
    before: Page, package: Path, tmp_path: Path
) -> None:
    forger = site_signer(tmp_path / "forger")
    (package / "certificates/root.pem").write_bytes(_pem(forger.root))
    (package / "certificates/signer.pem").write_bytes(_pem(forger.certificates[0]))
    remanifest(package, forger)
    said = verified(before, package)
    assert "certificates/root.pem is not the one that this page was made for" in said
    assert "manifest.json tells of another root certificate" not in said


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.PEM)


def test_a_signer_whom_the_root_does_not_know_is_refused(
    before: Page, package: Path, tmp_path: Path, site: SiteSigner
) -> None:
    forger = site_signer(tmp_path / "forger")
    remanifest(package, forger)
    (package / "certificates/root.pem").write_bytes(_pem(site.root))
    said = verified(before, package)
    assert "tagmanifest-sha256.txt.p7s does not lead to the root certificate" in said


@pytest.mark.parametrize("key", [None, rsa_key()], ids=["P-256", "RSA"])
def test_signers_of_other_kinds_and_with_an_authority_between_are_believed(
    window: Page, desk: Desk, tmp_path: Path, key: Any
) -> None:
    chain = Chain(key)
    signer = SiteSigner((*chain.certificates, chain.root), chain.key)
    folder = folder_of(desk.archive, [desk.pack()], tmp_path / "package", signer)
    assert "Whole and signed" in verified(opened(window, folder), folder)


def test_the_folder_above_will_do_and_another_folder_is_told(
    before: Page, package: Path, tmp_path: Path
) -> None:
    (tmp_path / "other.txt").write_text("not of the package")
    assert "Whole and signed" in verified(before, tmp_path)
    assert "There is no evidence package in it" in verified(before, package / "data")
    shutil.copytree(package, tmp_path / "again")
    assert "There are several packages in it" in verified(before, tmp_path)


def test_a_folder_can_be_dropped(window: Page, made: Path, package: Path) -> None:
    _appended(next(package.rglob("label-02.jpg")))
    opened(window, made)
    events = window.context.new_cdp_session(window)
    data = {"items": [], "files": [str(package)], "dragOperationsMask": 1}
    for kind in ("dragEnter", "dragOver", "drop"):
        events.send("Input.dispatchDragEvent", {"type": kind, "x": 200, "y": 200, "data": data})
    said = concluded(window)
    assert "Problems found: 1" in said
    assert "label-02.jpg was changed" in said


def test_a_long_file_is_hashed_in_pieces_and_the_wait_can_be_cut_short(
    window: Page, desk: Desk, tmp_path: Path, site: SiteSigner
) -> None:
    folder = folder_of(desk.archive, [desk.pack()], tmp_path / "package", site)
    long = folder / "data" / "long.mp4"
    with long.open("wb") as file:
        file.truncate(130 << 20)
        file.seek(100 << 20)
        file.write(b"not all zeros")
    remanifest(folder, site)
    said = verified(opened(window, folder), folder)
    assert "long.mp4 was changed" not in said
    assert "manifest.json does not tell of the same files" in said
    with long.open("r+b") as file:
        file.seek(100 << 20)
        file.write(b"N")
    window.set_input_files("#folder", folder)
    window.click("#cancel")
    said = concluded(window)
    assert said.startswith("! Cancelled")
    assert "data/long.mp4 was changed" in verified(window, folder)


def test_the_published_fingerprint_is_compared(before: Page, site: SiteSigner) -> None:
    compared = before.locator("#compared")
    for given, told in (
        (site.fingerprint, "Equal"),
        (f"sha256 Fingerprint={':'.join(re.findall('..', site.fingerprint.upper()))}", "Equal"),
        ("0" * 64, "DIFFERENT"),
        (site.fingerprint[:-1], "a-f; these are"),
        ("", ""),
    ):
        before.fill("#published", given)
        expect(compared).to_contain_text(told)
    assert compared.inner_text() == ""
