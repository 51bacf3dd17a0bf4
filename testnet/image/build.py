"""Making the droplet image without an image registry: mmdebstrap, `docker import`, commit."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testnet.image.apt import debian_sources, shared_options
from testnet.image.recipe import (
    CODENAME,
    FOLDER,
    REPOSITORY,
    REQUIREMENTS,
    ROOT,
    Recipe,
    packages,
    read_recipe,
)
from testnet.machine.command import CommandError, RefusalError, run
from testnet.machine.docker import Docker
from testnet.machine.privilege import install_packages, require_root
from testnet.machine.progress import out

_WHEELS = "/mnt"  # exists in every image, so mounting there leaves no trace in a layer
_CA_BUNDLE = "/run/ca-bundle.crt"
_PIP_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def ensure_image(docker: Docker) -> str:
    """The tag of the image of the present recipe, which is made if there is none.

    It also carries the tag `current`, for what cannot compute a key.

    Raises:
        RefusalError: Something that making it needs cannot be had on this machine.
        CommandError: A step of making it failed.
    """
    recipe = read_recipe()
    with _one_at_a_time():
        if docker.inspect("image", recipe.tag) is None:
            _build(docker, recipe)
        else:
            out("image", f"{recipe.tag} is up to date")
        docker("tag", recipe.tag, f"{REPOSITORY}:current")
    return recipe.tag


def _build(docker: Docker, recipe: Recipe) -> None:
    """Base system, compiled libraries, droplet: three steps, the first two kept apart from the result."""
    out("image", f"{recipe.tag} is not there yet: making it (two to three minutes the first time)")
    base = f"{REPOSITORY}:base-{recipe.key}"
    _import_base(docker, base)
    try:
        wheels = _ensure_wheels(docker, base, recipe)
        _commit_droplet(docker, base, wheels, recipe)
    finally:
        docker("image", "rm", "--no-prune", base)
    out("image", f"{recipe.tag} is ready")


def _import_base(docker: Docker, base: str) -> None:
    """Debian with the packages of `packages.txt`, from the machine's own apt sources."""
    sources = debian_sources()
    if shutil.which("mmdebstrap") is None:
        install_packages(["mmdebstrap"], "mmdebstrap, which makes the droplets' Debian,")
    out("image", f"installing Debian {CODENAME} with {len(packages())} packages (about 30 s)")
    with tempfile.TemporaryDirectory(prefix="coinjecture-image-") as folder:
        listed, tar = Path(folder, "sources.list"), Path(folder, "base.tar")
        listed.write_text(sources, encoding="ascii")
        run(
            [
                *require_root("Making the droplet image"),
                "mmdebstrap",
                "--quiet",
                "--variant=minbase",
                f"--include={','.join(packages())}",
                *(f"--aptopt={option}" for option in shared_options()),
                CODENAME,
                str(tar),
                str(listed),
            ]
        )
        docker("import", "--change", 'CMD ["/sbin/init"]', str(tar), base)


def _ensure_wheels(docker: Docker, base: str, recipe: Recipe) -> str:
    """A volume with a wheel of every library the node needs, checked against the hashes of the lock.

    Some are published as source only: they are compiled in a container of the droplets' own base.
    """
    volume = f"coinjecture-wheels-{recipe.wheels_key}"
    mount = ["--volume", f"{volume}:{_WHEELS}"]
    bundle = ca_bundle()
    if bundle is not None:
        mount += ["--volume", f"{bundle}:{_CA_BUNDLE}:ro"]
    with _container(docker, base, mount) as builder:
        if docker.execute(builder, "find", _WHEELS, "-name", ".complete"):
            return volume
        out("image", "compiling the node's libraries in a throw-away container (about 35 s)")
        docker("cp", str(REQUIREMENTS), f"{builder}:/opt/node.txt")
        script = (FOLDER / "wheels.sh").read_text(encoding="utf-8")
        docker.execute(builder, "sh", "-s", _WHEELS, env=_pip_environment(bundle), stdin=script)
    return volume


def _commit_droplet(docker: Docker, base: str, wheels: str, recipe: Recipe) -> None:
    """The base with the overlay, the operator's account and the node's venv, kept under the recipe's tag."""
    with _container(docker, base, ["--volume", f"{wheels}:{_WHEELS}:ro"]) as droplet:
        out("image", "installing the node's libraries (about 15 s)")
        docker("cp", f"{FOLDER}/overlay/.", f"{droplet}:/")
        script = (FOLDER / "configure.sh").read_text(encoding="utf-8")
        docker.execute(droplet, "sh", "-s", _WHEELS, stdin=script)
        docker("commit", "--change", 'CMD ["/sbin/init"]', droplet, recipe.tag)


def ca_bundle() -> Path | None:
    """The certificates pip has to trust inside the builder: this machine's choice, or None for pip's own.

    `COINJECTURE_CA_BUNDLE` names one; else what pip or requests on this machine have been told counts.

    Raises:
        RefusalError: The variable names no file.
    """
    for name in ("COINJECTURE_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        value = os.environ.get(name)
        if value:
            bundle = Path(value).resolve()
            if not bundle.is_file():
                raise RefusalError(
                    f"{name} names {value}, which is no file: set it to a bundle of certificates or unset it."
                )
            return bundle
    return None


def _pip_environment(bundle: Path | None) -> dict[str, str]:
    """What pip in the builder takes from this machine: index, proxies, certificates."""
    names = [name for setting in _PIP_SETTINGS for name in (setting, setting.lower())]
    chosen = {name: os.environ[name] for name in names if os.environ.get(name)}
    if bundle is not None:
        chosen["PIP_CERT"] = _CA_BUNDLE
    return {**chosen, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@contextmanager
def _container(docker: Docker, image: str, mounts: list[str]) -> Iterator[str]:
    """A container of this image that does nothing by itself, removed at the end whatever happens."""
    name = f"coinjecture-image-{uuid.uuid4().hex[:8]}"
    docker("run", "--detach", "--name", name, *mounts, image, "sleep", "infinity")
    try:
        yield name
    finally:
        docker("rm", "--force", name)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Let a second process of this checkout wait for the image instead of making it too."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "image.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def remove_images(docker: Docker) -> None:
    """Remove every image and volume of wheels that this module makes."""
    for image in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", REPOSITORY).splitlines():
        docker("image", "rm", "--force", image)
    for volume in docker("volume", "ls", "--quiet", "--filter", "name=coinjecture-wheels-").splitlines():
        try:
            docker("volume", "rm", volume)
        except CommandError as error:
            out("image", f"volume {volume} stays: {error}")
