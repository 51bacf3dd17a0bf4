"""Loading and building engines, lazily: a broken wheel or a missing file matters only to who needs it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from coinjecture_migration.engines import release
from coinjecture_migration.engines.genesis import Genesis, WithGenesis
from coinjecture_migration.engines.legacy import LegacyEngine, without_rate_limit
from coinjecture_migration.engines.printing import Printing
from coinjecture_migration.engines.rust import RustEngine
from coinjecture_migration.engines.storage_proxy import Aside, StorageProxy
from coinjecture_migration.runtime.errors import NEVER_SWALLOWED, BrokenEngineError, ReleaseImportError

OnRow = Callable[[bytes, float], None]


class EngineLoader:
    """Builds either engine from the arguments that `node.py` gave for one.

    Args:
        args: Positional arguments of the engine's class: configuration, storage, problem registry, ...
        kwargs: Keyword arguments of the engine's class.
        package: Package of the wrapper module, None where it runs from a plain folder.
        legacy_engine: A legacy engine that is built already, used the first time one is needed.
        release_link: Symlink to the installed wheel.
        genesis_file: Where a genesis is kept that the configuration does not name.
        quiet_legacy: Whether the legacy engine's `print` is silent.
    """

    def __init__(
        self,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        package: str | None,
        legacy_engine: Any = None,
        release_link: Path | None = None,
        genesis_file: Path | None = None,
        quiet_legacy: bool = False,
    ) -> None:
        self._args, self._kwargs, self._given = args, kwargs, legacy_engine
        if legacy_engine is not None and len(args) < 3:
            self._kwargs.setdefault("problem_registry", legacy_engine.problem_registry)
        self.legacy_module = f"{package}.consensus" if package else "consensus"
        self.errors: dict[str, str | None] = {"legacy": None, "rust": None}
        self._release_link = release_link
        self._imported_release: str | None = None
        self.config = self._argument(0, "config", getattr(legacy_engine, "config", None))
        self.storage = self._argument(1, "storage", getattr(legacy_engine, "storage", None))
        self.printing = Printing(quiet_legacy)
        self.genesis = Genesis(genesis_file, getattr(self.config, "genesis_block", None))

    def build(self, name: str, *, answering: bool, on_row: OnRow | None = None) -> LegacyEngine | RustEngine:
        """Load and construct an engine; its constructor rebuilds the tree from storage.

        Args:
            name: `legacy` or `rust`.
            answering: Whether the writes of its constructor reach the storage.
            on_row: Told each row of the log that is read; may raise to stop.

        Raises:
            ReleaseImportError: The wheel itself is at fault; also noted in `errors`.
            BrokenEngineError: It cannot be built of this configuration and storage; also noted in `errors`.
        """
        try:
            engine = self._legacy(answering, on_row) if name == "legacy" else self._rust(on_row)
        except NEVER_SWALLOWED:
            raise
        except release.ReleaseImportError as error:
            self.errors[name] = str(error)
            raise ReleaseImportError(f"the wheel cannot be imported: {error}") from error
        except BaseException as error:
            self.errors[name] = f"{type(error).__name__}: {error}"
            raise BrokenEngineError(f"the {name} engine cannot be built: {self.errors[name]}") from error
        self.errors[name] = None
        return engine

    def _legacy(self, answering: bool, on_row: OnRow | None) -> LegacyEngine:
        proxy = StorageProxy(self.storage)
        if self._given is not None:
            engine, self._given = self._given, None
            engine.storage = proxy
            return self._met(LegacyEngine(engine, proxy))
        importlib.invalidate_caches()
        kind = importlib.import_module(self.legacy_module).ConsensusEngine
        self.printing.install(kind)
        proxy.on_row = on_row
        if not answering:
            proxy.hold()
        engine = self._construct(kind, proxy, without_rate_limit(self.config))
        proxy.drop()
        proxy.on_row = None
        engine.config = self.config
        return self._met(LegacyEngine(engine, proxy))

    def _met(self, legacy: LegacyEngine) -> LegacyEngine:
        """The legacy engine knows the genesis, whatever the configuration says."""
        self.genesis.seen(getattr(legacy.engine, "genesis_block", None))
        return legacy

    def _rust(self, on_row: OnRow | None) -> RustEngine:
        imported_before = release.is_imported(self._release_link)
        kind = release.engine_module(self._release_link).ConsensusEngine
        if not imported_before:
            self._imported_release = self._linked_release()
        proxy = StorageProxy(self.storage)
        proxy.on_row = on_row
        engine = self._construct(kind, proxy, self._with_genesis(self.config))
        engine.config, proxy.on_row = self.config, None
        rust = RustEngine(engine, self.storage)
        self.genesis.keep(rust.as_json)
        return rust

    def _with_genesis(self, config: Any) -> Any:
        """The configuration as the Rust engine needs it."""
        if getattr(config, "genesis_block", None) is not None:
            return config
        return WithGenesis(config, self.genesis.block())

    def fresh(self, like: LegacyEngine | RustEngine) -> LegacyEngine | RustEngine:
        """An engine of the same class with nothing but the genesis in it, whose writes lead nowhere."""
        proxy = StorageProxy(Aside(self.storage))
        config = without_rate_limit(self.config)
        if isinstance(like, LegacyEngine):
            with self.printing.aside():
                return LegacyEngine(self._construct(type(like.engine), proxy, config), proxy)
        return RustEngine(self._construct(type(like.engine), proxy, self._with_genesis(config)), proxy)

    def _construct(self, kind: Any, proxy: StorageProxy, config: Any) -> Any:
        args, kwargs = list(self._args), dict(self._kwargs)
        for position, name, value in ((0, "config", config), (1, "storage", proxy)):
            if len(args) > position:
                args[position] = value
            else:
                kwargs[name] = value
        return kind(*args, **kwargs)

    def _argument(self, position: int, name: str, otherwise: Any) -> Any:
        return self._args[position] if len(self._args) > position else self._kwargs.get(name, otherwise)

    # Rows of the log

    def logged(
        self, keys: set[Any], rebuilt: LegacyEngine | RustEngine, rows: int | None = None
    ) -> Iterator[Any]:
        """Which of some hashes the log (its first `rows`) has, leaving out what only legacy can judge."""
        log = self.storage.iter_blocks() if hasattr(self.storage, "iter_blocks") else ()
        for raw, _ in itertools.islice(log, rows):
            block = LegacyEngine.read(raw)
            key = block.get("block_hash") if isinstance(block, dict) else None
            if isinstance(key, list | dict) or key not in keys:
                continue
            if isinstance(rebuilt, RustEngine):
                parsed, broke = rebuilt.parse(raw)
                if broke is None and parsed.out_of_domain is not None:
                    continue
            yield key

    # What is there

    def drop_legacy_module(self) -> None:
        """Forget the legacy module, so that `final` does not even have it imported."""
        sys.modules.pop(self.legacy_module, None)
        parent, _, name = self.legacy_module.rpartition(".")
        with contextlib.suppress(AttributeError):
            delattr(sys.modules.get(parent), name)

    def legacy_imported(self) -> bool:
        """Whether the legacy module is in this process."""
        return self.legacy_module in sys.modules

    def rust_importable(self) -> bool:
        """Whether the wheel's files are found; nothing is imported for that."""
        return release.is_there(self._release_link)

    def builds(self, legacy: LegacyEngine, rust: RustEngine) -> dict[str, Any]:
        """Identity of both engines, for a divergence file."""
        return {"legacy": _legacy_build(legacy), "rust": {**rust_build(rust), "release": self.release}}

    @property
    def release(self) -> str | None:
        """Hash of the wheel this process imported; before that, of the wheel that is installed now."""
        return self._imported_release or self._linked_release()

    def _linked_release(self) -> str | None:
        """The name of the folder the release link points to, None without a link."""
        try:
            return self._release_link.readlink().name if self._release_link else None
        except OSError:
            return None


def rust_build(rust: RustEngine | None) -> dict[str, Any]:
    """What the native module says of itself; empty where it is not loaded or does not say."""
    try:
        return dict(rust.engine.build_info()) if rust else {}
    except Exception:
        return {}


def _legacy_build(legacy: LegacyEngine) -> dict[str, Any]:
    module = sys.modules.get(type(legacy.engine).__module__)
    file = getattr(module, "__file__", None)
    try:
        digest = hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None
    except OSError:
        digest = None
    return {"file": Path(file).name if file else None, "sha256": digest}
