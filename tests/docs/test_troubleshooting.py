"""docs/troubleshooting.md has an entry for every message that a command can end with, and no other."""

from __future__ import annotations

import re

from ansible_collections.coinjecture.migration.plugins.plugin_utils.planning.completion import TITLES
from tests.docs.messages import COMPOSED, ROOT, codes_of_the_wrapper, found, plain
from tests.docs.test_gate_table import codes_of_the_gate

PAGE = (ROOT / "docs/troubleshooting.md").read_text()
GATE, WRAPPER = "## What the gate says\n", "## What the wrapper says\n"
ENDS_NOTHING = (
    # said while a play goes on, or where it ends well
    *(
        "nobody is at work: no node is locked",
        "no lock on …",
        "empty, nothing was done",
        "records, whole; last: …",
    ),
    *("still in the old place", "taken away with the wrapper; the controller's copy", "it runs … already"),
    *("it runs … since an interrupted upgrade", "comes in place of …", "still runs another release"),
    *("look, acknowledge it, and go on with phase 1", "and the old one is kept", "the soak of … begins anew"),
    *(
        "would go from release … to …",
        "going back from … to …",
        "replaced by one to …",
        "the rollback to … begun by",
    ),
    *("taking the wrapper out, from …", "come back from the sealed copy", "fuzz: seed …"),
    *("users were not answered", "so there was nothing to hide", "so there is nothing to lead round it"),
    *("the detour is before what has port", "takes connections cannot be read", "are not drained: …"),
    *("soaked for at least … s without a fault", "nothing has to soak before it", "at most … at … %"),
    *(
        "no log of blocks to replay: shown by live blocks",
        "does not count",
        "on the clock, which is not judged",
    ),
    *("processor time of …", "before final: …", "reason codes live"),
    # what discovery says of a setting that it has found
    *(
        "API at port …",
        "an SQLite file with the tables …",
        "it has the port of users",
        "takes it and hands it to …",
    ),
    *(
        "and it tells the newest block",
        "name it in coinjecture_data if it cannot be made again",
        "is no log of blocks",
    ),
    # the end of a message that has an entry
    *(
        "Look into it, then: …",
        "did you mean …?",
        "Mend the cause and run the same command again",
        "or go back: …",
    ),
    *("Nothing was asked or changed.", "with the same wheel", "port … does not tell"),
    # what stands in a message for a value, and signs in the words of other programs
    *(
        "a password is required",
        "host key verification failed",
        "host key is known for",
        "Identity file (.+?) not accessible",
        "incorrect sudo password",
        "missing sudo password",
    ),
    *("is not allowed to execute", "is not in the sudoers", "docs/runbook.md, When something is wrong"),
    *(
        "no reason given",
        "no reason was given",
        "nothing tells it",
        "an unknown mode",
        "the mode file was damaged",
    ),
    *(
        "the node is silent",
        "its process has not read what lies there now",
        "its file was not found",
        "there is none",
    ),
    *("too many rows to count", "phase1.yml to phase3.yml", "what was typed"),
    # of a run that was killed, which nobody reads; of writing a file, which its caller tells in its own words
    *("the run of this task was killed", "more than … bytes", "no regular file"),
)
"""Texts of the sources that are no end of a command, or only a part of one."""


def entries() -> set[str]:
    """The messages of the tables' rows, each without the values at its ends."""
    rows = [line for line in PAGE.splitlines() if line.startswith("| `")]
    cells = [row.split(" | ")[1 if re.match(r"\| (?:`[a-z_]+`(?:, )?)+ \| `", row) else 0] for row in rows]
    texts = {plain(text) for cell in cells for text in re.findall(r"`([^`]+)`", cell)}
    return {text.strip("….:;, ") for text in texts if " " in text}


def codes(heading: str) -> set[str]:
    """The codes of a section's first table."""
    section = PAGE.split(heading)[1].split("\n## ")[0]
    rows = re.findall(r"^\| ((?:`[a-z_]+`(?:, )?)+) \|", section, re.M)
    return {code for row in rows for code in re.findall(r"`(\w+)`", row)}


def test_given_a_message_of_the_sources_then_the_page_has_an_entry_for_it() -> None:
    assert {file for file in COMPOSED if not (ROOT / file).is_file()} == set()
    messages, listed = found(), entries()
    assert len(messages) > 400, "the messages are found in the sources"
    missing = {
        f"{min(files)}: {text}"
        for text, files in messages.items()
        if not any(part in text for part in (*listed, *ENDS_NOTHING))
    }
    assert missing == set(), "add a row to docs/troubleshooting.md: message, cause, what to do"


def test_given_an_entry_of_the_page_then_a_message_of_the_sources_has_its_words() -> None:
    messages = found(2)
    gone = {part for part in (*entries(), *ENDS_NOTHING) if not any(part in text for text in messages)}
    assert gone == set(), "nothing says this any more; take it out, or give the entry the new words"


def test_given_an_entry_then_it_is_long_enough_to_mean_one_thing() -> None:
    assert {text for text in entries() if len(text.replace("…", " ").split()) < 2} == set()


def test_given_a_code_of_gate_or_wrapper_then_the_page_has_it_and_no_other() -> None:
    assert codes(GATE) == codes_of_the_gate() | {"divergence", "rust_error", "legacy_error"}
    assert codes(WRAPPER) == codes_of_the_wrapper()


def test_given_an_entry_then_it_says_a_cause() -> None:
    for row in PAGE.splitlines():
        if row.startswith("| `"):
            *_, cause, mend = [cell.strip() for cell in row.strip("|").split(" | ")]
            assert cause and (mend or "nothing is left" in cause), row


def test_given_the_six_criteria_of_completion_then_the_page_has_each_by_its_name() -> None:
    section = PAGE.split("## Completion\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.M)) == TITLES.keys()
