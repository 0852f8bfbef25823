"""A small bank to make papers of."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask

from quizsvc.audit import CLI
from quizsvc.bank import operations as bank
from quizsvc.bank import queries as bank_queries
from quizsvc.core import assembly, bankfile
from quizsvc.paper import operations, queries
from tests.conftest import NOON
from tests.make import an_item

TOPICS = {"brushing": "刷单返利", "police": "冒充公检法"}
MANY = replace(
    an_item("many-01"),
    kind="multiple_choice",
    options=(*an_item().options[:3], bankfile.Option("拨打 96110 咨询", key=True)),
)

Freeze = Callable[..., queries.FrozenPaper]


def a_plan(*rules: assembly.Rule, **changes: Any) -> queries.Plan:
    values: dict[str, Any] = {
        "code": "semester", "title": "反诈知识测试", "kind": "quiz", "banks": ("test",),
        "rules": rules or (assembly.Rule(2, 10),), "fixed": (), "topics": TOPICS,
    }  # fmt: skip
    return queries.Plan(**{**values, **changes})


def frozen_id(plan: queries.Plan, pool: queries.Pool | None = None) -> int:
    pool = pool or queries.pool(plan)
    return operations.freeze_paper(
        code=plan.code, title=plan.title, kind=plan.kind, blueprint=pool.blueprint, versions=pool.versions,
        topics=plan.topics, at=NOON, actor=CLI,
    )  # fmt: skip


def a_draft(*rules: assembly.Rule, **changes: Any) -> int:
    """A draft that begins with a plan."""
    return operations.create_draft(start=a_plan(*rules, **changes), at=NOON, actor=CLI)


def a_desk(draft_id: int) -> queries.Desk:
    """A draft met with the banks as they are."""
    return queries.desk(queries.draft(draft_id), bank_queries.latest(), TOPICS)


def imported(*items: bankfile.Item, code: str = "test") -> None:
    bank.import_bank(code=code, name="测试题库", items=items, at=NOON, actor=CLI)


@pytest.fixture
def freeze(app: Flask) -> Freeze:
    """Import items and freeze a paper of all of them."""

    def make(*items: bankfile.Item) -> queries.FrozenPaper:
        imported(*items)
        return queries.frozen(frozen_id(a_plan(assembly.Rule(len(items), 10))))

    return make
