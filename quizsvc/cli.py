"""The `quizsvc` command group: demo, serve, db, and every slice's own group."""

import socket
import sys
from typing import Any

import click
from flask.cli import FlaskGroup
from flask_migrate.cli import db
from sqlalchemy.exc import OperationalError, ProgrammingError

from quizsvc import demo, serve, wsgi
from quizsvc.app import create_app
from quizsvc.attempt.cli import attempt
from quizsvc.bank.cli import bank
from quizsvc.bulletin.cli import bulletin
from quizsvc.campaign.cli import campaign, round_
from quizsvc.contest import cli as standing
from quizsvc.core.refusal import Refusal
from quizsvc.draw.cli import contest
from quizsvc.link.cli import link
from quizsvc.paper.cli import paper
from quizsvc.rollup.cli import rollup
from quizsvc.roster.cli import roster
from quizsvc.rulebook.cli import rules
from quizsvc.settings import BadSettings
from quizsvc.staff.cli import staff
from quizsvc.upkeep.backup import backup
from quizsvc.upkeep.doctor import doctor
from quizsvc.upkeep.erase import erase
from quizsvc.upkeep.keys import keys
from quizsvc.upkeep.ledger import audit
from quizsvc.upkeep.timekeeping import clock
from quizsvc.web.health import WrongRevision


class Commands(FlaskGroup):
    """The group; a refusal is one sentence and exit code 1, never a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(refusal.text) from refusal
        except (BadSettings, WrongRevision) as wrong:
            raise click.ClickException(str(wrong)) from wrong
        except (OperationalError, ProgrammingError) as unready:
            raise click.ClickException(
                "数据库连不上，或者还没有建好。请检查 QUIZSVC_DATABASE_URL，再运行：quizsvc db upgrade"
            ) from unready

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List our own commands; help must not need a database or settings."""
        return sorted(self.commands)


@click.group(
    cls=Commands,
    create_app=lambda: create_app(wsgi.settings()),
    add_default_commands=False,
    add_version_option=False,
    load_dotenv=False,
    set_debug_flag=False,
)
def main() -> None:
    """反诈知晓：全员反诈测试、班级二维码、知晓率。"""


@main.command("serve", with_appcontext=False)
@click.option("--check", is_flag=True, help="只看能不能启动，不启动")
def serve_command(check: bool) -> None:
    """按环境变量正式运行；收到 SIGHUP 时换上新程序，不断开任何人。"""
    settings = wsgi.settings()
    before = wsgi.handover()
    application = wsgi.application(settings)  # another revision is refused here, before any process starts
    if check:
        return
    opened = socket.socket(fileno=before.socket) if before else serve.listen(settings.host, settings.port)
    click.echo(
        f"{settings.brand} 运行中：{settings.public_url}（{settings.host}:{settings.port}，Ctrl+C 停止）"
    )
    serve.run(application, settings, opened, before=before, reloads=True)


@main.command("demo", with_appcontext=False)
@click.option("--port", default=8000, show_default=True, help="端口")
@click.option("--prepare-only", is_flag=True, help="只准备数据，不启动服务")
def demo_command(port: int, prepare_only: bool) -> None:
    """演示：虚构的县、学校和班级，打印班级二维码和登录链接。"""
    address = f"http://{demo.own_address()}:{port}"
    settings = wsgi.settings(mode="demo", port=str(port), public_url=address)
    opened = None if prepare_only else serve.listen(settings.host, settings.port)
    demo.prepare(settings)
    if opened is not None:
        serve.run(wsgi.application(settings), settings, opened)


for command in (standing.count, standing.rebuild):
    contest.add_command(command)

for group in (
    db, bank, paper, roster, campaign, round_, link, attempt, rollup, staff, keys, audit, backup, doctor, erase, clock,
    contest, rules, bulletin,
):  # fmt: skip
    main.add_command(group)

__all__ = ["main"]
if __name__ == "__main__":
    sys.exit(main())
