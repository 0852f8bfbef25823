"""`quizsvc clock`: how the machine's clock stands beside the service's, and taking it for right after a mistake."""

import click
from flask.cli import with_appcontext

from quizsvc import audit, jobs
from quizsvc import clock as clocks


@click.group()
def clock() -> None:
    """时钟：查看，或确认本机时间是对的。"""


@clock.command("show")
@with_appcontext
def show() -> None:
    """Say what time it is here, when the service last worked, and whether that is in order."""
    at, marked = clocks.now(), jobs.last_mark()
    click.echo(f"本机时间 {at.astimezone(clocks.SHANGHAI):%Y-%m-%d %H:%M:%S}")
    if marked is not None:
        click.echo(f"服务上次工作 {marked.astimezone(clocks.SHANGHAI):%Y-%m-%d %H:%M:%S}")
    click.echo(jobs.clock_trouble() or "时钟正常")


@clock.command("accept")
@with_appcontext
def accept() -> None:
    """Take the machine's time for right although the service has worked at a later one; restart it afterwards."""
    at, marked = clocks.now(), jobs.last_mark()
    if marked is None or marked <= at:
        click.echo("没有需要确认的：服务上次工作的时间不晚于现在。")
        return
    jobs.accept_clock(at=at)
    audit.record_alone(actor=audit.CLI, action="clock.accept", on="clock", at=at, was=marked.isoformat())
    click.echo("已确认本机时间。现在请重启服务（systemctl restart quizsvc）。")
