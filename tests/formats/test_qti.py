"""QTI: items of 2.x and 3.0 are understood, and our own come back from a sound package as they were."""

import io
import re
import time
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc import formats
from quizsvc.core import exchange
from quizsvc.core.bankfile import Explanation, Item, Option
from quizsvc.core.exchange import Choice, Draft, Reading, Rejected
from quizsvc.formats import markup, qti
from quizsvc.formats.qti import MOST_MEMBERS
from quizsvc.uploads import Unreadable
from tests.formats.strategies import DEFAULTS, VOCABULARY, items
from tests.patience import in_time

relaxed = settings(deadline=None, database=None, max_examples=25)

SECOND = """<?xml version="1.0" encoding="UTF-8"?>
<assessmentItem xmlns="http://www.imsglobal.org/xsd/imsqti_v2p1" identifier="i1" title="刷单" adaptive="false"
    timeDependent="false">
  <responseDeclaration identifier="RESPONSE" cardinality="single" baseType="identifier">
    <correctResponse><value> c2 </value></correctResponse>
  </responseDeclaration>
  <outcomeDeclaration identifier="FEEDBACK" cardinality="single" baseType="identifier"/>
  <itemBody>
    <p>同学说先垫付，
       <b>再</b>返利。</p>
    <rubricBlock view="scorer"><p>评分说明</p></rubricBlock>
    <choiceInteraction responseIdentifier="RESPONSE" shuffle="true" maxChoices="1">
      <prompt>可信吗？</prompt>
      <simpleChoice identifier="c1">可信
        <feedbackInline outcomeIdentifier="FEEDBACK" identifier="c1" showHide="show">再想想</feedbackInline>
      </simpleChoice>
      <simpleChoice identifier="c2">不可信</simpleChoice>
      <simpleChoice identifier="c3" fixed="true">都不是</simpleChoice>
    </choiceInteraction>
  </itemBody>
  <responseProcessing template="http://www.imsglobal.org/question/qti_v2p1/rptemplates/match_correct"/>
  <modalFeedback outcomeIdentifier="FEEDBACK" identifier="correct" showHide="show">
    <p>返利是诱饵。</p>
  </modalFeedback>
  <modalFeedback outcomeIdentifier="FEEDBACK" identifier="incorrect" showHide="show">答错了</modalFeedback>
  <modalFeedback outcomeIdentifier="FEEDBACK" identifier="c3" showHide="show">看清楚</modalFeedback>
  <modalFeedback outcomeIdentifier="FEEDBACK" identifier="c2" showHide="hide">没选对</modalFeedback>
</assessmentItem>
"""

THIRD = """<?xml version="1.0" encoding="UTF-8"?>
<q:qti-assessment-item xmlns:q="http://www.imsglobal.org/xsd/imsqtiasi_v3p0" identifier="i2" title="停一停"
    adaptive="false" time-dependent="false">
  <q:qti-response-declaration identifier="R" cardinality="multiple" base-type="identifier">
    <q:qti-correct-response><q:qti-value>A</q:qti-value><q:qti-value>B</q:qti-value></q:qti-correct-response>
  </q:qti-response-declaration>
  <q:qti-item-body><q:div>
    <q:qti-choice-interaction response-identifier="R" max-choices="0">
      <q:qti-prompt>哪些要停一停？</q:qti-prompt>
      <q:qti-simple-choice identifier="A"><q:p>垫付</q:p></q:qti-simple-choice>
      <q:qti-simple-choice identifier="B">保密</q:qti-simple-choice>
      <q:qti-simple-choice identifier="C">问家长</q:qti-simple-choice>
    </q:qti-choice-interaction></q:div>
  </q:qti-item-body>
</q:qti-assessment-item>
"""

SECOND_DRAFT = Draft(
    "第 1 题",
    "同学说先垫付， 再返利。\n可信吗？",
    (Choice("可信", note="再想想"), Choice("不可信", True), Choice("都不是", note="看清楚")),
    explanation="返利是诱饵。",
    tags=("pinned:3",),
)
THIRD_DRAFT = Draft(
    "第 1 题", "哪些要停一停？", (Choice("垫付", True), Choice("保密", True), Choice("问家长"))
)
OUTSIDE = "清单里的文件名指到了压缩包外面，没有打开。请从原来的系统重新导出。"
MISSING = "清单里写了这道题，压缩包里却没有这个文件。请从原来的系统重新导出。"
INCOMPLETE = "这个文件不是完整的 QTI 题目，请从原来的系统重新导出。"


# the order of the schema of 3.0: declarations, body, processing, feedback
ORDER = (
    "qti-response-declaration",
    "qti-outcome-declaration",
    "qti-item-body",
    "qti-response-processing",
    "qti-modal-feedback",
)
ALL = (
    *ORDER,
    "qti-choice-interaction",
    "qti-simple-choice",
    "qti-set-outcome-value",
)


@pytest.fixture
def example():
    """A plain item."""
    return Item(
        code="example-1",
        kind="single_choice",
        topic="brushing",
        audiences=("netizen",),
        difficulty=1,
        stem="哪个安全？",
        options=(Option("甲"), Option("乙", True), Option("丙")),
        explanation=Explanation("骗", "破", "应"),
        source="来源",
        reviewed_on=DEFAULTS.day,
    )


def packed(members: dict[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP archive of these members."""
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", method) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return body.getvalue()


def manifest(*hrefs: str, more: str = "", kind: str = "imsqti_item_xmlv2p1") -> str:
    """A manifest that names these items."""
    resources = "".join(
        f'<resource identifier="r{number}" type="{kind}" href="{href}"><file href="{href}"/></resource>'
        for number, href in enumerate(hrefs)
    )
    return (
        '<manifest xmlns="http://www.imsglobal.org/xsd/imscp_v1p1" identifier="m">'
        f"<organizations/><resources>{more}{resources}</resources></manifest>"
    )


def places(reading: Reading) -> list[str]:
    """Where the questions of a reading stand."""
    return [draft.place for draft in reading.drafts]


def refusal(body: bytes) -> str:
    """Why a package is not read."""
    with pytest.raises(Unreadable) as refused:
        qti.read_package(body)
    return str(refused.value)


def reason(text: str) -> str:
    """Why an item is not taken."""
    (rejected,) = qti.read_item(text.encode()).rejected
    return rejected.reason


def taken_back(*several: Item) -> tuple[Item, ...]:
    """The items after they were written, read and taken by a bank that knows nothing."""
    reading = qti.read_package(qti.write(several, VOCABULARY, title="题库"))
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert (reading.form, reading.notes, rejected) == ("QTI 3.0", (), ())
    return tuple(one.item for one in taken)


def written(item: Item) -> dict[str, str]:
    """The members of a package with one item."""
    with zipfile.ZipFile(io.BytesIO(qti.write([item], VOCABULARY, title="题库"))) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def test_an_item_of_the_second_version_is_read():
    assert qti.read_item(SECOND.encode()) == Reading("QTI 2.1", (SECOND_DRAFT,))


def test_an_item_of_the_third_version_is_read_under_any_prefix():
    assert qti.read_item(THIRD.encode()) == Reading("QTI 3.0", (THIRD_DRAFT,))


def test_choices_that_score_are_right_where_no_answer_is_declared():
    worth = {"c1": "0.5", "c2": "1", "c3": "none"}
    entries = "".join(f'<mapEntry mapKey="{key}" mappedValue="{value}"/>' for key, value in worth.items())
    text = SECOND.replace(
        "<correctResponse><value> c2 </value></correctResponse>", f"<mapping>{entries}</mapping>"
    )
    (single,) = qti.read_item(text.encode()).drafts
    assert [choice.key for choice in single.choices] == [False, True, False]
    text = text.replace('cardinality="single" baseType', 'cardinality="multiple" baseType', 1)
    (several,) = qti.read_item(text.replace('maxChoices="1"', 'maxChoices="0"').encode()).drafts
    assert [choice.key for choice in several.choices] == [True, True, False]


def test_what_is_told_of_a_wrong_answer_explains_when_nothing_else_does():
    text = SECOND.replace('identifier="correct" showHide="show"', 'identifier="correct" showHide="hide"')
    (draft,) = qti.read_item(text.encode()).drafts
    assert draft.explanation == "答错了"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "choiceInteraction",
            "orderInteraction",
            "这是排序题，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。",
        ),
        (
            "<p>同学",
            '<textEntryInteraction responseIdentifier="X"/><p>同学',
            "这是填空题，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。",
        ),
        (
            "<p>同学",
            '<customInteraction responseIdentifier="X"/><p>同学',
            "这是其他类型的题，这里只收单选、多选和判断题。请在原来的系统里改成选择题，或者不导入它。",
        ),
        (
            "<p>同学",
            '<choiceInteraction responseIdentifier="X"/><p>同学',
            "一道题里有 2 处要作答。请拆成 2 道题再导入。",
        ),
        ("choiceInteraction", "div", "题里没有选项。请在原来的系统里补上选项再导入。"),
        ("simpleChoice", "p", "题里没有选项。请在原来的系统里补上选项再导入。"),
        (" c2 ", "c9", "正确答案指的选项不在题里。请在原来的系统里重新设好正确答案。"),
        ("<value> c2 </value>", "", "没有写哪个选项是对的。请在原来的系统里设好正确答案再导出。"),
        (
            'identifier="RESPONSE" card',
            'identifier="X" card',
            "没有写哪个选项是对的。请在原来的系统里设好正确答案再导出。",
        ),
        ("<value>", "<value>c1</value><value>", "单选题有几个正确答案。请改成多选题，或者只留一个。"),
        ("不可信", '<img src="a.png"/>', "有的选项里没有文字，请补上文字后再导入。"),
        (
            "<itemBody>",
            "<templateDeclaration/><itemBody>",
            "题目里有每次都会变的内容。请把它写成固定的文字再导入。",
        ),
    ],
)
def test_an_item_that_cannot_be_taken_is_rejected_with_a_way_on(old, new, said):
    assert reason(SECOND.replace(old, new)) == said


def test_an_item_that_only_shows_a_picture_is_rejected_and_noted():
    text = (
        SECOND.replace("同学说先垫付，", '<img src="a.png"/>')
        .replace("<b>再</b>返利。", "")
        .replace("可信吗？", "")
    )
    reading = qti.read_item(text.encode())
    assert reading.rejected == (Rejected("第 1 题", "刷单", "题干里没有文字，请补上文字后再导入。"),)
    (draft,) = qti.read_item(SECOND.replace("同学说", '<img src="a.png"/>').encode()).drafts
    assert draft.stem == "先垫付， 再返利。\n可信吗？"
    assert qti.read_item(SECOND.replace("同学说", '<img src="a.png"/>').encode()).notes == (
        markup.NO_PICTURES,
    )


def test_a_passage_kept_elsewhere_is_noted():
    reference = '<assessmentStimulusRef identifier="s" href="s.xml"/><itemBody>'
    reading = qti.read_item(SECOND.replace("<itemBody>", reference).encode())
    assert (reading.drafts, reading.notes) == ((SECOND_DRAFT,), (markup.NO_PICTURES,))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "<questestinterop/>",
            "这是 QTI 1.2 的题目，这里能读 2.x 和 3.0。请在原来的系统里选 QTI 2.1 或 3.0 导出。",
        ),
        ("<html/>", INCOMPLETE),
    ],
)
def test_other_documents_are_no_items(text, said):
    with pytest.raises(Unreadable, match=re.escape(said)):
        qti.read_item(text.encode())


def test_a_package_is_read_in_the_order_of_its_manifest():
    body = packed({"imsmanifest.xml": manifest("b%20b.xml", "a.xml"), "a.xml": SECOND, "b b.xml": THIRD})
    assert qti.read_package(body) == Reading(
        "QTI 3.0", (replace(THIRD_DRAFT, place="b b.xml"), replace(SECOND_DRAFT, place="a.xml"))
    )


@pytest.mark.parametrize("reference", ["assessmentItemRef", "qti-assessment-item-ref"])
def test_a_test_decides_the_order_of_what_it_names(reference):
    test = '<resource identifier="t" type="imsqti_test_xmlv2p1" href="tests/t.xml"/>'
    names = "".join(f'<{reference} href="../{name}"/>' for name in ("i/c.xml", "i/a.xml", "i/none.xml"))
    members = {f"i/{name}.xml": SECOND for name in "abc"}
    body = packed(
        {
            "imsmanifest.xml": manifest("i/a.xml", "i/b.xml", "i/c.xml", more=test),
            "tests/t.xml": f"<assessmentTest><testPart>{names}</testPart></assessmentTest>",
            **members,
        }
    )
    assert places(qti.read_package(body)) == ["i/c.xml", "i/a.xml", "i/b.xml"]


@pytest.mark.parametrize("test", ["", "<broken", "<assessmentTest/>"])
def test_a_test_that_says_nothing_leaves_the_order_alone(test):
    resource = '<resource identifier="t" type="imsqti_test_xmlv2p1" href="t.xml"/>'
    members = {"imsmanifest.xml": manifest("b.xml", "a.xml", more=resource), "a.xml": SECOND, "b.xml": SECOND}
    assert places(qti.read_package(packed({**members, **({"t.xml": test} if test else {})}))) == [
        "b.xml",
        "a.xml",
    ]


def test_a_manifest_may_name_the_test_alone():
    test = (
        '<resource identifier="t" type="imsqti_test_xmlv2p2" href="t.xml"><file href="i/a.xml"/></resource>'
    )
    references = '<assessmentItemRef href="i/b.xml"/><assessmentItemRef href="i/a.xml"/>'
    members = {
        "imsmanifest.xml": manifest(more=test),
        "t.xml": f"<assessmentTest>{references}</assessmentTest>",
        "i/a.xml": SECOND,
        "i/b.xml": THIRD,
    }
    assert places(qti.read_package(packed(members))) == ["i/b.xml", "i/a.xml"]


def test_a_package_in_a_folder_is_read_from_there():
    body = packed({"一/imsmanifest.xml": manifest("i/a.xml"), "一/i/a.xml": SECOND, "i/a.xml": THIRD})
    assert qti.read_package(body).drafts == (replace(SECOND_DRAFT, place="一/i/a.xml"),)


@pytest.mark.parametrize(
    "keyword",
    [
        "<keyword><string language='zh'>topic:police</string></keyword>",
        "<m:keyword xmlns:m='urn:m'>\n <m:langstring>topic:police</m:langstring>\n</m:keyword>",
        "<keyword>topic:police</keyword>",
    ],
)
def test_keywords_of_any_age_are_tags(keyword):
    resource = (
        '<resource identifier="r" type="imsqti_item_xmlv2p1" href="a.xml"><metadata><lom><general>'
        f"{keyword}</general></lom></metadata></resource>"
    )
    (draft,) = qti.read_package(packed({"imsmanifest.xml": manifest(more=resource), "a.xml": SECOND})).drafts
    assert (draft.tags, draft.code) == (("topic:police",), "i1")


@pytest.mark.parametrize(
    "href",
    [
        "../a.xml",
        "i/../../a.xml",
        "%2e%2e/a.xml",
        "/etc/hostname",
        "..\\a.xml",
        "C:\\a.xml",
        "file:///etc/hostname",
        "http://127.0.0.1:9/a.xml",
        "//127.0.0.1/a.xml",
        "",
    ],
)
def test_references_that_leave_the_archive_are_not_followed(href):
    body = packed({"imsmanifest.xml": manifest(href, "a.xml"), "a.xml": SECOND})
    reading = qti.read_package(body)
    assert (places(reading), reading.rejected) == (["a.xml"], (Rejected(href, "", OUTSIDE),))


@pytest.mark.parametrize("name", ["../../etc/a.xml", "/etc/a.xml"])
def test_an_archive_with_names_that_lead_outside_is_not_opened(name):
    body = packed({"imsmanifest.xml": manifest(name), name: SECOND})
    assert refusal(body) == "压缩包里有指向别处的文件名，没有打开。请重新打包再上传。"


def test_one_bad_file_leaves_the_others_alone():
    members = {
        "imsmanifest.xml": manifest("none.xml", "broken.xml", "page.xml", "laughs.xml", "deep.xml", "a.xml"),
        "broken.xml": "<assessmentItem>",
        "page.xml": "<html/>",
        "laughs.xml": '<!DOCTYPE a [<!ENTITY a "b">]><assessmentItem>&a;</assessmentItem>',
        "deep.xml": "<a>" * 100,
        "a.xml": SECOND,
    }
    reading = qti.read_package(packed(members))
    assert reading.drafts == (replace(SECOND_DRAFT, place="a.xml"),)
    assert [(one.place, one.reason) for one in reading.rejected] == [
        ("none.xml", MISSING),
        ("broken.xml", f"{INCOMPLETE}第 1 行第 17 个字符附近不合 XML 的规则。"),
        ("page.xml", INCOMPLETE),
        ("laughs.xml", "文件里有 DTD 或实体声明（<!DOCTYPE …>），为了安全没有打开。请去掉声明后再上传。"),
        ("deep.xml", "文件里的内容太多，或者一层套一层太深，没有打开。请分成几个文件再上传。"),
    ]


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"a.xml": SECOND}, "压缩包里没有 imsmanifest.xml，不是 QTI 题目包。"),
        ({"imsmanifest.xml": manifest()}, "题目包的清单里一道题也没有。"),
        (
            {"imsmanifest.xml": manifest("a.xml", kind="imsqti_xmlv1p2"), "a.xml": "<questestinterop/>"},
            "这是 QTI 1.2 的题目，这里能读 2.x 和 3.0。请在原来的系统里选 QTI 2.1 或 3.0 导出。",
        ),
        (
            {"imsmanifest.xml": "<manifest>"},
            "压缩包里的 imsmanifest.xml 不完整。第 1 行第 11 个字符附近不合 XML 的规则。",
        ),
        (
            {"imsmanifest.xml": manifest(*(f"{number}.xml" for number in range(10_000))), "0.xml": SECOND},
            f"清单里写了 10000 道题，一个包最多读 {MOST_MEMBERS} 道。",
        ),
        (
            {"imsmanifest.xml": "<!DOCTYPE m SYSTEM 'http://127.0.0.1:9/'><m/>"},
            "文件里有 DTD 或实体声明（<!DOCTYPE …>），为了安全没有打开。请去掉声明后再上传。",
        ),
    ],
)
def test_a_package_that_cannot_be_read_is_refused_at_once(members, said):
    body = packed({**members, "padding.bin": bytes(range(256)) * 40})
    started = time.process_time()
    assert refusal(body) == said
    assert in_time(time.process_time() - started, 2)


def test_a_package_of_too_many_files_is_refused():
    members = {f"{number}.xml": SECOND for number in range(MOST_MEMBERS)}
    assert refusal(packed({"imsmanifest.xml": manifest(*members), **members})) == (
        f"这个题目包太大，一个包最多 {MOST_MEMBERS} 个文件。请分成几个包再上传。"
    )


def test_what_is_no_archive_is_refused():
    assert refusal(b"PK\x03\x04 ...") == "这个压缩包打不开，可能损坏了。请从原来的系统重新导出。"


def test_a_package_full_of_hostile_items_is_done_with_in_time():
    hostile = ("<a>" * 60 + "</a>" * 60) * 1200
    members = {f"{number}.xml": f"<r>{hostile}{number}</r>" for number in range(50)}
    started = time.process_time()
    reading = qti.read_package(packed({"imsmanifest.xml": manifest(*members), **members}, zipfile.ZIP_STORED))
    assert len(reading.rejected) == 50
    assert in_time(time.process_time() - started, 2)


@pytest.mark.parametrize(
    ("more", "most_drafts"),
    [
        ("<b/>" * 20, MOST_MEMBERS - 1),
        ("<b/>" * 500, qti.MOST_PACKAGE_ELEMENTS // 522),
        ("<{0}a/><{0}b/><{0}c/>" * 10, MOST_MEMBERS - 1),
        ("词" * 900, MOST_MEMBERS - 1),
        ("<b>" + "<b/>" * 200, 0),
    ],
    ids=["few", "too many", "of many names", "long", "broken"],
)
def test_a_package_of_as_many_items_as_are_allowed_is_done_with_in_time(more, most_drafts):
    members = {
        f"{number}.xml": SECOND.replace("同学说", more.replace("{0}", f"n{number}") + "同学说")
        for number in range(MOST_MEMBERS - 1)
    }
    body = packed({"imsmanifest.xml": manifest(*members), **members})
    started = time.process_time()
    reading = qti.read_package(body)
    assert in_time(time.process_time() - started, 2)
    assert len(reading.drafts) + len(reading.rejected) == MOST_MEMBERS - 1
    assert len(reading.drafts) == most_drafts


def test_a_file_named_many_times_is_read_once():
    test = '<resource identifier="t{0}" type="imsqti_test_xmlv2p1" href="t.xml?{0}"/>'
    long = f"<r>{'<a/>' * 90_000}</r>"
    members = {
        "imsmanifest.xml": manifest(
            *(f"{'./' * (number % 9)}a.xml" for number in range(5_000)),
            more="".join(map(test.format, range(5_000))),
        ),
        "a.xml": SECOND,
        **{f"t.xml?{number}": long for number in range(60)},
    }
    body = packed(members, zipfile.ZIP_STORED)
    started = time.process_time()
    assert places(qti.read_package(body)) == ["a.xml"]
    assert in_time(time.process_time() - started, 2)


@relaxed
@given(st.lists(items(), min_size=1, max_size=3, unique_by=(lambda item: item.code, exchange.scene_and_stem)))
def test_items_come_back_as_they_were(several):
    assert [qti.losses(item) for item in several] == [()] * len(several)
    assert taken_back(*several) == tuple(several)


@relaxed
@given(items(extra="\x01\x1f\r"))
def test_an_item_that_does_not_come_back_was_told_so(item):
    assert qti.losses(item) or taken_back(item) == (item,)


@relaxed
@given(st.lists(items(extra="\x01\r"), max_size=4, unique_by=lambda item: item.code))
def test_a_package_holds_what_its_manifest_names_and_nothing_else(several):
    body = qti.write(several, VOCABULARY, title="题库 <1>")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        names = archive.namelist()
        documents = {name: markup.tree(archive.read(name), broken=name) for name in names}
    assert names == sorted(names)
    listed = documents.pop("imsmanifest.xml")
    resources = [one for one in listed.iter() if markup.local(one.tag) == "resource"]
    assert [one.get("href") for one in resources] == [f"items/{item.code}.xml" for item in several]
    assert set(documents) == {one.get("href") for one in listed.iter() if markup.local(one.tag) == "file"}
    identifiers = [listed.get("identifier"), *(one.get("identifier") for one in resources)]
    assert len(set(identifiers)) == len(identifiers)
    for resource in resources:
        item = documents[resource.get("href")]
        assert item.get("identifier") == resource.get("identifier")
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9._-]*", item.get("identifier"))


@relaxed
@given(items())
def test_an_item_follows_the_schema_and_names_only_what_it_declares(item):
    root = markup.tree(written(item)[f"items/{item.code}.xml"].encode(), broken="")
    assert {one.tag.partition("}")[0] for one in root.iter()} == {f"{{{qti.NAMESPACE}"}
    parts = [markup.local(one.tag) for one in root]
    assert parts == sorted(parts, key=ORDER.index)
    named = {name: [one for one in root.iter() if markup.local(one.tag) == name] for name in ALL}
    (response,) = named["qti-response-declaration"]
    (interaction,) = named["qti-choice-interaction"]
    outcomes = [one.get("identifier") for one in named["qti-outcome-declaration"]]
    choices = [one.get("identifier") for one in named["qti-simple-choice"]]
    assert response.get("identifier") == interaction.get("response-identifier") == "RESPONSE"
    assert [markup.local(one.tag) for one in interaction] == [
        "qti-prompt",
        *["qti-simple-choice"] * len(choices),
    ]
    assert len(set(choices)) == len(item.options)
    assert {one.text for one in response.iter() if markup.local(one.tag) == "qti-value"} == {
        identifier for identifier, option in zip(choices, item.options, strict=True) if option.key
    }
    several = item.kind == "multiple_choice"
    assert (response.get("cardinality"), interaction.get("max-choices")) == (
        ("multiple", "0") if several else ("single", "1")
    )
    for told in named["qti-modal-feedback"]:
        assert told.get("outcome-identifier") in outcomes
        assert told.get("identifier") in {*choices, "EXPLANATION"}
    assert {one.get("identifier") for one in named["qti-set-outcome-value"]} <= set(outcomes)
    notes = any(option.belief for option in item.options)
    assert [one.get("template") for one in named["qti-response-processing"]] == [
        None if notes else qti.TEMPLATE
    ]


def test_an_export_of_many_items_can_be_read_again(example):
    several = [replace(example, code=f"example-{number}", stem=f"第 {number} 题？") for number in range(250)]
    reading = formats.read(qti.write(several, VOCABULARY, title="题库"))
    taken, rejected = exchange.take(reading, {}, DEFAULTS, VOCABULARY)
    assert ([one.item for one in taken], rejected) == (several, ())


def test_the_same_items_give_the_same_bytes(example):
    body = qti.write([example], VOCABULARY, title="题库")
    assert body == qti.write([example], VOCABULARY, title="题库")
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert {(one.date_time, one.create_system) for one in archive.infolist()} == {
            ((1980, 1, 1, 0, 0, 0), 3)
        }


def test_a_pinned_option_keeps_its_place_elsewhere_too(example):
    item = replace(example, options=(*example.options[:2], Option("都不是", pinned=True)))
    text = written(item)["items/example-1.xml"]
    assert re.findall(r'fixed="(\w+)"', text) == ["false", "false", "true"]
    assert 'shuffle="true"' in text


def test_true_or_false_keeps_its_order(example):
    item = replace(example, kind="true_false", options=(Option("对"), Option("不对", True)))
    assert 'shuffle="false"' in written(item)["items/example-1.xml"]
