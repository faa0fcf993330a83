"""The page of a package that a person opens first, and the text that says how to check it.

One self-contained HTML file without a script, in English and Chinese, that plays what lies beside
it. Every text in it is hostile until escaped: scans, names and notes come from outside. Opens no
file and knows no archive.
"""

from __future__ import annotations

import datetime as dt
import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import quote

from storage.evidence import page_later
from storage.evidence.bag import Payload
from storage.evidence.page_parts import bad, both, table, time, visible
from storage.records import (
    CameraCheck,
    CheckDigit,
    Clip,
    Kind,
    LabelCheck,
    Session,
    Shot,
    Status,
    Waybill,
)

if TYPE_CHECKING:
    from storage.evidence.contents import Contents

STATUS = {
    Status.SEALED: ("sealed", "已封存"),
    Status.INTERRUPTED: ("interrupted", "中断"),
    Status.CANCELLED: ("cancelled", "已取消"),
    Status.OPEN: ("open", "进行中"),
}
KIND = {Kind.PACKING: ("packing", "打包"), Kind.RETURN: ("return", "退货")}
LABEL_CHECK = {
    LabelCheck.MATCH: ("label matches the tracking number", "面单与运单号一致"),
    LabelCheck.MISMATCH: ("label does NOT match the tracking number", "面单与运单号不一致"),
    LabelCheck.UNREADABLE: ("label could not be read", "面单无法识别"),
}

CHECK_DIGIT = {
    CheckDigit.OK: ("correct", "正确"),
    CheckDigit.FAILED: ("WRONG: the number was recorded as it was scanned", "错误：按扫描内容记录"),
    None: ("none, or not checked", "无，或未校验"),
}

# The page runs no script and reaches no network, whatever a scanned text may hold.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' file:; media-src 'self' file:"
)

STYLE = """
body{font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei",sans-serif;margin:0 auto;
max-width:1080px;padding:24px;color:#1b1f24;background:#fff}
h1{font-size:30px;margin:0;overflow-wrap:anywhere}h2{margin:40px 0 8px;padding-top:16px;
border-top:3px solid #0059a8}h3{margin:24px 0 8px}.zh{color:#57606a;font-weight:normal}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:4px 12px
4px 0;border-bottom:1px solid #d0d7de;overflow-wrap:anywhere}th{width:260px;font-weight:600}
video,img{width:100%;background:#000;border-radius:4px}img{background:none}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:16px}
figure{margin:0}figcaption{font-size:14px}code{font-size:12px;overflow-wrap:anywhere}
.bad{background:#a62b00;color:#fff;padding:0 6px}.good{color:#007a5a;font-weight:600}
@media print{video{display:none}}
"""


def page(contents: Contents, exported_at: dt.datetime) -> str:
    """The HTML of a package that holds this."""
    names = {(item.session, item.source): item.name for item in contents.payload}
    numbers = {contents.numbers[session.id] for session in contents.sessions}
    title = visible(", ".join(sorted(numbers)))
    body = "".join(_session(session, contents, names) for session in contents.sessions)
    said = {document.id: contents.amended(document.id) for document in contents.documents}
    body += page_later.documents(
        contents.documents, contents.damaged_documents, contents.groups, said, names
    )
    body += _checks(contents.checks, contents.damaged_checks, names)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head><body>"
        f"<p>{both('Evidence of tracking number', '运单证据')}</p><h1>{title}</h1>"
        f"<p>{both('Exported', '导出时间')} {time(exported_at)}. "
        f"{both('How to check this package', '如何核验')}: "
        f'<a href="VERIFY.txt">VERIFY.txt</a></p>{body}{_proof(contents)}'
        f"{_file_table(contents.payload)}</body></html>\n"
    )


def _proof(contents: Contents) -> str:
    """The ledger's head and the keys: what this package can be compared with elsewhere."""
    rows = [("Head of the ledger", "账本最新条目", f"<code>{contents.head}</code>")]
    for change in contents.keys:
        by = both("endorsed by", "由前一密钥认可") + f" <code>{change.endorsed_by}</code>"
        first = change is contents.keys[0]
        words = "" if first else by if change.endorsed_by else bad(both("not endorsed", "未经认可"))
        value = f"<code>{change.key}</code> {visible(change.at)} {words}"
        rows.append(("Key of the archive", "档案密钥", value))
    return f"<h2>{both('Proof', '证明')}</h2>{table(rows)}"


def _session(session: Session, contents: Contents, names: Mapping[tuple[str, str], str]) -> str:
    number, amendments = contents.numbers[session.id], contents.amended(session.id)
    orders = contents.orders.get(number, ())
    gone = page_later.gone(amendments)
    rows = [
        *page_later.number_rows(session.waybill.number, number),
        ("Carrier", "承运商", visible(session.waybill.carrier or "–")),
        ("Check digit", "校验码", _check_digit(session.waybill)),
        ("Orders", "订单", visible(", ".join(orders) or "–")),
        ("Status", "状态", _status(session)),
        ("Opened", "开始", time(session.opened_at)),
        ("Sealed", "封存", time(session.sealed_at)),
        ("Bench", "工作台", visible(session.bench)),
        ("Packer", "打包员", visible(session.packer or "–")),
        ("Required photos missing", "缺少的照片", visible(", ".join(session.missing) or "–")),
        ("Scanned text", "扫描原文", f"<code>{visible(session.waybill.raw)}</code>"),
        ("Session", "会话编号", f"<code>{session.id}</code>"),
    ]
    rows += [
        (
            "Stretch without video",
            "无录像时段",
            f'<span class="bad">{visible(gap.camera)}</span> {time(gap.started_at)} – '
            f"{time(gap.ended_at)}: {visible(gap.cause)}",
        )
        for gap in session.gaps
    ]
    rows += [("Note", "备注", f"{time(note.at)}: {visible(note.text)}") for note in session.notes]
    rows += page_later.amendment_rows(amendments)
    clips = "".join(_clip(clip, names.get((session.id, clip.path))) for clip in session.clips)
    shots = "".join(_shot(shot, names.get((session.id, shot.path))) for shot in session.shots)
    if gone:
        clips, shots = gone, ""
    kind = both(*KIND[session.kind])
    return (
        f"<h2>{kind} · {both(f'pass {session.pass_no}', f'第 {session.pass_no} 次')}</h2>"
        f"{table(rows)}<h3>{both('Video', '录像')}</h3>{clips or '–'}"
        f'<h3>{both("Photos", "照片")}</h3><div class="grid">{shots or "–"}</div>'
    )


def _status(session: Session) -> str:
    reason = f" ({visible(session.reason)})" if session.reason else ""
    css = "good" if session.status is Status.SEALED else "bad"
    return f'<span class="{css}">{both(*STATUS[session.status])}</span>{reason}'


def _check_digit(waybill: Waybill) -> str:
    words = both(*CHECK_DIGIT[waybill.check])
    return f'<span class="bad">{words}</span>' if waybill.check is CheckDigit.FAILED else words


def _clip(clip: Clip, name: str | None) -> str:
    seconds = clip.duration_ms / 1000
    copied = (
        both("; time and number in its subtitles", "；时间和单号在字幕中") if clip.copied else ""
    )
    caption = (
        f"{visible(clip.camera)} · {clip.part} · {time(clip.started_at)} · {seconds:.1f} s · "
        f"{clip.width}×{clip.height} · "
        + both(
            f"{clip.pre_roll_ms / 1000:.1f} s before the scan",
            f"扫描前 {clip.pre_roll_ms / 1000:.1f} 秒",
        )
        + copied
    )
    source = html.escape(quote(name or ""))
    return (
        f'<figure><video controls preload="metadata" src="{source}"></video>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _shot(shot: Shot, name: str | None) -> str:
    source = html.escape(quote(name or ""))
    check = ""
    if shot.label_check is not None:
        css = "good" if shot.label_check is LabelCheck.MATCH else "bad"
        english, chinese = LABEL_CHECK[shot.label_check]
        if shot.label_read:
            number = visible(shot.label_read)
            english, chinese = f"{english}: it shows {number}", f"{chinese}：面单显示 {number}"
        check = f' · <span class="{css}">{both(english, chinese)}</span>'
    return (
        f'<figure><a href="{source}"><img loading="lazy" src="{source}" alt="{visible(shot.slot)}">'
        f"</a><figcaption><b>{visible(shot.slot)}</b> · {time(shot.taken_at)}{check}</figcaption>"
        "</figure>"
    )


def _checks(
    checks: Sequence[Sequence[CameraCheck]],
    damaged: Sequence[str],
    names: Mapping[tuple[str, str], str],
) -> str:
    """What each camera could see when it was checked last; nothing when none was."""
    cameras = [camera for check in checks for camera in check]
    if not cameras and not damaged:
        return ""
    heads = [
        ("Time", "时间"),
        ("Bench", "工作台"),
        ("Camera", "相机"),
        ("Picture", "画面"),
        ("Frames a second", "帧率"),
        ("Smallest bar read", "可识读最小条宽"),
        ("Verdict", "结论"),
    ]
    head = "".join(f"<td>{both(*words)}</td>" for words in heads)
    lines = "".join(_check_line(camera, names.get((camera.id, camera.path))) for camera in cameras)
    lost = "".join(
        f'<p><span class="bad">{both("not as it was filed, left out", "已变动，未收入")}</span> '
        f"<code>{visible(check_id)}</code></p>"
        for check_id in damaged
    )
    title = both("Cameras checked before packing", "打包前的相机检查")
    return f"<h2>{title}</h2><table><tr>{head}</tr>{lines}</table>{lost}"


def _check_line(check: CameraCheck, name: str | None) -> str:
    size = f"{check.width}×{check.height}"
    module = "–" if check.module_mm is None else f"{check.module_mm:.2f} mm"
    verdict = ("good", "良好") if check.verdict == "good" else ("poor", "不佳")
    css = "good" if check.verdict == "good" else "bad"
    values = [
        time(check.at),
        visible(check.bench),
        visible(check.camera),
        size if name is None else f'<a href="{html.escape(quote(name))}">{size}</a>',
        f"{check.fps:.1f}",
        module,
        f'<span class="{css}">{both(*verdict)}</span> {visible(check.advice)}',
    ]
    return "<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>"


def _file_table(payload: Sequence[Payload]) -> str:
    lines = "".join(
        f'<tr><td><a href="{html.escape(quote(item.name))}">{visible(item.name)}</a></td>'
        f"<td>{item.size_bytes}</td><td><code>{visible(item.sha256)}</code></td></tr>"
        for item in payload
    )
    return (
        f"<h2>{both('Files', '文件')}</h2><table><tr><td>{both('file', '文件')}</td>"
        f"<td>{both('bytes', '字节')}</td><td>SHA-256</td></tr>{lines}</table>"
    )


HOW_TO_VERIFY = """\
HOW TO CHECK THIS PACKAGE                                                       如何核验本证据包

1. With PackWitness / 使用 PackWitness:

       packwitness verify evidence-....zip

2. Without it: unpack the ZIP, open a terminal in its folder.
   没有该软件时：解压后在此文件夹打开终端。

   Linux:
       sha256sum -c manifest-sha256.txt
       sha256sum -c tagmanifest-sha256.txt
   macOS:
       shasum -a 256 -c manifest-sha256.txt
       shasum -a 256 -c tagmanifest-sha256.txt
   Windows (PowerShell), for both lists / 两个清单都要核对:
       Get-Content manifest-sha256.txt | ForEach-Object {
         $hash, $name = $_ -split '  ', 2
         if ((Get-FileHash $name -Algorithm SHA256).Hash -ne $hash) { "CHANGED: $name" } }

   Every line must say OK (Windows: nothing may be printed).
   每一行都必须显示 OK（Windows：不应有任何输出）。

   The package is a BagIt bag (RFC 8493): other tools can validate it, too.

3. That the lists themselves were not made anew / 清单本身未被替换:

       sha256sum tagmanifest-sha256.txt

   is the digest of the package. The archive that it came from has it in its ledger ("exported").
   该值即证据包摘要，原档案的账本（ledger）中有同一记录（"exported"）。

4. Each session's session.json was sealed before the export. manifest.json, part "ledger", holds the
   ledger's entries: for each of them
       SHA-256(previous + body) = hash
   and the entry "sealed", "cancelled" or "interrupted" names the SHA-256 of that session.json, and
   the key that signed it. So do entries for camera checks, documents and amendments.
   manifest.json 的 "ledger" 部分：每一条都满足 SHA-256(previous + body) = hash，
   其中封存条目记录了 session.json 的 SHA-256 及其签名密钥。

5. That the archive's key signed it (OpenSSL 3; KEY is the "key" that manifest.json names).
   由档案密钥签名（KEY 为 manifest.json 中的 "key"）:

       openssl pkeyutl -verify -pubin -inkey keys/KEY.pem -rawin \\
         -in tagmanifest-sha256.txt -sigfile tagmanifest-sha256.sig
       openssl pkeyutl -verify -pubin -inkey keys/KEY.pem -rawin \\
         -in data/SESSION/session.json -sigfile data/SESSION/session.sig

   Whether the key is the archive's own is known to whoever has a copy of it from before: an older
   package, a checkpoint, the archive itself.
   密钥是否属于该档案，可与此前的证据包、检查点或档案本身中的密钥比对。

6. That the archive still has the same past: manifest.json, part "head", is the newest entry of its
   ledger at the time of the export.
   档案历史未被改写：与导出时的账本最新条目比对。

       packwitness verify --archive DIR --against evidence-....zip
"""
