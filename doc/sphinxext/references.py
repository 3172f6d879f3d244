# SPDX-License-Identifier: BSD-3-Clause
"""Links of names that this manual does not describe itself, without anything being fetched."""

import re

from docutils import nodes

# the first part of a name -> the page of its project that describes it
SITES = {
    "sklearn": "https://scikit-learn.org/stable/modules/generated/{name}.html",
    "joblib": "https://joblib.readthedocs.io/en/stable/generated/{name}.html",
}


def link_elsewhere(app, env, node, contnode):
    """Resolve a reference that Sphinx could not: a short name of ours, or one of another project.

    Called for Sphinx's event "missing-reference"; None leaves the name without a link.
    """
    name = node.get("reftarget", "")
    if node.get("refdomain") != "py":
        return None
    if "." not in name:  # `DistributedRidge` within the docstring of a package
        return _link_here(app, env, node, contnode, f"skdist.{name}")
    site = SITES.get(name.split(".")[0])
    if site is None:
        return None
    page = site.replace("modules/generated", "api") if node.get("reftype") == "mod" else site
    return nodes.reference("", "", contnode, internal=False, refuri=page.format(name=name))


def _link_here(app, env, node, contnode, name):
    python = env.get_domain("py")
    if name not in python.objects:
        return None
    return python.resolve_xref(env, node["refdoc"], app.builder, "obj", name, node, contnode)


# A learned attribute in running text or in a type: a reference to a target, to docutils.
LEARNED = re.compile(r"(?<![\w`*.])([A-Za-z]\w*[A-Za-z0-9])_(?=[\s,.;:)]|$)")


def escape_learned(app, what, name, obj, options, lines):
    """Let ``coef_`` in a docstring be text; literals and examples stay as they are.

    Called for Sphinx's event "autodoc-process-docstring", after numpydoc.
    """
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            parts = line.split("``")
            parts[::2] = [LEARNED.sub(r"\1\\_", part) for part in parts[::2]]
            lines[number] = "``".join(parts)
