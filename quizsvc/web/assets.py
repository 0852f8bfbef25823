"""Static files under names that carry their hash, so that browsers may keep them for ever."""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, request

from quizsvc.web.guard import public

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("assets", __name__)


@dataclass(frozen=True, slots=True)
class Asset:
    """One static file as it is sent."""

    address: str
    body: bytes
    gzipped: bytes
    mimetype: str


def load(folder: Path) -> dict[str, Asset]:
    """Read all static files once; the address carries eight characters of the content's hash."""
    found = {}
    # an installer compiles verify.py, and then there is a folder beside the files
    for file in sorted(one for one in folder.iterdir() if one.is_file()):
        body = file.read_bytes()
        digest = hashlib.sha256(body).hexdigest()[:8]
        found[file.name] = Asset(
            address=f"/static/{file.stem}.{digest}{file.suffix}",
            body=body,
            gzipped=gzip.compress(body, 9, mtime=0),
            mimetype=mimetypes.guess_type(file.name)[0] or "application/octet-stream",
        )
    return found


ASSETS = load(FOLDER)
_BY_ADDRESS = {asset.address: asset for asset in ASSETS.values()}


def asset(name: str) -> str:
    """Return the address of a static file."""
    return ASSETS[name].address


@blueprint.get("/static/<name>")
@public
def file(name: str) -> Response:
    """Send a static file; a page from before an upgrade gets today's file, not to be kept."""
    known = _BY_ADDRESS.get(request.path)
    if known is None:
        stem, _, rest = name.partition(".")
        known = ASSETS.get(f"{stem}.{rest.rpartition('.')[2]}")
        if known is None:
            abort(404)
        caching = "no-cache"
    else:
        caching = FOREVER
    zipped = "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(known.gzipped if zipped else known.body, mimetype=known.mimetype)
    response.headers["Cache-Control"] = caching
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def init_app(app: Flask) -> None:
    """Serve the static files and give templates `asset()`."""
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset"] = asset
