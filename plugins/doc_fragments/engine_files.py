"""The options of every module that looks at the files that make a node's engine."""

from __future__ import annotations


class ModuleDocFragment:
    """Put by ansible-doc into the pages of these modules; module_utils/entries.py has the same as a spec."""

    DOCUMENTATION = r"""
options:
  src: {description: Folder of the legacy engine., type: path, required: true}
  entries:
    description: Files that make the engine; the unit starts the first.
    type: list
    elements: path
    required: true
"""
