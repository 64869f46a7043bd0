"""Renders the page from its template."""

import base64
import hashlib
from pathlib import Path
from typing import Any

from stages.core.errors import printable


def render(**values: Any) -> str:
    """The HTML page. Jinja escapes every value, and raises for a name that the template misspells.

    What cannot be seen in a label, a name or a message is written as an escape; only the contents of rows stay as they
    are, which the template says with `| e`.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    template = Path(__file__).with_name("report.html")
    style = template.with_name("report.css").read_text(encoding="utf-8")
    script = template.with_name("report.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(template.parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=lambda value: printable(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template.name).render(**values, style=style, script=script, script_digest=digest)
