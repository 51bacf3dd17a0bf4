"""Each piece of discovery by itself: command lines, the search path, proxies, sockets, databases, APIs."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.coinjecture.migration.plugins.module_utils import databases, proxies
from ansible_collections.coinjecture.migration.plugins.module_utils.api_found import shape
from ansible_collections.coinjecture.migration.plugins.module_utils.api_shape import ApiShape
from ansible_collections.coinjecture.migration.plugins.module_utils.command_lines import Started, started
from ansible_collections.coinjecture.migration.plugins.module_utils.host_units import commands_of
from ansible_collections.coinjecture.migration.plugins.module_utils.static_paths import added

from .support import DEPLOYED, REFERENCE, TABLES, chain

PYTHON = "/opt/x/.venv/bin/python3"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"{PYTHON} node.py --config c", Started(PYTHON, "file", "node.py")),
        (f"{PYTHON} -u -X dev -W error -OO /opt/x/node.py", Started(PYTHON, "file", "/opt/x/node.py")),
        ("/usr/bin/python3.11 -m src.node c", Started("/usr/bin/python3.11", "module", "src.node")),
        ("/usr/bin/env -S A=1 python3 node.py", Started("python3", "file", "node.py")),
        ("/opt/x/run.py --now", Started("", "file", "/opt/x/run.py")),
        (f"{PYTHON} -m gunicorn -b :80 app:app", Started(PYTHON, "application", "app")),
        (f"{PYTHON} /opt/x/bin/gunicorn --chdir /opt/y api.server:make()",
         Started(PYTHON, "application", "api.server", "/opt/y")),
        (f"{PYTHON} -c print", Started(PYTHON, "text", "")),
        ("/usr/sbin/nginx -g daemon", None),
        (f"{PYTHON}", None),
        ("", None),
    ],
)  # fmt: skip
def test_given_a_command_line_then_what_it_starts_is_known(line: str, expected: Started | None) -> None:
    assert started(line.split()) == expected


def test_given_what_the_service_manager_says_of_a_command_then_its_words_are_known() -> None:
    said = '{ path=/opt/py ; argv[]=py "a b.py" --x ; ignore_errors=no ; start_time=[n/a] ; pid=0 }'
    assert commands_of(f"{said}\n{{ path=/bin/true ; argv[]=true ; pid=0 }}") == [
        ["/opt/py", "a b.py", "--x"],
        ["/bin/true"],
    ]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("sys.path.append('src')", ["/opt/x/src"]),
        ("sys.path.insert(0, os.path.join(os.path.dirname(__file__), 'src'))", ["/opt/y/src"]),
        ("sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))", ["/opt"]),
        (
            "HERE = Path(__file__).resolve().parent\nsys.path.append(str(HERE / 'lib' / 'src'))",
            ["/opt/y/lib/src"],
        ),
        ("sys.path.append(str(Path(__file__).parents[1]))", ["/opt"]),
        ("sys.path += ['a', 'b']", ["/opt/x/a", "/opt/x/b"]),
        ("sys.path = ['a'] + sys.path", ["/opt/x/a"]),
        ("sys.path[:0] = ['a']", ["/opt/x/a"]),
        ("sys.path[:] = ['a', *sys.path]", ["/opt/x/a"]),
        ("site.addsitedir(os.getcwd() + '/src')", ["/opt/x/src"]),
        ("sys.path.append(os.environ['HOME'])", [""]),
        ("A = 'a'\nA = 'b'\nsys.path.append(A)", [""]),
        ("A = B\nB = A\nsys.path.append(A)", [""]),
        ("sys.path.append(Path(__file__).parents[99])", [""]),
    ],
)
def test_given_a_change_of_the_search_path_then_its_folder_is_told_or_it_is_said_that_only_a_run_tells(
    source: str, expected: list[str]
) -> None:
    assert [one.folder for one in added(ast.parse(source), "/opt/y/node.py", "/opt/x")] == expected


NGINX = {
    "/etc/nginx/nginx.conf": "user www; # include no;\nhttp {\n include sites-enabled/*;\n}\n",
    "/etc/nginx/sites-enabled/node": """
        upstream api { server 127.0.0.1:8000; server unix:/run/api.sock; }
        server { listen 5000 default_server; listen [::]:5000; server_name "a { b";
          location / { proxy_pass http://api; }
          location ~ ^/v1/ { proxy_pass http://127.0.0.1:9000/x; } }
        server { listen 443 ssl; location / { proxy_pass http://unix:/run/node.sock:/; } }
    """,
    "/etc/haproxy/haproxy.cfg": """
defaults
    mode http
frontend users
    bind *:7000
    default_backend nodes
backend nodes
    server one 127.0.0.1:8080 check
listen both 0.0.0.0:7001
    server two 127.0.0.1:8081
""",
}


def test_given_configurations_of_proxies_then_each_port_with_its_target_is_told() -> None:
    def find(pattern: str) -> list[str]:
        return [path for path in NGINX if Path(path).match(pattern)]

    found, complaints = proxies.forwarded(NGINX.__getitem__, find)
    assert complaints == []
    assert {(one.listen, one.target) for one in found} == {
        (5000, "127.0.0.1:8000"), (5000, "unix:/run/api.sock"), (5000, "127.0.0.1:9000"),
        (443, "unix:/run/node.sock"), (7000, "127.0.0.1:8080"), (7001, "127.0.0.1:8081"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["{" * 60_000, "}" * 1000, "include /etc/nginx/nginx.conf;", 'server { listen "', ";;{;"]
)
def test_given_a_configuration_that_is_none_then_nothing_is_told(text: str) -> None:
    assert proxies.forwarded(lambda _: text, lambda pattern: [pattern] if "nginx" in pattern else [])[0] == []


BLOCK = json.dumps({"previous_hash": "a", "block_hash": "b", "problem": {}})
SEQ = "CREATE TABLE blocks (seq INTEGER PRIMARY KEY, raw BLOB NOT NULL, received_at REAL)"


@pytest.mark.parametrize(
    ("statements", "query"),
    [
        ((SEQ, f"INSERT INTO blocks (raw) VALUES ('{BLOCK}')"), "SELECT seq, raw FROM blocks ORDER BY seq"),
        ((SEQ,), "SELECT seq, raw FROM blocks ORDER BY seq"),
        ((SEQ, "INSERT INTO blocks (raw) VALUES ('not a block')"), ""),
        ((SEQ, f"INSERT INTO blocks (raw) VALUES ('{BLOCK}'), ('{'[' * 60_000}')"), ""),
        (TABLES, ""),
        ((SEQ.replace("blocks", '"my log"'), f"""INSERT INTO "my log" (raw) VALUES ('{BLOCK}')"""),
         'SELECT seq, raw FROM "my log" ORDER BY seq'),
        (('CREATE TABLE "order" ("index" INTEGER PRIMARY KEY, raw BLOB)',
          f"""INSERT INTO "order" (raw) VALUES ('{BLOCK}')"""),
         'SELECT "index", raw FROM "order" ORDER BY "index"'),
        (("CREATE TABLE blocks (number INTEGER PRIMARY KEY, kind TEXT, body TEXT)",), ""),
    ],
)  # fmt: skip
def test_given_a_database_then_a_log_of_blocks_is_one_that_numbers_whole_blocks(
    tmp_path: Path, statements: tuple[str, ...], query: str
) -> None:
    path = chain(tmp_path / "a/chain.db", *statements)
    before = path.read_bytes(), sorted(path.parent.iterdir())
    assert databases.candidates([tmp_path], []) == [path]
    told = databases.described(path)
    assert (told["log_query"], told["error"]) == (query, "")
    assert (path.read_bytes(), sorted(path.parent.iterdir())) == before, "nothing is written, no file is made"


def test_given_files_that_only_look_like_databases_then_they_are_none_or_say_why(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no")
    (tmp_path / "cut.db").write_bytes(databases.MAGIC + b"\xff" * 4000)
    (tmp_path / "link.db").symlink_to("/etc/shadow")
    assert databases.candidates([tmp_path], [tmp_path / "gone.db"]) == [tmp_path / "cut.db"]
    assert str(tmp_path / "cut.db") in databases.described(tmp_path / "cut.db")["error"]


def read(answers: dict[str, Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = shape(answers.get)
    return found


def test_given_the_reference_api_then_no_key_is_stated_and_it_is_so_for_the_deployed_one_by_its_own() -> None:
    told = read(REFERENCE)
    assert told is not None and told["stated"] == {} and told["lacks"] == []
    told = read(DEPLOYED)
    assert told is not None
    by = ApiShape.of(told["stated"])
    latest = DEPLOYED["/v1/data/block/latest"]
    assert by.value(latest, "height", "x") == 7 and by.value(latest, "hash", "x") == "a"
    assert by.value(DEPLOYED[by.peers], "peer_count", "x") == ["http://b"]
    assert by.first_time(latest) == 1.0


def test_given_an_api_that_tells_no_peers_then_none_are_asked_for_and_that_is_said() -> None:
    told = read({"/v1/data/block/latest": {"height": 1, "hash": "a", "received_at": 1}, "/health": {}})
    assert told is not None and told["stated"]["peers"] == ""
    assert any("tells peers" in text for text in told["lacks"])
    assert any("none can be compared" in text for text in told["lacks"])


@pytest.mark.parametrize(
    "answer",
    [None, [], "text", {"height": True, "hash": "a"}, {"a": {"b": {"c": {"d": {"height": 1, "hash": "x"}}}}}],
)
def test_given_an_answer_without_a_block_then_it_is_no_api(answer: Any) -> None:
    assert read({"/v1/data/block/latest": answer}) is None
