"""Staff pages of the papers: their rules, their pool, and one form drawn from it."""

import secrets

from flask import Blueprint, render_template, request

from quizsvc.core import assembly
from quizsvc.core.access import Permission
from quizsvc.paper import queries
from quizsvc.web.guard import guarded

blueprint = Blueprint("paper", __name__, template_folder="templates", url_prefix="/staff")

KIND_NAMES = {"quiz": "测试"}


@blueprint.get("/papers")
@guarded(Permission.MANAGE_BANKS)
def papers() -> str:
    """List the papers."""
    return render_template("paper/papers.html", papers=queries.papers(), kind_names=KIND_NAMES)


@blueprint.get("/papers/<int:paper_id>")
@guarded(Permission.MANAGE_BANKS)
def paper(paper_id: int) -> str:
    """Show a paper's rules with what each can choose from; with a seed also one form drawn from it."""
    known = queries.frozen(paper_id)
    seed = request.args.get("seed", "")[:32]
    return render_template(
        "paper/paper.html",
        paper=known,
        kind_name=KIND_NAMES[known.kind],
        rules=queries.rule_rows(known.blueprint, known.candidates, known.topics),
        sample=_sample(known, seed) if seed else (),
        seed=seed,
        another=secrets.token_hex(4),
    )


def _sample(known: queries.FrozenPaper, seed: str) -> tuple[queries.ReviewItem, ...]:
    """One form as it looks after the test, nothing chosen."""
    form = [(item.ref, item.points) for item in assembly.draw(known.blueprint, known.candidates, seed=seed)]
    return queries.review(known, form, seed, {}, [False] * len(form))
