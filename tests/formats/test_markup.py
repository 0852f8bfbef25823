"""Markup of other systems: what a reader sees of it, and what a stranger's file may cost."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from quizsvc.formats import markup
from quizsvc.uploads import Unreadable
from tests.formats.strategies import items, texts
from tests.patience import in_time

SIZE = 2_000_000
TOO_MUCH = "文件里的内容太多，或者一层套一层太深，没有打开。请分成几个文件再上传。"
DECLARES = "文件里有 DTD 或实体声明（<!DOCTYPE …>），为了安全没有打开。请去掉声明后再上传。"


def refusal(body: bytes) -> str:
    """Why a document is not read."""
    with pytest.raises(Unreadable) as refused:
        markup.tree(body, broken="坏了。")
    return str(refused.value)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>转账&nbsp;前</p>\n<p>先  核实</p>", "转账 前\n先 核实"),
        ("一<br>二<br/>三<BR />四", "一\n二\n三\n四"),
        ("<ul><li>甲<li>乙</ul>", "甲\n乙"),
        ("<p><b>不</b>转<i>账</i></p>", "不转账"),
        ("1 &lt; 2 &amp;&amp; &#20013;&#x6587;", "1 < 2 && 中文"),
        ("1 < 2，<短信> 和 a<b", "1 < 2，<短信> 和 a<b"),
        ("&lt;b&gt;不是标签&lt;/b&gt;", "<b>不是标签</b>"),
        ("甲<!-- 说明 -->乙<script>if (a<b) x()</script>丙<style>p{}</STYLE >丁", "甲乙丙丁"),
        ('<img alt="a>b" src=x>图', "图"),
        ("<p title='it's>话", "话"),
        ("甲<!-- 没有结尾", "甲"),
        ("&unknown; &#99999999; &#0; &amp", "&unknown; &#99999999; \ufffd &amp"),
        ("&lt", "&lt"),
        ("<table><tr><td>甲</td><td>乙</td></tr><tr><th>丙</table>", "甲 乙\n丙"),
        ("<ruby>诈<rp>(</rp><rt>zhà</rt>骗<rt>piàn</ruby>了", "诈骗了"),
        ("", ""),
    ],
)
def test_plain_keeps_what_a_reader_sees(html, text):
    assert markup.plain(html) == text


@pytest.mark.parametrize(
    "piece",
    ["<", "<a", "<b>", "<!--", "<!", "<script>", "</style", "<a '", "<a \"'", "<p>", "&a", "&#9", " ", "<a "],
)
def test_plain_reads_hostile_text_once(piece):
    started = time.process_time()
    markup.plain(piece * (SIZE // len(piece)))
    assert in_time(time.process_time() - started, 2)


@settings(deadline=None, database=None)
@given(texts(lines=True, extra="\r\v\x85"))
def test_an_escaped_text_comes_back_from_a_document(text):
    root = markup.tree(f"<r a='1'>{markup.escaped(text)}</r>".encode(), broken="坏了。")
    assert markup.words(root, exact=True) == text.replace("\v", "")


@settings(deadline=None, database=None)
@given(st.text())
def test_whatever_is_escaped_makes_a_document(text):
    root = markup.tree(f'<r a="{markup.escaped(text)}">{markup.escaped(text)}</r>'.encode(), broken="坏了。")
    assert len(markup.words(root, exact=True)) <= len(text)


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ('<p><IMG src="a.png"></p>', True),
        ("<video/>", True),
        ("<imgs>", False),
        ("图片 img", False),
    ],
)
def test_pictures_are_noticed(html, shown):
    assert markup.pictured(html) is shown


def test_words_leave_out_what_is_skipped_and_keep_what_follows_it():
    root = markup.tree(
        b"<r>a<x>b</x>c<div>d <b>e</b></div>f<script>g</script><rt>h</rt></r>", broken="坏了。"
    )
    assert markup.words(root, skip=lambda one: one.tag == "x") == "ac\nd e\nf"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb18030"])
@pytest.mark.parametrize("declared", ["", '<?xml version="1.0" encoding="UTF-8"?>\n'])
def test_documents_are_read_whatever_encoding_they_declare(encoding, declared):
    body = f"{declared}<r>转账</r>".encode(encoding)
    assert markup.tree(body, broken="坏了。").text == "转账"


def test_a_declared_gbk_document_is_read():
    assert (
        markup.tree('<?xml version="1.0" encoding="GBK"?><r>转账</r>'.encode("gbk"), broken="").text == "转账"
    )


def test_a_document_in_another_encoding_is_refused_by_its_name():
    body = '<?xml version="1.0" encoding="Big5"?><r>轉帳</r>'.encode("big5")
    assert refusal(body) == "这个文件的编码是 Big5，读不了。请用 UTF-8 编码重新导出。"


def test_a_broken_document_says_where():
    assert (
        refusal(b'<?xml version="1.0"\n?>\n<r>\n<a></b></r>')
        == "坏了。第 4 行第 6 个字符附近不合 XML 的规则。"
    )


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(12))


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (f"<!DOCTYPE r [{LAUGHS}]><r>&l11;</r>".encode(), DECLARES),
        (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><r>&x;</r>', DECLARES),
        (b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x.dtd"> %x;]><r/>', DECLARES),
        (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:9/x.dtd"><r/>', DECLARES),
        (b"<a>" * 1_600_000, TOO_MUCH),
        (b"<r>" + b"<a/>" * 1_200_000 + b"</r>", TOO_MUCH),
        (b"<r>" + b"<" * SIZE, "坏了。第 1 行第 5 个字符附近不合 XML 的规则。"),
        (b"<?xml " + b" " * SIZE, "坏了。第 1 行第 1 个字符附近不合 XML 的规则。"),
        (b"\0\1\2\3", "坏了。第 1 行第 1 个字符附近不合 XML 的规则。"),
        (b"\xff\xfe\x00", "坏了。"),
        (b"plain", "坏了。第 1 行第 1 个字符附近不合 XML 的规则。"),
    ],
)
def test_hostile_documents_are_refused_at_once(body, reason):
    started = time.process_time()
    assert refusal(body) == reason
    assert in_time(time.process_time() - started, 2)


@settings(deadline=None, database=None, max_examples=25)
@given(items(extra="\x01\x1f\r"))
def test_losses_tell_of_characters_xml_cannot_hold(item):
    held = "\x01" not in repr(item) and not any(mark in repr(item) for mark in ("\\x01", "\\x1f"))
    assert (markup.losses(item) == ()) is held
