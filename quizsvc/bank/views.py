"""Staff pages of the banks: what is in them, item by item."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from flask import Blueprint, render_template, request

from quizsvc.bank import files, queries
from quizsvc.core import bankfile
from quizsvc.core.access import Permission
from quizsvc.web.guard import guarded

blueprint = Blueprint("bank", __name__, template_folder="templates", url_prefix="/staff")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items a page shows; "" is any."""

    topic: str
    kind: str
    audience: str
    difficulty: str

    def takes(self, item: bankfile.Item) -> bool:
        """Say whether an item is shown."""
        return (
            self.topic in ("", item.topic)
            and self.kind in ("", item.kind)
            and (not self.audience or self.audience in item.audiences)
            and self.difficulty in ("", str(item.difficulty))
        )


@blueprint.get("/banks")
@guarded(Permission.MANAGE_BANKS)
def banks() -> str:
    """List the banks."""
    return render_template("bank/banks.html", banks=queries.banks())


@blueprint.get("/banks/<code>")
@guarded(Permission.MANAGE_BANKS)
def bank(code: str) -> str:
    """Show what a bank holds, and its items under a filter."""
    row = next((row for row in queries.banks() if row.code == code), None)
    if row is None:
        raise queries.UnknownBank
    items = [version.item for version in queries.latest(code)]
    chosen = Filter(*(request.args.get(name, "") for name in ("topic", "kind", "audience", "difficulty")))
    counted = queries.counts(items)
    names = _names()
    choices = (
        ("topic", "主题", _named(counted.by_topic, names["topic_names"])),
        ("kind", "题型", _named(counted.by_kind, bankfile.KIND_NAMES)),
        ("audience", "人群", _named(counted.by_audience, bankfile.AUDIENCE_NAMES)),
        ("difficulty", "难度", _named(counted.by_difficulty, bankfile.DIFFICULTY_NAMES)),
    )
    topics = [
        (topic, queries.counts([item for item in items if item.topic == topic])) for topic in counted.by_topic
    ]
    return render_template(
        "bank/bank.html",
        bank=row,
        counted=counted,
        topics=topics,
        items=[item for item in items if chosen.takes(item)],
        choices=choices,
        chosen=asdict(chosen),
        **names,
    )


@blueprint.get("/banks/<code>/<item_code>")
@guarded(Permission.MANAGE_BANKS)
def item(code: str, item_code: str) -> str:
    """Show an item whole, in its newest wording or an earlier one."""
    history = queries.history(code, item_code)
    wording = history.wording(request.args.get("version", type=int))
    scene = wording.item.scene
    return render_template(
        "bank/item.html",
        history=history,
        wording=wording,
        item=wording.item,
        segments=bankfile.segments(scene.text, scene.tells) if scene else (),
        **_names(),
    )


def _named(slugs: Iterable[Any], names: Mapping[Any, str]) -> list[tuple[str, str]]:
    return [(str(slug), names.get(slug, str(slug))) for slug in slugs]


def _names() -> dict[str, Any]:
    words = files.vocabulary()
    return {
        "topic_names": words.topics,
        "belief_names": words.beliefs,
        "kind_names": bankfile.KIND_NAMES,
        "audience_names": bankfile.AUDIENCE_NAMES,
        "difficulty_names": bankfile.DIFFICULTY_NAMES,
        "channel_names": bankfile.CHANNEL_NAMES,
    }
