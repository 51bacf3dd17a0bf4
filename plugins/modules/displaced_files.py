#!/usr/bin/python
"""Ansible module: what a node has of its own under names that the migration drops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.displaced import FOLDER, Displaced, in_use, packed
from ..module_utils.entries import ENGINE_FILES, Entries
from ..module_utils.node_import import ImportEditError
from ..module_utils.vocabulary import DROPPED

DOCUMENTATION = r"""
module: displaced_files
short_description: Keep files of the node's own while the migration has their names, and put them back
description:
  - Keeps each as it is, with owner and mode, in I(folder)C(/displaced); a second time changes nothing.
extends_documentation_fragment: [coinjecture.migration.engine_files]
options:
  state:
    description:
      - C(looked) says what is or would be kept, and as C(refused) why something cannot be.
      - C(kept) keeps it; C(restored) puts it back in the place of what lies there.
    type: str
    choices: [looked, kept, restored]
    required: true
  folder: {description: Where root writes on the node., type: path, required: true}
  earlier:
    description: Files that are there only where an earlier version has installed the migration.
    type: list
    elements: path
    default: []
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Keep what the node has of its own under names of the migration
  coinjecture.migration.displaced_files:
    state: kept
    src: /opt/coinjecture/src
    entries: [/opt/coinjecture/src/node.py]
    folder: /var/lib/coinjecture-operator
    earlier: [/etc/coinjecture-migration/wrapper.json]
  become: true
"""

RETURN = r"""
kept: {description: What is or would be kept., type: list, elements: str, returned: success}
refused: {description: Why something cannot be kept., type: list, elements: str, returned: with C(looked)}
place: {description: Where it is kept., type: str, returned: success}
"""


def carry_out(options: dict[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do what is asked."""
    place = Displaced(Path(options["folder"]) / FOLDER)
    known = place.kept()
    told = {"place": str(place.folder), "changed": False, "kept": sorted(known or {}), "refused": []}
    if options["state"] == "restored":
        return told | {"changed": bool(known), "kept": told["kept"] if check_mode else place.put_back()}
    if known is not None:
        return told
    ours = any(Path(name).exists() for name in options["earlier"])
    names = [] if ours else [Path(options["src"]) / name for name in DROPPED]
    present = [path for path in names if path.exists() or path.is_symlink()]
    told |= {"kept": [str(path) for path in present]}
    if options["state"] == "kept" and not check_mode:
        return told | {"changed": bool(present), "kept": place.keep(present)}
    refused = []
    for path in present:
        try:
            packed(path)
        except OSError as error:
            refused.append(str(error))
    entries = Entries.of(options["src"], options["entries"])
    would = options["state"] == "kept" and bool(present)
    return told | {"changed": would, "refused": refused + in_use(entries, present)}


def main() -> None:
    """Check the options and carry them out."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["looked", "kept", "restored"], "required": True},
            **ENGINE_FILES,
            "folder": {"type": "path", "required": True},
            "earlier": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**carry_out(module.params, module.check_mode))
    except (ImportEditError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
