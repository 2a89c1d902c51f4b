"""Texts that people and programs read, from templates in files that editors and linters know.

The templates of a module `NAME.py` lie in the folder `NAME_templates` beside it, each called
after what it becomes, with `.j2` (Jinja) behind: `README.md.j2`.
"""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment


def render(module: str | Path, template: str, **values: Any) -> str:
    """A text from a template of the module whose `__file__` is given.

    A name that the template asks for and `values` lacks is an error. In pages of HTML values
    are escaped; elsewhere they stand as they are.
    """
    module = Path(module)
    return render_from(module.with_name(f"{module.stem}_templates"), template, **values)


def render_from(folder: Path, template: str, /, **values: Any) -> str:
    """As :func:`render`, from a template of a folder that holds more than templates."""
    return _environment(folder).get_template(f"{template}.j2").render(**values)


@cache
def _environment(folder: Path) -> "Environment":
    # Modules that only check settings import this one too, and need no Jinja.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=lambda name: (name or "").endswith(".html.j2"),
        keep_trailing_newline=True,
        # A line with nothing but a tag leaves no line behind.
        trim_blocks=True,
        lstrip_blocks=True,
    )
