"""Templates: what `render` promises, that each is used, and given just what it asks for."""

import ast
from pathlib import Path

import pytest
from jinja2 import Environment, UndefinedError, meta, nodes

from avaflow.templates import render

LIBRARY = Path(__file__).resolve().parents[2] / "scripts" / "avaflow"
TEMPLATES = sorted(LIBRARY.rglob("*_templates/*"))


def module_of(template):
    """The module that renders a template."""
    return Path(str(template.parent).removesuffix("_templates") + ".py")


def said(module):
    """The names of values that a module gives to `render`, by template."""
    calls = [
        node
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "render"
    ]
    return {call.args[1].value: {word.arg for word in call.keywords} for call in calls}


@pytest.fixture
def beside(tmp_path):
    """Writes a template of a module `m.py`; returns that module's path."""

    def write(name, text):
        folder = tmp_path / "m_templates"
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.j2").write_text(text)
        return tmp_path / "m.py"

    return write


def test_texts_keep_their_ends_and_lose_lines_of_tags(beside):
    module = beside("a.txt", "{% if more %}\nmore\n{% endif %}\nname: {{ name }}\n")
    assert render(module, "a.txt", name="x", more=True) == "more\nname: x\n"
    assert render(module, "a.txt", name="x", more=False) == "name: x\n"


def test_a_value_that_is_not_given_is_an_error(beside):
    module = beside("a.txt", "{{ nmae }}")
    with pytest.raises(UndefinedError, match="nmae"):
        render(module, "a.txt", name="x")


def test_only_pages_are_escaped(beside):
    beside("a.html", "<p>{{ name }}</p>")
    module = beside("a.md", "{{ name }}")
    assert render(module, "a.html", name="<b> & c") == "<p>&lt;b&gt; &amp; c</p>"
    assert render(module, "a.md", name="<b> & c") == "<b> & c"


def test_templates_are_found():
    assert {"SLOWFAST.yaml.j2", "slowfast.py.j2", "paths_catalog_entry.txt.j2"} <= {
        template.name for template in TEMPLATES
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_template_asks_for_just_what_its_module_says(template):
    assert template.suffix == ".j2"
    parsed = Environment().parse(template.read_text())
    # What a template sets under a condition counts as asked for.
    own = {name.name for name in parsed.find_all(nodes.Name) if name.ctx == "store"}
    asked = meta.find_undeclared_variables(parsed)
    given = said(module_of(template))[template.name.removesuffix(".j2")]
    assert asked - own <= given <= asked
