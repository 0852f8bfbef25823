"""Texts and surveys as papers: drafts, the freeze, what is read back."""

import pytest
from flask import Flask
from sqlalchemy import select

from quizsvc.audit import CLI, AuditEntry
from quizsvc.core import sheettext
from quizsvc.core.refusal import Refusal
from quizsvc.core.sheettext import Body
from quizsvc.db import db
from quizsvc.paper import operations, queries
from quizsvc.paper.models import Paper
from tests import make
from tests.conftest import NOON

BODIES: list[Body] = [
    make.a_document(),
    make.a_document("pledge"),
    make.an_adoption(),
    make.a_questionnaire(),
]


def frozen(body: Body, code: str = "sheet") -> int:
    return operations.freeze_sheet(code=code, body=body, at=NOON, actor=CLI)


def test_what_is_frozen_is_read_back_whole(app: Flask) -> None:
    ids = [frozen(body, f"sheet-{index}") for index, body in enumerate(BODIES)]

    sheets = [queries.sheet(paper_id) for paper_id in ids]

    assert [sheet.body for sheet in sheets] == BODIES
    assert [(sheet.code, sheet.kind) for sheet in sheets] == [
        ("sheet-0", "receipt"), ("sheet-1", "pledge"), ("sheet-2", "adoption"), ("sheet-3", "survey"),
    ]  # fmt: skip
    assert [(row.code, row.kind, row.item_count, row.total_points, row.pool) for row in queries.papers()] == [
        ("sheet-3", "survey", 3, 0, 0),
        ("sheet-2", "adoption", 2, 0, 0),
        ("sheet-1", "pledge", 2, 0, 0),
        ("sheet-0", "receipt", 2, 0, 0),
    ]
    assert queries.sheet(ids[0]) is sheets[0]


def test_the_same_sheet_again_is_the_same_paper_and_another_one_is_refused(app: Flask) -> None:
    first = frozen(make.a_document())

    assert frozen(make.a_document()) == first
    with pytest.raises(Refusal) as refused:
        frozen(make.a_document(points=("新的一条。",)))

    assert refused.value.text == "试卷“sheet”已经冻结，不能再改。要用新的内容，请换一个代号。"
    assert db.session.scalars(select(Paper.id)).all() == [first]


def test_a_quiz_is_no_sheet_and_a_sheet_is_no_quiz(app: Flask) -> None:
    quiz, sheet = make.a_paper().id, make.a_sheet_paper("survey")

    for ask, paper_id in ((queries.sheet, quiz), (queries.frozen, sheet), (queries.sheet, 10**6)):
        with pytest.raises(queries.UnknownPaper):
            ask(paper_id)


def test_a_template_that_is_not_filled_in_is_not_frozen(app: Flask) -> None:
    with pytest.raises(Refusal) as refused:
        frozen(make.a_document(issuer=("【请填：学校全称】", "【请填】")))

    assert refused.value.text == "还没填好，先不能定稿：学校全称、内容。请写上真实的文字。"
    assert db.session.scalars(select(Paper.id)).all() == []


def drafted(body: Body | str = BODIES[0], code: str = "sheet") -> int:
    source = body if isinstance(body, str) else sheettext.write(body)
    return operations.create_sheet_draft(code=code, source=source, at=NOON, actor=CLI)


def saved(draft_id: int, source: str, revision: int = 1) -> None:
    operations.save_sheet_draft(draft_id=draft_id, revision=revision, source=source, at=NOON, actor=CLI)


def test_a_draft_is_kept_as_it_is_typed_and_frozen_as_it_reads(app: Flask) -> None:
    draft_id = drafted()
    saved(draft_id, "回执：半句\n1.")
    with pytest.raises(sheettext.Unclear):
        operations.freeze_sheet_draft(draft_id=draft_id, revision=2, at=NOON, actor=CLI)
    half = queries.sheet_draft(draft_id)
    saved(draft_id, sheettext.write(make.a_questionnaire()), revision=2)

    paper_id = operations.freeze_sheet_draft(draft_id=draft_id, revision=3, at=NOON, actor=CLI)

    assert (half.source, half.kind, half.revision, half.paper_id) == ("回执：半句\n1.", "receipt", 2, None)
    [row] = queries.sheet_drafts()
    assert (row.kind, row.revision, row.author, row.paper_id) == ("survey", 4, "cli", paper_id)
    assert queries.sheet(paper_id).body == make.a_questionnaire()
    with pytest.raises(operations.DraftFrozen):
        saved(draft_id, "回执：别的", revision=4)


def test_a_draft_that_has_changed_meanwhile_stays_as_it_is(app: Flask) -> None:
    draft_id = drafted()
    saved(draft_id, "回执：我的")

    with pytest.raises(operations.SheetChanged):
        saved(draft_id, "回执：你的")
    with pytest.raises(operations.SheetChanged):
        operations.discard_sheet_draft(draft_id=draft_id, revision=1, at=NOON, actor=CLI)
    with pytest.raises(operations.TooLong):
        saved(draft_id, "长" * (sheettext.LONGEST + 1), revision=2)

    assert queries.sheet_draft(draft_id).source == "回执：我的"
    operations.discard_sheet_draft(draft_id=draft_id, revision=2, at=NOON, actor=CLI)
    with pytest.raises(queries.UnknownDraft):
        queries.sheet_draft(draft_id)


def test_codes_of_new_versions_are_numbered_over_drafts_and_papers(app: Flask) -> None:
    frozen(BODIES[0], "notice")

    codes = [queries.sheet_draft(drafted(code="notice")).code for _ in range(2)]

    assert codes == ["notice-2", "notice-3"]


def test_what_happens_to_texts_is_in_the_audit_log_without_their_words(app: Flask) -> None:
    thrown, kept = drafted(code="a"), drafted(code="b")
    operations.discard_sheet_draft(draft_id=thrown, revision=1, at=NOON, actor=CLI)
    operations.freeze_sheet_draft(draft_id=kept, revision=1, at=NOON, actor=CLI)
    frozen(BODIES[0], "b")

    rows = db.session.execute(select(AuditEntry.action, AuditEntry.detail).order_by(AuditEntry.seq)).all()

    assert [action for action, _ in rows] == [
        "paper.sheet_draft", "paper.sheet_draft", "paper.discard_sheet", "paper.freeze_sheet",
    ]  # fmt: skip
    assert "风险" not in "".join(detail for _, detail in rows)
