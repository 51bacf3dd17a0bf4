"""The droplet image is made again exactly when something that is in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from testnet.image import build, recipe
from testnet.machine.command import RefusalError


@pytest.fixture
def ingredients(tmp_path: Path) -> tuple[Path, Path]:
    """A small image folder and a lock file."""
    folder = tmp_path / "image"
    (folder / "overlay" / "etc").mkdir(parents=True)
    (folder / "packages.txt").write_text("sudo\n")
    (folder / "wheels.sh").write_text("pip wheel\n")
    (folder / "overlay" / "etc" / "motd").write_text("hello\n")
    lock = tmp_path / "node.txt"
    lock.write_text("trio==1 --hash=sha256:00\n")
    return folder, lock


def read(ingredients: tuple[Path, Path]) -> recipe.Recipe:
    folder, lock = ingredients
    return recipe.read_recipe(folder, lock)


def test_given_unchanged_ingredients_then_the_key_stays(ingredients: tuple[Path, Path]) -> None:
    assert read(ingredients).key == read(ingredients).key


@pytest.mark.parametrize("name", ["packages.txt", "wheels.sh", "overlay/etc/motd", "../node.txt"])
def test_when_an_ingredient_changes_then_the_key_changes(ingredients: tuple[Path, Path], name: str) -> None:
    before = read(ingredients).key
    with (ingredients[0] / name).open("a") as file:
        file.write("more\n")
    assert read(ingredients).key != before


def test_when_a_file_is_renamed_then_the_key_changes(ingredients: tuple[Path, Path]) -> None:
    before = read(ingredients).key
    motd = ingredients[0] / "overlay" / "etc" / "motd"
    motd.rename(motd.with_name("issue"))
    assert read(ingredients).key != before


def test_when_only_the_driving_python_changes_then_the_key_stays(ingredients: tuple[Path, Path]) -> None:
    before = read(ingredients).key
    (ingredients[0] / "build.py").write_text("print('driven differently')\n")
    assert read(ingredients).key == before


def test_when_a_droplets_file_changes_then_compiled_wheels_are_kept(ingredients: tuple[Path, Path]) -> None:
    before = read(ingredients)
    (ingredients[0] / "packages.txt").write_text("sudo\ncurl\n")
    after = read(ingredients)
    assert after.key != before.key
    assert after.wheels_key == before.wheels_key


def test_when_the_lock_changes_then_wheels_are_made_again(ingredients: tuple[Path, Path]) -> None:
    before = read(ingredients).wheels_key
    ingredients[1].write_text("trio==2 --hash=sha256:11\n")
    assert read(ingredients).wheels_key != before


def test_given_a_variable_that_names_no_bundle_then_it_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COINJECTURE_CA_BUNDLE", str(tmp_path / "absent.pem"))
    with pytest.raises(RefusalError, match=r"COINJECTURE_CA_BUNDLE names .*absent\.pem, which is no file"):
        build.ca_bundle()


def test_given_no_bundle_variable_then_pip_uses_its_own_certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("COINJECTURE_CA_BUNDLE", "PIP_CERT", "REQUESTS_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert build.ca_bundle() is None


def test_every_package_of_the_droplet_is_named_once() -> None:
    names = recipe.packages()
    assert names == sorted(set(names))
    assert {"openssh-server", "systemd", "sudo", "nftables"} <= set(names)
