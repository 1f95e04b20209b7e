"""Build docs/ as a site: `make docs`, or `python -m docs.build FOLDER`.

The pages stay as they are read beside the code; what they link to outside docs/ comes along. Invariant: a link that
leads nowhere, or a page that no menu names, fails the build; no page of the site loads anything from another host.
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

DOCS = Path(__file__).parent
ROOT = DOCS.parent
# The menu: every page stands in it once.
MENU: Mapping[str, tuple[str, ...]] = {
    "Begin": ("tour", "concepts", "sandbox"),
    "Rules": ("configuration", "rules", "recipes", "messages", "trying-rules"),
    "Vendors": (
        "vendors/scalev", "vendors/wabotick", "vendors/meta", "vendors/proton", "vendors/cgb", "vendors/open_mercato",
        "vendors/freighttech", "vendors/generic", "adding-a-vendor",
    ),
    "Operating": ("console", "operating", "runbook", "deploying", "deploy/README", "security"),
    "Reference": ("settings", "commands"),
}  # fmt: skip
_FROM_DEPLOY = ("README.md", "prometheus", "grafana", "compose.yaml", "compose.pages.yaml", "example.env")
# What links begin with, here and in the copy.
_LINKS = {"../docs/": "../", "../deploy/": "deploy/", "README.md)": "index.md)"}
_CONFIG = {
    "project": "Hookyard",
    "html_title": "Hookyard",
    "extensions": ["myst_parser"],
    "myst_heading_anchors": 4,
    "html_theme": "furo",
    "html_show_copyright": False,
    "html_show_sphinx": False,
    "html_copy_source": False,
    "highlight_language": "none",
    # Words in angle brackets and shell lines are shown as they are; a lexer that cannot read a block is no fault.
    "suppress_warnings": ["misc.highlighting_failure"],
}


def build(target: Path) -> None:
    """Write the site into a folder; raises what Sphinx finds wrong."""
    with tempfile.TemporaryDirectory() as folder:
        source = _staged(Path(folder) / "docs")
        with docutils_namespace():
            app = Sphinx(
                srcdir=source,
                confdir=None,
                outdir=target,
                doctreedir=Path(folder) / "doctrees",
                buildername="html",
                confoverrides=_CONFIG,
                status=None,
                warningiserror=True,
                exception_on_warning=True,
                freshenv=True,
            )
            app.build(force_all=True)


def _staged(source: Path) -> Path:
    """Return a copy of the pages in which links stay inside, with the menu."""
    shutil.copytree(DOCS, source, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for name in _FROM_DEPLOY:
        found, place = ROOT / "deploy" / name, source / "deploy" / name
        place.parent.mkdir(exist_ok=True)
        _ = shutil.copytree(found, place) if found.is_dir() else shutil.copyfile(found, place)
    for path in source.rglob("*.md"):
        text = path.read_text("utf-8")
        text = (
            text.replace("](../docs/", "](../")
            .replace("](../deploy/", "](deploy/")
            .replace("](README.md)", "](index.md)")
        )
        path.write_text(_without_marks(text), "utf-8")
    (source / "README.md").rename(source / "index.md")
    with (source / "index.md").open("a", encoding="utf-8") as page:
        page.write("".join(_menu(caption, pages) for caption, pages in MENU.items()))
    return source


def _without_marks(text: str) -> str:
    """Take out what only `docs.generate` reads."""
    return re.sub(r"^<!-- (generated: \w+|end) -->$\n?", "", text, flags=re.MULTILINE)


def _menu(caption: str, pages: tuple[str, ...]) -> str:
    return "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


if __name__ == "__main__":
    build(Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "site").resolve())
