"""`quizsvc audit`: verify with anchors from paper, print the head, list, seal."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import text

from quizsvc import audit, jobs, serve
from quizsvc.audit import CLI, Actor
from quizsvc.core import ledger
from quizsvc.core.ledger import Anchor, BadAnchor
from quizsvc.core.refusal import Refusal
from quizsvc.db import db, operation
from quizsvc.upkeep.ledger import Submissions, Unsound, submissions
from quizsvc.upkeep.ledger import audit as group
from tests import make
from tests.conftest import NOON
from tests.support import Watch, rewritable

AN_HOUR = timedelta(hours=1)


def run(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(group, words)


def recorded(number: int = 1, **changes: Any) -> Anchor:
    fact = {"actor": CLI, "action": "bank.add", "on": "bank:a", "at": NOON, **changes}
    return [audit.record_alone(**fact) for _ in range(number)][-1]


def handed_in(app: Flask, *, leaf: bool = True) -> None:
    unit = make.a_class(make.a_school(make.a_county()), pupils=1)
    attempt = make.an_attempt(make.a_round(unit), unit, 1)
    if leaf:
        operation(audit.record_submission)(
            attempt_id=attempt.id, answers_hash=audit.answers_hash(attempt.answers), at=attempt.submitted_at
        )


def tampered(statement: str) -> None:
    db.session.rollback()
    with db.engine.begin() as connection, rewritable(connection):
        connection.execute(text(statement))


def test_sound_log_is_told_in_numbers(app: Flask, at: Any) -> None:
    handed_in(app)
    run(app, "seal")
    head = recorded(3)
    result = run(app, "verify", "--anchor", head.grouped, "--anchor", ledger.ORIGIN.short)

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        f"链头 {head}",
        "操作记录 4 条，对过链头 2 个",
        "交卷 已封存 1 份，等着封存 0 份",
        "交卷 有记录的 1 份，没有记录的 0 份",
        "没有发现问题。",
    ]


def test_without_anchors_it_says_what_that_leaves_open(app: Flask, at: Any) -> None:
    recorded()

    assert "才能发现整段重写" in run(app, "verify").stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("UPDATE audit_entry SET actor = 'x' WHERE seq = 2", "第 2 条被改过：内容和校验值不符。"),
        ("DELETE FROM audit_entry WHERE seq = 2", "第 2 条不见了。"),
    ],
)
def test_tampered_log_is_told_in_a_sentence_and_is_no_success(
    app: Flask, at: Any, change: str, said: str
) -> None:
    recorded(3)
    tampered(change)
    result = run(app, "verify")

    assert said in result.stdout.splitlines()
    assert isinstance(result.exception, Unsound)


def test_endless_faults_are_counted(app: Flask, at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "MOST_FAULTS", 2)
    recorded(5)
    tampered("UPDATE audit_entry SET actor = 'x'")

    assert "另有 3 处，没有一一列出。" in run(app, "verify").stdout


def test_cut_log_is_found_with_the_anchors_of_a_file(app: Flask, at: Any, tmp_path: Path) -> None:
    kept, lost = recorded(2), recorded(2)
    tampered("DELETE FROM audit_entry WHERE seq > 2")
    tampered(f"UPDATE audit_head SET seq = 2, hash = '{kept.hash}'")
    paper = tmp_path / "anchors"
    paper.write_text(f"# 十二月抄的\n\n{kept.grouped}\n  {lost.short}\n", encoding="utf-8-sig")

    assert run(app, "verify", "--anchor", str(kept)).exit_code == 0
    result = run(app, "verify", "--anchors", str(paper))
    assert isinstance(result.exception, Unsound)
    assert "抄下的链头是第 4 条，现在没有这一条：后面的记录被删掉了。" in result.stdout


def test_what_is_no_anchor_is_refused(app: Flask, at: Any, tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(b"\xff\xd8\xff")

    assert isinstance(run(app, "verify", "--anchor", "十二").exception, BadAnchor)
    assert "不是文本文件" in str(run(app, "verify", "--anchors", str(picture)).exception)
    assert run(app, "verify", "--anchors", str(tmp_path / "none")).exit_code == 2


def test_submission_without_a_leaf_is_no_success(app: Flask, at: Any) -> None:
    handed_in(app, leaf=False)
    result = run(app, "verify")

    assert submissions() == Submissions(0, 1)
    assert "有 1 份交卷没有写进记录。" in result.stdout
    assert isinstance(result.exception, Unsound)


def test_head_is_printed_for_paper_and_read_again(app: Flask, at: Any) -> None:
    head = recorded(2)
    lines = run(app, "head").stdout.splitlines()

    assert lines[0] == "2026-12-12 12:00  操作记录链头"
    assert ledger.anchor(lines[1]) == head
    assert run(app, "verify", "--anchor", lines[2].partition('"')[2].rstrip('"')).exit_code == 0


def test_list_is_newest_first_with_name_and_limits(app: Flask, at: Any) -> None:
    recorded()
    recorded(actor=Actor.staff(7), at=NOON + AN_HOUR, action="bank.edit", item="a-1")
    newest, oldest = run(app, "list").stdout.splitlines()

    assert newest.split("\t") == [
        "2", "2026-12-12 13:00:00", "staff:7", "bank.edit", "改题", "bank:a", '{"item":"a-1"}',
    ]  # fmt: skip
    assert oldest.startswith("1\t")
    assert run(app, "list", "--limit", "1").stdout.splitlines() == [newest]
    assert run(app, "list", "--actor", "cli").stdout.splitlines() == [oldest]
    assert run(app, "list", "--action", "bank.edit").stdout.splitlines() == [newest]
    assert run(app, "list", "--since", "2026-12-13").stdout == ""
    assert len(run(app, "list", "--since", "2026-12-12").stdout.splitlines()) == 2


def test_list_of_an_unknown_action_names_those_there_are(app: Flask, at: Any) -> None:
    refused = run(app, "list", "--action", "nothing").exception

    assert isinstance(refused, Refusal)
    assert "bank.add、" in refused.text


def test_private_words_are_listed_on_demand_until_they_are_erased(app: Flask, at: Any) -> None:
    recorded(private={"reason": "李明病了"})

    assert "李明" not in run(app, "list").stdout
    assert run(app, "list", "--private").stdout.endswith("\treason＝李明病了\n")
    audit.erase_private((NOON + timedelta(days=400)).date())
    assert run(app, "list", "--private").stdout.endswith("\treason＝（已按期清除）\n")


def test_listed_as_json_it_can_be_hashed_by_another_program(app: Flask, at: Any) -> None:
    recorded(private={"reason": "李明病了"})
    recorded(name="题库")
    second, first = json.loads(run(app, "list", "--json", "--private").stdout)

    for one in (first, second):
        fact = [one[name] for name in ("seq", "at", "actor", "action", "object", "detail")]
        content = json.dumps(fact, ensure_ascii=False, separators=(",", ":"))
        assert one["hash"] == hashlib.sha256((one["prev"] + content).encode()).hexdigest()
    (kept,) = first["private"]
    salted = hashlib.sha256((kept["salt"] + kept["value"]).encode()).hexdigest()
    assert json.loads(first["detail"]) == {"private": {"reason": f"sha256:{salted}"}}
    assert (second["prev"], second["private"]) == (first["hash"], [])


def test_seal_says_how_many(app: Flask, at: Any) -> None:
    handed_in(app)

    assert run(app, "seal", "--dry-run").stdout == "等着封存的交卷 1 份\n"
    assert run(app, "seal").stdout == "已封存 1 份交卷\n"
    assert run(app, "seal").stdout == "已封存 0 份交卷\n"


def test_sweeper_seals_under_a_lease(app: Flask, at: Any, watch: Watch) -> None:
    handed_in(app)
    name, every_s, duty = next(one for one in serve.DUTIES if one[0] == "seal-submissions")

    assert jobs.due(name=name, holder="a", every_s=every_s, at=NOON)
    assert not jobs.due(name=name, holder="b", every_s=every_s, at=NOON)
    duty()
    assert audit.waiting() == (0, None)
