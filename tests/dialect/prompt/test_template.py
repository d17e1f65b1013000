"""The door to jinja2: what template authors expect, and what a template cannot do."""

from __future__ import annotations

from typing import Any

import pytest

from gguf_fc.dialect.prompt.render import probe_clock
from gguf_fc.dialect.prompt.template import Template
from gguf_fc.errors import TemplateError


def rendered(text: str, /, **variables: Any) -> str:
    return Template(text).render(variables, probe_clock())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  {% if x %}\nyes\n  {% endif %}\n", "yes\n"),
        ("{% for n in [1, 2, 3] %}{% if n == 2 %}{% break %}{% endif %}{{ n }}{% endfor %}", "1"),
        ("{% generation %}a{{ x }}{% endgeneration %}b", "a<1>b"),
        ("{{ x | tojson }}", '"<1>"'),
        ("{{ 'é' | tojson(ensure_ascii=True) }}", '"\\u00e9"'),
        ("{{ d | tojson(separators=(',', ':')) }}", '{"b":1,"a":[2]}'),
        ("{{ {'a': 1} | tojson(indent=2) }}", '{\n  "a": 1\n}'),
        ("{{ d | tojson(sort_keys=true) }}", '{"a": [2], "b": 1}'),
        ("{{ ('[1, 2]' | from_json)[1] }}", "2"),
        ("{{ 'a'|safe + x | tojson + '<b>' }}", 'a"<1>"<b>'),
        ("{{ strftime_now('%d %b %Y') }}", "01 Jan 2026"),
        ("{% set l = [] %}{% set _ = l.append(1) %}{{ l }}", "[1]"),
        ("{{ '-' * 5 }}{{ 3 * 4 }}", "-----12"),
        ("{{ [1, 2] | map('string') | tojson }}", '["1", "2"]'),
        ("{{ 'a' | center(3) }}{{ 'a'.rjust(2) }}{{ '%3d' % 7 }}", " a  a  7"),
        ("{{ '{:>3}'.format(1000000) }}{{ '{}{{'.format(1) }}", "10000001{"),
        ("{% set d = {'a': 1} %}{% set _ = d.update({'b': 2}) %}{{ d }}", "{'a': 1, 'b': 2}"),
        ("{% macro f(context, obj) %}{{ obj }}{% endmacro %}{{ f(obj=1, context=2) }}", "1"),
        # Engines other than jinja2 assign to mappings as to namespaces.
        ("{% set d.b = 7 %}{{ d.b }}{% set n = namespace() %}{% set n.c = d %}{{ n.c.a }}", "7[2]"),
        # What may not be touched is not there.
        ("{{ ('{0.__class__}' | attr('format'))(x) }}", ""),
        ("{{ '{x.__class__}'.format_map({'x': x}) }}", ""),
        ("{{ raise_exception.__globals__ }}", ""),
    ],
)
def test_templates_render_as_their_authors_expect(text: str, expected: str) -> None:
    assert rendered(text, x="<1>", d={"b": 1, "a": [2]}) == expected


def test_a_variable_hides_no_function() -> None:
    names = ("raise_exception", "strftime_now", "range", "namespace", "dict")
    text = "{{ strftime_now('%Y') }}{{ range(2) | list }}{{ dict(a=namespace(b=1).b) }}{{ self }}"
    found = rendered(text, **dict.fromkeys(names, "mine"), self="x")
    assert found.startswith("2026[0, 1]{'a': 1}")


def test_only_namespaces_and_mappings_have_keys_to_assign_to() -> None:
    with pytest.raises(TemplateError, match="only a namespace or a mapping"):
        rendered("{% set x.y = 1 %}", x=[1])


def test_values_are_copies() -> None:
    messages = [{"role": "user"}]
    rendered("{% for m in messages %}{% set m.role = 'none' %}{% endfor %}", messages=messages)
    assert rendered("{% set _ = messages.append(1) %}{{ messages | length }}", messages=messages)
    assert messages == [{"role": "user"}]


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ lipsum.__globals__['os'].popen('true').read() }}",
        "{{ (''|attr('__class__'))() }}",
        "{{ ''['__class__'].mro() }}",
        "{{ [''] | map(attribute='__class__') | first.mro() }}",
        "{{ '{0.__class__}' | format(x) }}{{ ('%s' | attr('__mod__'))(x) }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ joiner.__init__.__globals__['os'] }}",
        "{{ self.__init__.__globals__ }}",
        "{{ range.__self__ }}{{ strftime_now.__closure__[0].cell_contents.x }}",
        "{{ dict.mro() }}",
        "{{ (x.bit_length | attr('__self__')).__class__() }}",
        "{% for k in ''.join.__self__.__dir__() %}{% endfor %}",
        "{{ lipsum() }}",
        "{% import 'os' as os %}",
        "{% extends 'x' %}",
        "{{ '{0.__class__.__init__.__globals__}'.format(x) }}",
        "{% include '/etc/passwd' %}",
        "{{ raise_exception('No.') }}",
        "{{ 1 / 0 }}",
        "{{ missing.attribute }}",
        "{{ range | tojson }}",
    ],
)
def test_whatever_goes_wrong_inside_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(TemplateError):
        rendered(text, x=1)


@pytest.mark.parametrize(
    "text",
    [
        "{{ 'a' * 10**9 }}",
        "{{ 'a' * 100000000 }}",
        "{{ [0] * 100000000 }}",
        "{% for n in range(100000000) %}{% endfor %}",
        "{% for n in range(1000) %}{% for m in range(99999) %}{% break %}{% endfor %}{% endfor %}",
        "{% for n in range(9999) %}{{ 'a' * 9999 }}{% endfor %}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{{ 'a'.center(10**9) }}",
        "{{ 'a'.center(1000000000) }}",
        "{{ 'a'.ljust(width=1000000000) }}",
        "{{ '1'.zfill(1000000000) }}",
        "{{ '\\t'.expandtabs(1000000000) }}",
        "{{ 'a' | center(1000000000) }}",
        "{{ 'a\\nb' | indent(1000000000) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '%1000000000d' | format(1) }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ '{:>{}}'.format(1, 1000000000) }}",
        "{{ '{x:1000000000}'.format_map({'x': 1}) }}",
        "{{ ('a' * 9999).replace('a', 'b' * 9999) }}",
        "{% set n = namespace(s='a') %}{% for i in range(40) %}{% set n.s = n.s+n.s %}{% endfor %}",
    ],
)
def test_what_a_template_builds_is_bounded(text: str) -> None:
    with pytest.raises(TemplateError):
        rendered(text)


def test_an_error_names_the_template_s_line() -> None:
    with pytest.raises(TemplateError, match="line 2: No such role"):
        rendered("{{ 1 }}\n{{ raise_exception('No such role') }}")
    with pytest.raises(TemplateError, match="does not compile: line 1"):
        Template("{% if %}")
    with pytest.raises(TemplateError):
        Template("{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}")
    with pytest.raises(TemplateError):
        Template("{{ " + "9" * 5000 + " }}")
