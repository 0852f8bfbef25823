"""Files sent to staff."""

from urllib.parse import quote

from flask import Response


def attachment(body: bytes, *, name: str, mimetype: str) -> Response:
    """Send a file under a Chinese name."""
    response = Response(body, mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name)}"
    return response


def picture(body: bytes, mimetype: str) -> Response:
    """Send a picture to be shown in a page."""
    return Response(body, mimetype=mimetype)
