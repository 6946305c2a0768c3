# Copyright (c) 2026, thingspace.licensing contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This module util is PRIVATE to the collection: it may change without notice.

"""Makes pages from templates: the built-in ones, or those of the user. Every value in a page is escaped."""

from __future__ import annotations

import functools
import os
import re
import traceback
import typing as t

from .._errors import LicensingError, Problem
from .._text.lists import many
from .._text.markdown import plain
from .._text.visible import visible_all
from .layout import LAYOUT

if t.TYPE_CHECKING:
    import jinja2
    import markupsafe

View = dict[str, t.Any]
"""What a page shows, in plain values. Every template of a page gets the same ones."""

MAX_ROWS = 1000
"""Devices that a view holds of each table. The files for programs have all of them."""

_BLANK = re.compile("\n{3,}")

BUILT_IN = "builtin/"
"""The start of the names under which templates find the built-in ones, whatever the user has."""


def templates_problems(folder: str | None) -> list[Problem]:
    """The problems with the directory of a user's templates."""
    if not folder or os.path.isdir(folder):
        return []
    return [Problem(f"'templates' {folder} is not a directory.")]


def render(built_in: t.Mapping[str, str], names: t.Iterable[str], view: View, folder: str | None) -> dict[str, str]:
    """The texts of some pages, by name. Nothing is written.

    :param built_in: templates by the name of their page.
    :param folder: directory of the user's templates. A page that it does not have is made by the built-in one.
    :raises LicensingError: C(missing_library), or C(template_failed) if a template of the user is to blame.
    """
    shown = visible_all(view)
    texts = {}
    for name in names:
        environment = _environment(frozenset({**LAYOUT, **built_in}.items()), folder, markdown=name.endswith(".md"))
        try:
            text = environment.get_template(name).render(shown)
        except Exception as error:
            if not folder:
                raise
            raise LicensingError(_why(name, folder, error), code="template_failed") from None
        texts[name] = _BLANK.sub("\n\n", text)
    return texts


@functools.lru_cache(maxsize=8)
def _environment(built_in: frozenset[tuple[str, str]], folder: str | None, *, markdown: bool) -> jinja2.Environment:
    """What makes pages of some templates. It is kept, because reading the templates takes longer than using them.

    :raises LicensingError: C(missing_library).
    """
    try:
        import jinja2  # pylint: disable=import-outside-toplevel
        import jinja2.sandbox  # pylint: disable=import-outside-toplevel
    except ImportError:
        text = "The Python library Jinja2, which makes the pages, is missing; ansible-core brings it, so run this with "
        raise LicensingError(text + "Ansible's own Python. Nothing was written.", code="missing_library") from None
    sources = dict(built_in)
    loaders: list[jinja2.BaseLoader] = [jinja2.FileSystemLoader(folder)] if folder else []
    loaders.append(jinja2.FunctionLoader(lambda name: sources.get(name.removeprefix(BUILT_IN))))
    # What templates of the user may do is bounded: they see values, and neither Python nor files.
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader(loaders),
        autoescape=True,
        finalize=_markdown if markdown else None,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(number=_number, many=many, within=_within, code=_code if markdown else str)
    return environment


def share(sizes: t.Sequence[int], most: int) -> list[int]:
    """How many rows of each group are shown: its share of the most, and at least one."""
    total = sum(sizes)
    return list(sizes) if total <= most else [max(1, size * most // total) for size in sizes]


def _within(groups: t.Sequence[View], most: int) -> list[View]:
    """The groups of a table with the share of their rows that is shown."""
    counts = share([group["count"] for group in groups], most)
    return [{**group, "rows": group["rows"][:count]} for group, count in zip(groups, counts, strict=True)]


def _markdown(value: t.Any) -> markupsafe.Markup:
    """A value as plain text in Markdown, unless it is a piece of the page."""
    # It comes with Jinja2, which only pages need.
    import markupsafe  # pylint: disable=import-outside-toplevel

    if isinstance(value, markupsafe.Markup):
        return value
    return markupsafe.Markup(plain(value))  # noqa: S704 - plain() escapes all markup


def _code(value: str) -> markupsafe.Markup:
    """A line of a code block in Markdown, in which nothing is markup, and which no line break ends."""
    import markupsafe  # pylint: disable=import-outside-toplevel

    return markupsafe.Markup(" ".join(value.split()))  # noqa: S704 - one line, which is literal in its block


def _number(value: int | None) -> str:
    return "unknown" if value is None else f"{value:,}"


def _why(page: str, folder: str, error: Exception) -> str:
    """Which template failed, where, and why."""
    line = getattr(error, "lineno", None)
    name = getattr(error, "name", None) if line else page
    if line is None:
        root = os.path.join(os.path.abspath(folder), "")
        for frame in traceback.extract_tb(error.__traceback__):
            if os.path.abspath(frame.filename).startswith(root):
                name, line = os.path.relpath(frame.filename, folder), frame.lineno
    where = f"{name}{f', line {line}' if line else ''}"
    return f"The template {where} in {folder} failed: {type(error).__name__}: {error}. Nothing was written."
