#!/usr/bin/python
"""Ansible module: judge captured divergences again by a release. All of it is in module_utils/captures.py."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.captures import ReplayImpossibleError, replay, write

DOCUMENTATION = r"""
module: replay_captures
short_description: Replay captured divergences with a release that is installed
description: Fails where one of them still diverges. Changes nothing but a folder of its own, which goes.
options:
  captures: {description: Content in base64 by name., type: dict, required: true}
  release: {description: Folder of the release., type: path, required: true}
  python: {description: The node's interpreter., type: path, required: true}
  legacy: {description: The legacy engine's file., type: path, required: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Judge the captured divergences again
  coinjecture.migration.replay_captures:
    captures: "{{ read.captures }}"
    release: /opt/coinjecture/current
    python: /opt/coinjecture/venv/bin/python
    legacy: /opt/coinjecture/src/consensus.py
  become: true
  become_user: coinjecture
"""

RETURN = r"""
replayed: {description: How many agree now., type: int, returned: success}
said: {description: What the replay said., type: raw, returned: success}
bad: {description: Captures that could not be judged., type: raw, returned: success}
"""


def main() -> None:
    """Write them into a private folder, replay them, and say what came of it."""
    module = AnsibleModule(
        argument_spec={
            "captures": {"type": "dict", "required": True},
            "release": {"type": "path", "required": True},
            "python": {"type": "path", "required": True},
            "legacy": {"type": "path", "required": True},
        },
    )
    captures, release = module.params["captures"], Path(module.params["release"])
    try:
        with tempfile.TemporaryDirectory(prefix="captures-") as name:
            paths = write(Path(name), captures)
            agree, said, bad = replay(paths, release, module.params["python"], Path(module.params["legacy"]))
    except (ReplayImpossibleError, OSError) as error:
        module.fail_json(msg=f"the captures were not judged again, so the wheel does not come: {error}")
    if not agree:
        module.fail_json(
            msg=f"this wheel still diverges on at least one of {len(captures)} captured divergences: {said}; "
            "mend the engine and build another one"
        )
    module.exit_json(changed=False, replayed=len(captures) - len(bad), said=said, bad=bad)


if __name__ == "__main__":
    main()
