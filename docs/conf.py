"""The documentation: ``nox -s docs``."""

from __future__ import annotations

import poolcompat

project = "poolcompat"
copyright = "The poolcompat authors"
version = release = poolcompat.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["benchmarks.in.md", "repairs.in.md", "_build"]
nitpicky = True
# What is of other projects is named, not linked, so that nothing has to be fetched to build this.
nitpick_ignore_regex = [
    ("py:.*", r"(collections|concurrent|contextlib|multiprocessing|threading|typing)\..*"),
    # What modules import for type checkers only comes without its module.
    ("py:class", r"AsyncResult|BaseContext|DoneAndNotDoneFutures|_Iterator|S|(poolcompat.*)?T"),
]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
smartquotes_action = "D"  # Dashes alone: quotes may be those of a program.

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
# What modules import for type checkers only, and so cannot be found in them
autodoc_type_aliases = {"TerminateReport": "poolcompat.stopping.TerminateReport"}
python_use_unqualified_type_names = True
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = f"poolcompat {release}"
html_static_path = ["static"]
html_css_files = ["tables.css"]
html_show_copyright = False
html_show_sphinx = False
