#!/usr/bin/python
"""Ansible module: what a node is now. All of it is in module_utils/node_state.py."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.api_shape import ShapeError
from ..module_utils.node_asked import ARGUMENTS, answer

DOCUMENTATION = r"""
module: node_info
short_description: Read a node's service, interpreter, release, import and mode
description: Reads and changes nothing. Needs root, because the control socket serves uid 0 only.
extends_documentation_fragment: [coinjecture.migration.engine_files]
options:
  unit: {description: The node's systemd unit., type: str, required: true}
  python: {description: The node's interpreter., type: str, required: true}
  socket: {description: The control socket., type: str, required: true}
  mode_file: {description: The mode file., type: str, required: true}
  current: {description: The link to the release in force., type: str, required: true}
  drop_in: {description: The unit's drop-in of the migration., type: str, required: true}
  settings: {description: The wrapper's settings., type: str, required: true}
  releases: {description: Folder of the releases., type: str, required: true}
  operator_dir: {description: Where root writes., type: str, required: true}
  user: {description: The node's user., type: str, required: true}
  known:
    description: What the controller has copies of the node's journal of, by network.
    type: dict
    default: {}
  replay: {description: The result of a replay on the node., type: str, required: true}
  peers: {description: URL of the API of every node whose chain is compared., type: dict, default: {}}
  shape: {description: How the API is read if not as the reference node's., type: dict, default: {}}
  lag: {description: How far below the lowest tip they are compared., type: int, default: 6}
  depth: {description: From how deep on another block is a fork., type: int, default: 20}
  brief:
    description: Leave out what a way back does not need; runtime, installed, replay and chain are null then.
    type: bool
    default: false
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Read what the node is
  coinjecture.migration.node_info:
    unit: coinjecture-node.service
    src: /opt/coinjecture/src
    entries: [/opt/coinjecture/src/node.py]
    python: /opt/coinjecture/venv/bin/python
    socket: /run/coinjecture-migration/control.sock
    mode_file: /var/lib/coinjecture-migration/mode.json
    current: /opt/coinjecture/current
    drop_in: /etc/systemd/system/coinjecture-node.service.d/50-migration.conf
    settings: /etc/coinjecture-migration/wrapper.json
    releases: /opt/coinjecture/releases
    operator_dir: /var/lib/coinjecture-operator
    user: coinjecture
    replay: /var/lib/coinjecture-operator/replay.json
  become: true
"""

RETURN = r"""
state: {description: What the node is., type: dict, returned: success}
"""


def main() -> None:
    """Read the state and return it as ``state``."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    try:
        module.exit_json(changed=False, state=answer(module.params))
    except ShapeError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"the node's state cannot be read: {error}")


if __name__ == "__main__":
    main()
