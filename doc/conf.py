# SPDX-License-Identifier: BSD-3-Clause
"""How the manual is built: ``python -m sphinx -W -b html doc doc/_build/html``.

Nothing is fetched: what belongs to scikit-learn and others becomes a link by the way their sites
name their pages. Every example of the gallery is executed, and an error in one fails the build.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "sphinxext"))

from api_pages import classes_of, write_index  # noqa: E402
from references import escape_learned, link_elsewhere  # noqa: E402

import skdist  # noqa: E402

project = "skdist"
author = copyright = "the skdist developers"
version = release = skdist.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.extlinks",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "_templates", "sphinxext"]
default_role = "literal"  # numpydoc's single backquotes are names of parameters
extlinks = {
    "sklearn": ("https://scikit-learn.org/stable/modules/generated/sklearn.%s.html", "%s"),
}

# The reference: a table for each package, a page for each public name.
PACKAGES = write_index(HERE / "api")
autosummary_generate = True
autosummary_context = {"classes": classes_of(PACKAGES)}
autodoc_typehints = "none"  # docstrings tell types, and shapes
autodoc_inherit_docstrings = False  # those of scikit-learn refer to pages of scikit-learn
numpydoc_show_class_members = False  # the template shows what is skdist's own

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "ignore_pattern": r"(^|/)(?!plot_)[^/]*\.py$",
    "within_subsection_order": "gallery_order.InOrder",
    "backreferences_dir": "api/generated/examples",
    "doc_module": ("skdist",),
    "reset_modules": ("matplotlib", "gallery_order.warnings_are_errors"),
    "plot_gallery": "True",
    "abort_on_example_error": False,  # show all that fail; the build fails at its end
    "remove_config_comments": True,
    "write_computation_times": False,
    "download_all_examples": False,
    "show_signature": False,
    "capture_repr": (),
}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "skdist"
html_static_path = ["_static"]
html_css_files = ["skdist.css"]
html_show_sphinx = False
html_theme_options = {
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "header_links_before_dropdown": 8,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": [], "start": [], "whats_new": [], "benchmarks": []}


def setup(app):
    """Called by Sphinx."""
    app.connect("missing-reference", link_elsewhere)
    app.connect("autodoc-process-docstring", escape_learned, priority=900)
