"""create_app(settings): wiring only."""

from collections.abc import Callable, MutableMapping
from typing import Any

from flask import Flask
from flask.templating import Environment
from flask_wtf import CSRFProtect

from quizsvc import audit, db, jobs, throttle
from quizsvc.attempt import views as attempt
from quizsvc.bank import views as bank
from quizsvc.bulletin import views as bulletin
from quizsvc.campaign import views as campaign
from quizsvc.contest import views as contest
from quizsvc.declaration import views as declaration
from quizsvc.dossier import views as dossier
from quizsvc.draw import views as draw
from quizsvc.link import views as link
from quizsvc.paper import views as paper
from quizsvc.prize import views as prize
from quizsvc.report import views as report
from quizsvc.rights import views as rights
from quizsvc.roster import views as roster
from quizsvc.rulebook import views as rulebook
from quizsvc.settings import Settings
from quizsvc.staff import views as staff
from quizsvc.survey import views as survey
from quizsvc.upkeep import ledger_views as ledger
from quizsvc.upkeep import views as upkeep
from quizsvc.web import assets, drawing, errors, filters, guard, headers, health, logs, numbers, sessions
from quizsvc.web.incoming import Incoming

# beside the slices; importing them is what declares their tables
OWNERS_OF_TABLES = (audit, throttle, jobs)
STAFF_SURFACE = (staff, report, bulletin, dossier, link, roster, bank, paper, campaign, upkeep, ledger)

csrf = CSRFProtect()


class _Templates(Environment):
    """Jinja with the globals of a template in one plain dict: an import walks them all, for every page."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        return {**self.globals, **(d or {})}


class _Service(Flask):
    """Flask for plain functions alone: asking each hook of each request whether it is a coroutine costs."""

    jinja_environment = _Templates
    request_class = Incoming

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func


def create_app(settings: Settings) -> Flask:
    """Return the application for these settings."""
    app = _Service(__name__, static_folder=None, template_folder="web/templates")
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.signing_keys[0],
        SECRET_KEY_FALLBACKS=list(settings.signing_keys[1:]),
        WTF_CSRF_SECRET_KEY=settings.verifying_keys,
        MAX_CONTENT_LENGTH=256 * 1024,
        MAX_FORM_PARTS=2000,
        SESSION_COOKIE_NAME="__Host-quizsvc" if settings.https else "quizsvc",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=12 * 3600,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,  # refuse_foreign_origin looks at Origin and Sec-Fetch-Site instead
    )
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    app.jinja_env.globals["settings"] = settings
    logs.configure(settings.log_level)
    db.init_app(app, settings)
    for furniture in (numbers, sessions, assets, drawing, errors, filters, health):
        furniture.init_app(app)
    headers.init_app(app, settings)
    app.before_request(guard.refuse_foreign_origin)
    staff.init_app(app)
    csrf.init_app(app)
    csrf.exempt(attempt.blueprint)  # no ambient right is used there: docs/decisions/0003
    csrf.exempt(rights.blueprint)
    csrf.exempt(contest.blueprint)
    csrf.exempt(prize.blueprint)
    csrf.exempt(declaration.blueprint)
    csrf.exempt(survey.blueprint)
    app.register_blueprint(attempt.seats)
    app.register_blueprint(rights.requests)
    app.register_blueprint(rulebook.desk)
    app.register_blueprint(contest.review)
    app.register_blueprint(draw.desk_of)
    app.register_blueprint(prize.desk)
    app.register_blueprint(paper.sheets)
    app.register_blueprint(declaration.desk)
    app.register_blueprint(survey.desk)
    for slice_ in (attempt, declaration, survey, rights, rulebook, contest, prize, draw, *STAFF_SURFACE):
        app.register_blueprint(slice_.blueprint)
    return app
