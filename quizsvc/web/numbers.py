"""Numbers of rows in addresses: one that no row can have is not found, on either database."""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**31 - 1


class RowNumber(IntegerConverter):
    """`<int:…>` up to what both databases can hold in an id."""

    def __init__(self, url_map: Map, *args: Any, **options: Any) -> None:
        super().__init__(url_map, *args, **{"max": LARGEST, **options})


def init_app(app: Flask) -> None:
    """Take row numbers only; before any route is registered."""
    app.url_map.converters["int"] = RowNumber
