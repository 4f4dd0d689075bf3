"""Fill the templates of data/report: Jinja escapes every text that comes from a case or a file."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from importlib import resources
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO

from warp.errors import WarpError
from warp.files.whole_file import FileError

if TYPE_CHECKING:
    from jinja2 import Environment

FOLDER = "report"


def environment() -> Environment:
    """Return the templates' environment: all are escaped, and a name that is missing is an error.

    `tojson` writes data for a <script>: no text in it can end the element.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    folder = resources.files("warp.data").joinpath(FOLDER)
    made = Environment(
        loader=FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    compact = {"separators": (",", ":"), "allow_nan": False, "sort_keys": False}
    made.policies["json.dumps_kwargs"] = compact
    return made


def filled(name: str, values: Mapping[str, Any]) -> str:
    """Fill one template."""
    return environment().get_template(name).render(values)


def picture(draw: Callable[[BinaryIO], object]) -> str:
    """Draw a picture in memory; return it as a data URI, empty where there is nothing to draw."""
    drawn = BytesIO()
    try:
        draw(drawn)
    except FileError:
        raise
    except WarpError:
        return ""
    return f"data:image/png;base64,{base64.b64encode(drawn.getvalue()).decode()}"
