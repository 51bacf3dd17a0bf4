#!/usr/bin/python
"""Ansible module: install a wheel as a release and switch to it."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

from ..module_utils.release import Interpreter, ReleaseRefusedError, install, is_whole, switch

DOCUMENTATION = r"""
module: wheel_release
short_description: Install a wheel as releases/<sha256> and point current at it
description: See module_utils/release.py. In check mode nothing is staged, C(whole) says what is there.
options:
  wheel: {description: The wheel on the node., type: path, required: true}
  sha256: {description: The hash it must have., type: str, required: true}
  releases: {description: Folder of the releases., type: path, required: true}
  current: {description: The link to the release in force., type: path, required: true}
  python: {description: The node's interpreter., type: path, required: true}
  user: {description: "The node's user; the interpreter runs as that user.", type: str, required: true}
  allow_faults: {description: Whether a fault wheel may be installed here., type: bool, default: false}
  switch: {description: Whether current is pointed at it now., type: bool, default: true}
author: ["The migration toolkit"]
"""

EXAMPLES = r"""
- name: Install the release
  coinjecture.migration.wheel_release:
    wheel: /opt/coinjecture/releases/.incoming/coinjecture-4.0.0-cp311-abi3-manylinux_2_34_x86_64.whl
    sha256: "{{ wheel_chosen.sha256 }}"
    releases: /opt/coinjecture/releases
    current: /opt/coinjecture/current
    python: /opt/coinjecture/venv/bin/python
    user: coinjecture
  become: true
"""

RETURN = r"""
build: {description: What the release says of its build., type: raw, returned: but in check mode}
whole: {description: Whether the release is there whole., type: bool, returned: in check mode}
"""


def main() -> None:
    """Install, probe, switch."""
    paths = ("wheel", "releases", "current", "python")
    module = AnsibleModule(
        argument_spec={
            **{name: {"type": "path", "required": True} for name in paths},
            "sha256": {"type": "str", "required": True},
            "user": {"type": "str", "required": True},
            "allow_faults": {"type": "bool", "default": False},
            "switch": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    wheel, releases, current, python = (Path(module.params[name]) for name in paths)
    release = releases / module.params["sha256"]
    before = str(current.readlink()) if current.is_symlink() else "absent"
    after = str(release) if module.params["switch"] else before
    diff = {"before": f"{current} -> {before}\n", "after": f"{current} -> {after}\n"}
    if module.check_mode:
        whole = is_whole(release)
        module.exit_json(changed=before != after or not whole, whole=whole, diff=diff)
    try:
        node = Interpreter(str(python), module.params["user"])
        installed, build = install(
            wheel, module.params["sha256"], releases, node, module.params["allow_faults"]
        )
        switched = module.params["switch"] and switch(current, release)
    except (ReleaseRefusedError, OSError) as error:
        module.fail_json(msg=f"the release is not installed: {error}")
    module.exit_json(changed=installed or switched, build=build, diff=diff)


if __name__ == "__main__":
    main()
