"""The parts of a package's page that tell what came after the seal: corrections and documents."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

from storage.evidence.page_parts import bad, both, time, visible
from storage.later import Amendment, Change, Document, EvidenceGroup, Role

CHANGE = {
    Change.REBOUND: ("belongs to tracking number", "改绑到运单号"),
    Change.NOTED: ("note", "备注"),
    Change.TEST: ("marked as a test recording", "标记为测试录像"),
    Change.HELD: ("held: must not be deleted", "保留：不得删除"),
    Change.REFILED: ("document belongs to tracking number", "文件改归运单号"),
    Change.UNDONE: ("taken back", "撤销"),
    Change.DELETED: ("files deleted by policy", "文件已按规定删除"),
}
ROLE = {
    Role.PACKER: ("packer", "打包员"),
    Role.CLAIMS: ("claims", "理赔"),
    Role.SUPERVISOR: ("supervisor", "主管"),
}
GROUP = {
    EvidenceGroup.TRACKING_TRACE: ("tracking trace", "物流轨迹"),
    EvidenceGroup.MEDIA: ("photos and video", "照片和录像"),
    EvidenceGroup.PROOF_OF_VALUE: ("proof of value", "价值证明"),
    EvidenceGroup.CORRESPONDENCE: ("correspondence", "往来函件"),
    EvidenceGroup.CLAIM_FORM: ("claim form", "理赔表"),
}


def number_rows(original: str, effective: str) -> list[tuple[str, str, str]]:
    """The tracking number that counts today, and the one that was scanned where it is another."""
    rows = [("Tracking number", "运单号", visible(effective))]
    if original != effective:
        rows.append(("Recorded as", "原记录运单号", bad(visible(original))))
    return rows


def amendment_rows(amendments: Iterable[Amendment]) -> list[tuple[str, str, str]]:
    """What was said later, oldest first, with who said it and when."""
    return [("Said later", "事后说明", _amendment(each)) for each in amendments]


def _amendment(said: Amendment) -> str:
    number = f" <b>{visible(said.number)}</b>" if said.number else ""
    group = f" ({both(*GROUP[said.group])})" if said.group else ""
    undone = f" <code>{visible(said.undoes)}</code>" if said.undoes else ""
    text = f": {visible(said.text)}" if said.text else ""
    who = f"{visible(said.by)}, {both(*ROLE[said.role])}"
    return f"{time(said.at)} · {both(*CHANGE[said.change])}{number}{group}{undone}{text} ({who})"


def gone(amendments: Iterable[Amendment]) -> str:
    """What stands where files would be that policy has deleted; '' where none were."""
    for said in amendments:
        if said.change is Change.DELETED:
            words = both(
                "The files were deleted by policy; what they were is in session.json",
                "文件已按规定删除；其记录见 session.json",
            )
            return f"<p>{bad(words)} {time(said.at)} {visible(said.text)}</p>"
    return ""


def documents(
    filed: Sequence[Document],
    damaged: Sequence[str],
    groups: Mapping[str, EvidenceGroup],
    said: Mapping[str, Sequence[Amendment]],
    names: Mapping[tuple[str, str], str],
) -> str:
    """The documents that were filed later, each with what was said of it; nothing for none."""
    if not filed and not damaged:
        return ""
    heads = [
        ("Document", "文件"),
        ("Group", "类别"),
        ("Filed", "归档时间"),
        ("By", "归档人"),
        ("Said later", "事后说明"),
    ]
    head = "".join(f"<td>{both(*words)}</td>" for words in heads)
    lines = "".join(
        _document(each, groups[each.id], said[each.id], names.get((each.id, each.path)))
        for each in filed
    )
    lost = "".join(
        f"<p>{bad(both('not as it was filed, left out', '已变动，未收入'))} "
        f"<code>{visible(document)}</code></p>"
        for document in damaged
    )
    title = both("Documents filed later", "后续归档文件")
    return f"<h2>{title}</h2><table><tr>{head}</tr>{lines}</table>{lost}"


def _document(
    document: Document, group: EvidenceGroup, said: Sequence[Amendment], name: str | None
) -> str:
    link = f'<a href="{html.escape(quote(name or ""))}">{visible(document.name)}</a>'
    values = [
        link,
        both(*GROUP[group]),
        time(document.filed_at),
        f"{visible(document.by)}, {both(*ROLE[document.role])}",
        "<br>".join(_amendment(each) for each in said) or "–",
    ]
    return "<tr>" + "".join(f"<td>{value}</td>" for value in values) + "</tr>"
