"""QTI: choice items of 2.0 to 2.2 and 3.0, alone or in a package, and packages of 3.0."""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from quizsvc import uploads
from quizsvc.core import exchange
from quizsvc.core.bankfile import Item, Vocabulary
from quizsvc.core.exchange import LETTERS, Choice, Draft, Reading, Rejected
from quizsvc.formats import markup

MANIFEST = "imsmanifest.xml"
MOST_MEMBERS = 2_000
MOST_ITEM_ELEMENTS = 5_000
MOST_PACKAGE_ELEMENTS = 120_000  # of all items together
MOST_TESTS, MOST_TEST_ELEMENTS = 5, 20_000
LANGUAGE = "zh-CN"
NAMESPACE = "http://www.imsglobal.org/xsd/imsqtiasi_v3p0"
PACKAGE_NAMESPACE = "http://www.imsglobal.org/xsd/qti/qtiv3p0/imscp_v1p1"
METADATA_NAMESPACE = "http://ltsc.ieee.org/xsd/LOM"
TEMPLATE = "https://purl.imsglobal.org/spec/qti/v3p0/rptemplates/match_correct.xml"

_SCHEMAS = "https://purl.imsglobal.org/spec/qti/v3p0/schema/xsd"
_METADATA_SCHEMA = "https://purl.imsglobal.org/spec/md/v1p3/schema/xsd/imsmd_loose_v1p3p2.xsd"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest a ZIP archive can say: the same items give the same bytes

_BROKEN = "这个文件不是完整的 QTI 题目，请从原来的系统重新导出。"
_BROKEN_PACKAGE = "这个压缩包打不开，可能损坏了。请从原来的系统重新导出。"
_OLD = "这是 QTI 1.2 的题目，这里能读 2.x 和 3.0。请在原来的系统里选 QTI 2.1 或 3.0 导出。"
_TOO_MUCH = f"这个题目包太大，一个包最多 {MOST_MEMBERS} 个文件。请分成几个包再上传。"
_NO_CHOICES = "题里没有选项。请在原来的系统里补上选项再导入。"
_INTERACTIONS = {
    "associateinteraction": "配对",
    "drawinginteraction": "画图",
    "extendedtextinteraction": "问答",
    "gapmatchinteraction": "拖放填空",
    "graphicassociateinteraction": "看图配对",
    "graphicgapmatchinteraction": "看图拖放",
    "graphicorderinteraction": "看图排序",
    "hotspotinteraction": "看图点选",
    "hottextinteraction": "划词",
    "inlinechoiceinteraction": "选词填空",
    "matchinteraction": "配对",
    "mediainteraction": "音视频",
    "orderinteraction": "排序",
    "positionobjectinteraction": "看图摆放",
    "selectpointinteraction": "看图点选",
    "sliderinteraction": "滑块",
    "textentryinteraction": "填空",
    "uploadinteraction": "上传",
}
_FEEDBACK = frozenset({"feedbackblock", "feedbackinline", "modalfeedback"})
_UNSEEN = frozenset({"cataloginfo", "rubricblock", "stylesheet", "templateblock", "templateinline"})
_AGAINST = re.compile("incorrect|wrong", re.IGNORECASE)
_ONLY_WRONG = "?"  # no identifier: what is told on a wrong answer, used when nothing else is told
_ITEM_TYPE = re.compile(r"imsqti_\w*item", re.IGNORECASE)
_TEST_TYPE = re.compile(r"imsqti_(?:test|assessment)", re.IGNORECASE)
_VERSION = re.compile(r"_v([23])p(\d)")

# The template match_correct sets SCORE and nothing else, so an item that tells something about a choice
# spells the same rule out and sets FEEDBACK as well.
_TELLING = """  <qti-response-processing>
    <qti-response-condition>
      <qti-response-if>
        <qti-match><qti-variable identifier="RESPONSE"/><qti-correct identifier="RESPONSE"/></qti-match>
        <qti-set-outcome-value identifier="SCORE"><qti-base-value base-type="float">1</qti-base-value>\
</qti-set-outcome-value>
      </qti-response-if>
      <qti-response-else>
        <qti-set-outcome-value identifier="SCORE"><qti-base-value base-type="float">0</qti-base-value>\
</qti-set-outcome-value>
      </qti-response-else>
    </qti-response-condition>
    <qti-set-outcome-value identifier="FEEDBACK"><qti-variable identifier="RESPONSE"/></qti-set-outcome-value>
  </qti-response-processing>
"""


def read_package(body: bytes) -> Reading:
    """Read the items of a package, in the order of its test, or else of its manifest."""
    archive = uploads.archive(body, broken=_BROKEN_PACKAGE, too_much=_TOO_MUCH, most_members=MOST_MEMBERS)
    place = min(
        (name for name in archive.names if posixpath.basename(name) == MANIFEST), key=len, default=None
    )
    if place is None:
        raise uploads.Unreadable(f"压缩包里没有 {MANIFEST}，不是 QTI 题目包。")
    manifest = markup.tree(archive.read(place), broken=f"压缩包里的 {MANIFEST} 不完整。")
    resources = _named(manifest, "resource")
    if any("imsqti_xmlv1p" in resource.get("type", "") for resource in resources):
        raise uploads.Unreadable(_OLD)
    folder = posixpath.dirname(place)
    order = _order(archive, folder, resources)
    found = _members(folder, resources, _ITEM_TYPE)
    found = found or [(path, Element("resource")) for path in order]  # some manifests name the test alone
    if not found:
        raise uploads.Unreadable("题目包的清单里一道题也没有。")
    if len(found) > MOST_MEMBERS:
        raise uploads.Unreadable(f"清单里写了 {len(found)} 道题，一个包最多读 {MOST_MEMBERS} 道。")
    found.sort(key=lambda pair: order.get(pair[0] or "", len(order)))
    allowance = _Allowance(MOST_PACKAGE_ELEMENTS)
    return _joined([_member(archive, path, resource, allowance) for path, resource in found])


def read_item(body: bytes) -> Reading:
    """Read one item outside a package."""
    root = markup.tree(body, broken=_BROKEN, most_elements=MOST_ITEM_ELEMENTS)
    if _name(root.tag) == "questestinterop":
        raise uploads.Unreadable(_OLD)
    if _name(root.tag) != "assessmentitem":
        raise uploads.Unreadable(_BROKEN)
    return _read(root, "第 1 题", ())


def write(items: Sequence[Item], vocabulary: Vocabulary, *, title: str) -> bytes:
    """Write items as a package of QTI 3.0; the same items give the same bytes."""
    members = {f"items/{item.code}.xml": _item(item, vocabulary) for item in items}
    members[MANIFEST] = _manifest(items, vocabulary, title)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in sorted(members.items()):
            member = zipfile.ZipInfo(name, _EPOCH)
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, text.encode(), zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def losses(item: Item) -> tuple[str, ...]:
    """Say what is lost of an item on its way through write() and read_package()."""
    return markup.losses(item)


class _Unfit(Exception):
    """An item that is not taken; its text says why."""


@dataclass(slots=True)
class _Allowance:
    """Elements that the items of a package may still have."""

    left: int

    def tree(self, body: bytes) -> Element:
        """Parse an item; one that breaks off is taken to have as many elements as it has room for."""
        most = min(MOST_ITEM_ELEMENTS, self.left)
        spent = min(most, len(body) // len("<a/>"))
        try:
            root = markup.tree(body, broken=_BROKEN, most_elements=most)
            spent = sum(1 for _ in root.iter())
        finally:
            self.left -= spent
        return root


def _member(archive: uploads.Archive, path: str | None, resource: Element, allowance: _Allowance) -> Reading:
    """One item of a package; whatever is wrong with it leaves the others alone."""
    place = path or resource.get("href", "")[:60]
    if path is None:
        return _refused(place, "", "清单里的文件名指到了压缩包外面，没有打开。请从原来的系统重新导出。")
    if path not in archive.names:
        return _refused(place, "", "清单里写了这道题，压缩包里却没有这个文件。请从原来的系统重新导出。")
    try:
        root = allowance.tree(archive.read(path))
    except uploads.Unreadable as unreadable:
        return _refused(place, "", str(unreadable))
    if _name(root.tag) != "assessmentitem":
        return _refused(place, "", _BROKEN)
    return _read(root, place, tuple(_keywords(resource)))


def _read(root: Element, place: str, tags: tuple[str, ...]) -> Reading:
    version = _VERSION.search(root.tag)
    form = f"QTI {version[1]}.{version[2]}" if version else "QTI"
    try:
        draft = _draft(root, place, tags)
    except _Unfit as unfit:
        return _refused(place, " ".join(root.get("title", "").split())[:40], str(unfit), form)
    left_out = markup.shows_pictures(root) or _named(root, "assessmentstimulusref")
    notes = (markup.NO_PICTURES,) if left_out else ()
    return Reading(form, (draft,), (), notes)


def _refused(place: str, text: str, reason: str, form: str = "QTI") -> Reading:
    return Reading(form, (), (Rejected(place, text, reason),))


def _joined(readings: Sequence[Reading]) -> Reading:
    return Reading(
        form=max((reading.form for reading in readings), default="QTI"),
        drafts=tuple(draft for reading in readings for draft in reading.drafts),
        rejected=tuple(one for reading in readings for one in reading.rejected),
        notes=tuple(dict.fromkeys(note for reading in readings for note in reading.notes)),
    )


def _inside(folder: str, href: str) -> str | None:
    """The name of a member, or None for a reference that leaves the archive."""
    name = unquote(href.partition("#")[0])
    if not name or "\\" in name or ":" in name or name.startswith("/"):
        return None
    path = posixpath.normpath(posixpath.join(folder, name))
    return None if path.startswith("..") else path


def _members(
    folder: str, resources: Sequence[Element], kind: re.Pattern[str]
) -> list[tuple[str | None, Element]]:
    """The files of a kind that a manifest names, each once however often it is named."""
    found: dict[str, tuple[str | None, Element]] = {}
    for resource in resources:
        if kind.search(resource.get("type", "")):
            href = resource.get("href", "")
            path = _inside(folder, href)
            found.setdefault(path or f"/{href}", (path, resource))
    return list(found.values())


def _order(archive: uploads.Archive, folder: str, resources: Sequence[Element]) -> dict[str, int]:
    """Where the tests of a package put its items; empty when they cannot be read."""
    order: dict[str, int] = {}
    for path, _ in _members(folder, resources, _TEST_TYPE)[:MOST_TESTS]:
        if path is None or path not in archive.names:
            continue
        try:
            test = markup.tree(archive.read(path), broken=_BROKEN, most_elements=MOST_TEST_ELEMENTS)
        except uploads.Unreadable:
            continue
        references = [
            _inside(posixpath.dirname(path), one.get("href", "")) for one in _named(test, "assessmentitemref")
        ]
        for item in filter(None, references):
            order.setdefault(item, len(order))
    return order


def _keywords(resource: Element) -> Iterator[str]:
    """The keywords of a resource, in LOM of any age: one in each language string."""
    for keyword in _named(resource, "keyword"):
        strings = [one for one in keyword.iter() if _name(one.tag) in ("string", "langstring")]
        yield from (one.text or "" for one in strings or (keyword,))


@lru_cache(maxsize=1024)
def _name(tag: str) -> str:
    """A name as both versions mean it: qti-simple-choice is simpleChoice."""
    return markup.local(tag).removeprefix("qti-").replace("-", "").lower()


def _attribute(element: Element, name: str) -> str:
    return next((value for key, value in element.items() if _name(key) == name), "")


def _named(element: Element, name: str) -> list[Element]:
    return [one for one in element.iter() if _name(one.tag) == name]


def _draft(root: Element, place: str, tags: tuple[str, ...]) -> Draft:
    exact = any(tag.startswith("topic:") for tag in tags)
    interaction = _interaction(root)
    options = [one for one in interaction if _name(one.tag) == "simplechoice"]
    identifiers = [_attribute(option, "identifier") for option in options]
    if not options:
        raise _Unfit(_NO_CHOICES)
    keys = _keys(root, interaction, identifiers)
    feedback = _feedback(root, options, exact=exact)
    choices = tuple(
        Choice(_words(option, exact=exact), identifier in keys, feedback.get(identifier, ""))
        for identifier, option in zip(identifiers, options, strict=True)
    )
    if not all(choice.text.strip() for choice in choices):
        raise _Unfit("有的选项里没有文字，请补上文字后再导入。")
    body = [one for one in root if _name(one.tag) == "itembody"]
    prompts = [one for one in interaction if _name(one.tag) == "prompt"]
    stem = "\n".join(filter(None, (_words(one, exact=exact) for one in (*body, *prompts))))
    if not stem.strip():
        raise _Unfit("题干里没有文字，请补上文字后再导入。")
    of_keys = dict.fromkeys(choice.note for choice in choices if choice.key and choice.note)
    return Draft(
        place=place,
        stem=stem,
        choices=choices,
        code=_attribute(root, "identifier").removeprefix("item-") if exact else "",
        explanation=feedback.get("", "") or "\n".join(of_keys),
        tags=tags or _pinned(options),
    )


def _interaction(root: Element) -> Element:
    """The one place where the item asks for a choice."""
    if _named(root, "templatedeclaration"):
        raise _Unfit("题目里有每次都会变的内容。请把它写成固定的文字再导入。")
    asked = [one for one in root.iter() if _name(one.tag).endswith("interaction")]
    others = [_name(one.tag) for one in asked if _name(one.tag) != "choiceinteraction"]
    if others:
        name = _INTERACTIONS.get(others[0], "其他类型的")
        raise _Unfit(f"这是{name}题，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。")
    if len(asked) > 1:
        raise _Unfit(f"一道题里有 {len(asked)} 处要作答。请拆成 {len(asked)} 道题再导入。")
    if not asked:
        raise _Unfit(_NO_CHOICES)
    return asked[0]


def _keys(root: Element, interaction: Element, identifiers: Sequence[str]) -> frozenset[str]:
    """Which choices are right: those that are declared so, or else those that score."""
    asked = _attribute(interaction, "responseidentifier")
    declared = [one for one in _named(root, "responsedeclaration") if _attribute(one, "identifier") == asked]
    single = _attribute(interaction, "maxchoices") == "1" or any(
        _attribute(one, "cardinality") == "single" for one in declared
    )
    keys = frozenset(
        (value.text or "").strip()
        for one in declared
        for correct in _named(one, "correctresponse")
        for value in _named(correct, "value")
    )
    if not keys:
        worth = {
            _attribute(entry, "mapkey"): _number(_attribute(entry, "mappedvalue"))
            for one in declared
            for entry in _named(one, "mapentry")
        }
        least = max(worth.values(), default=0.0) if single else 0.0
        keys = frozenset(key for key, value in worth.items() if value > 0 and value >= least)
    if not keys:
        raise _Unfit("没有写哪个选项是对的。请在原来的系统里设好正确答案再导出。")
    if not keys <= set(identifiers):
        raise _Unfit("正确答案指的选项不在题里。请在原来的系统里重新设好正确答案。")
    if single and len(keys) > 1:
        raise _Unfit("单选题有几个正确答案。请改成多选题，或者只留一个。")
    return keys


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _feedback(root: Element, options: Sequence[Element], *, exact: bool) -> dict[str, str]:
    """What is told after the answer, by the choice it is told about; "" for what everybody is told."""
    within = {
        told: _attribute(option, "identifier")
        for option in options
        for told in _named(option, "feedbackinline")
    }
    choices = {_attribute(option, "identifier") for option in options}
    found: dict[str, list[str]] = {}
    for told in root.iter():
        if _name(told.tag) in _FEEDBACK and _attribute(told, "showhide") != "hide":
            identifier = _attribute(told, "identifier")
            about = within.get(told, identifier if identifier in choices else "")
            if not about and _AGAINST.search(identifier):
                about = _ONLY_WRONG
            found.setdefault(about, []).append(markup.words(told, exact=exact))
    found.setdefault("", found.get(_ONLY_WRONG, []))
    return {about: "\n".join(filter(None, dict.fromkeys(texts))) for about, texts in found.items()}


def _words(element: Element, *, exact: bool) -> str:
    """What an element says before the answer, without the choices it may hold."""
    return markup.words(element, skip=_apart, exact=exact)


def _apart(element: Element) -> bool:
    name = _name(element.tag)
    return name in _FEEDBACK or name in _UNSEEN or name.endswith("interaction")


def _pinned(options: Sequence[Element]) -> tuple[str, ...]:
    """The tag for a last choice that alone keeps its place."""
    fixed = [_attribute(option, "fixed") == "true" for option in options]
    return (f"pinned:{len(options)}",) if sum(fixed) == 1 and fixed[-1] else ()


def _item(item: Item, vocabulary: Vocabulary) -> str:
    draft = exchange.draft_of(item, vocabulary)
    cardinality, most = ("multiple", 0) if item.kind == "multiple_choice" else ("single", 1)
    shuffled = str(item.kind != "true_false").lower()
    correct = "".join(
        f"<qti-value>{letter}</qti-value>"
        for letter, choice in zip(LETTERS, draft.choices, strict=False)
        if choice.key
    )
    choices = "".join(
        f'      <qti-simple-choice identifier="{letter}" fixed="{str(option.pinned).lower()}">'
        f"{_inline(option.text)}</qti-simple-choice>\n"
        for letter, option in zip(LETTERS, item.options, strict=False)
    )
    notes = [
        _modal("FEEDBACK", letter, choice.note)
        for letter, choice in zip(LETTERS, draft.choices, strict=False)
        if choice.note
    ]
    explanation = [_modal("SOLUTION", "EXPLANATION", draft.explanation)] if draft.explanation else []
    outcomes = [_outcome("SCORE", "single", "float", "0")]
    outcomes += [_outcome("FEEDBACK", cardinality, "identifier")] if notes else []
    outcomes += [_outcome("SOLUTION", "single", "identifier", "EXPLANATION")] if explanation else []
    processing = _TELLING if notes else f'  <qti-response-processing template="{TEMPLATE}"/>\n'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<qti-assessment-item xmlns="{NAMESPACE}" xmlns:xsi="{_INSTANCE}" '
        f'xsi:schemaLocation="{NAMESPACE} {_SCHEMAS}/imsqti_asiv3p0_v1p0.xsd" '
        f'identifier="item-{item.code}" title="{_title(item)}" adaptive="false" time-dependent="false" '
        f'xml:lang="{LANGUAGE}">\n'
        f'  <qti-response-declaration identifier="RESPONSE" cardinality="{cardinality}" base-type="identifier">\n'
        f"    <qti-correct-response>{correct}</qti-correct-response>\n"
        "  </qti-response-declaration>\n"
        f"{''.join(outcomes)}"
        "  <qti-item-body>"
        f'<qti-choice-interaction response-identifier="RESPONSE" shuffle="{shuffled}" max-choices="{most}">\n'
        f"      <qti-prompt>{_inline(draft.stem)}</qti-prompt>\n"
        f"{choices}    </qti-choice-interaction></qti-item-body>\n"
        f"{processing}{''.join(notes + explanation)}</qti-assessment-item>\n"
    )


def _manifest(items: Sequence[Item], vocabulary: Vocabulary, title: str) -> str:
    resources = "".join(
        f'    <resource identifier="item-{item.code}" type="imsqti_item_xmlv3p0" href="items/{item.code}.xml">\n'
        f"      <metadata>\n{_lom(_title(item), exchange.tags_of(item))}      </metadata>\n"
        f'      <file href="items/{item.code}.xml"/>\n    </resource>\n'
        for item in items
    )
    name = " ".join(title.split())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<manifest xmlns="{PACKAGE_NAMESPACE}" xmlns:xsi="{_INSTANCE}" '
        f'xsi:schemaLocation="{PACKAGE_NAMESPACE} {_SCHEMAS}/imsqtiv3p0_imscpv1p2_v1p0.xsd '
        f'{METADATA_NAMESPACE} {_METADATA_SCHEMA}" identifier="package">\n'
        "  <metadata>\n    <schema>QTI Package</schema>\n    <schemaversion>3.0.0</schemaversion>\n"
        f"{_lom(markup.escaped(name), ())}  </metadata>\n"
        f"  <organizations/>\n  <resources>\n{resources}  </resources>\n</manifest>\n"
    )


def _lom(title: str, tags: Sequence[str]) -> str:
    keywords = "".join(f"<keyword>{_string(markup.escaped(tag))}</keyword>\n" for tag in tags)
    return f'<lom xmlns="{METADATA_NAMESPACE}"><general><title>{_string(title)}</title>\n{keywords}</general></lom>\n'


def _string(text: str) -> str:
    return f'<string language="{LANGUAGE}">{text}</string>'


def _title(item: Item) -> str:
    return markup.escaped(" ".join(item.stem.split())[:40] or item.code)


def _inline(text: str) -> str:
    """A text between tags: a line break is an element there."""
    return "<br/>".join(map(markup.escaped, text.split("\n")))


def _outcome(name: str, cardinality: str, base: str, default: str = "") -> str:
    value = f"<qti-default-value><qti-value>{default}</qti-value></qti-default-value>" if default else ""
    return (
        f'  <qti-outcome-declaration identifier="{name}" cardinality="{cardinality}" base-type="{base}">'
        f"{value}</qti-outcome-declaration>\n"
    )


def _modal(outcome: str, identifier: str, text: str) -> str:
    return (
        f'  <qti-modal-feedback outcome-identifier="{outcome}" identifier="{identifier}" show-hide="show">'
        f"<qti-content-body><p>{_inline(text)}</p></qti-content-body></qti-modal-feedback>\n"
    )
