"""What the documents show of our commands, programs, launch arguments and parameters is there.

Commands in blocks are read by their own parsers; of those inside a sentence, which may be cut short, the options are
looked for. Shell scripts, ROS's own commands and the records in benchmarks/results are not looked at.
"""

import argparse
import ast
import importlib
import math
import re
import shlex
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from depthart_core.export.verify_engine import LIMITS
from depthart_ros.cli.main import SUBCOMMANDS
from depthart_ros.parameters.settings import SPECS

ROOT = Path(__file__).parents[2]
PARTS = ("benchmarks", "depthart_core", "depthart_ros", "docs", "scripts", "test", "training")
TEXTS = sorted({*ROOT.glob("*.md"), *(file for part in PARTS for file in (ROOT / part).rglob("*.md"))})
NAMES = ("README.md", "CHANGELOG.md", "benchmarks/README.md", "scripts/gpu/README.md", "depthart_core/models/nano.md")
DOCUMENTS = [*(ROOT / name for name in NAMES), *sorted((ROOT / "docs").glob("*.md"))]
NODE = (ROOT / "docs" / "node.md").read_text()
texts = pytest.mark.parametrize("text", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
documents = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
PROGRAM = re.compile(r"python -m ((?:training|benchmarks)\.\w+)([^#|&;>]*)", re.DOTALL)


def text_of(document):
    """A document with one name for the one command that has two."""
    return document.read_text().replace("depthart-build-trt", "depthart build-trt")


def block_lines(document):
    """The lines of code blocks, which are to be typed as they stand, joined where they go on, variables put in."""
    lines = []
    for block in re.findall(r"```\w*\n(.*?)```", text_of(document), re.DOTALL):
        variables = dict(re.findall(r'^(\w+)="(.*)"$', block, re.MULTILINE))
        bare = re.sub(r'^\w+=".*"$', "", block, flags=re.MULTILINE).replace("\\\n", " ")
        for name, value in variables.items():
            bare = re.sub(rf"\${name}\b", lambda _, value=value: value, bare)
        lines += bare.splitlines()
    return lines


def code(document):
    """The lines of code blocks and what stands between backticks."""
    outside = re.sub(r"```.*?```", "", text_of(document), flags=re.DOTALL)
    return block_lines(document) + re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", outside)


def outside_of_blocks(text):
    """A text without its code blocks, which may hold brackets and comments that look like links and headings."""
    return re.sub(r"```.*?```", "", text.read_text(), flags=re.DOTALL)


def anchors_of(text):
    """What a link to a part of a text may end in: its headings, as GitHub makes names of them."""
    headings = re.findall(r"^#+ (.*)$", outside_of_blocks(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def arguments_of(name):
    """The launch arguments of a file: those it declares one by one, and those of its table."""
    (file,) = (ROOT / "launch").rglob(name)
    tree = ast.parse(file.read_text())
    calls = [
        node for node in ast.walk(tree) if getattr(getattr(node, "func", None), "id", "") == "DeclareLaunchArgument"
    ]
    tables = [
        node.value.keys for node in tree.body if getattr(getattr(node, "targets", [0])[0], "id", "") == "ARGUMENTS"
    ]
    nodes = [call.args[0] for call in calls] + [key for keys in tables for key in keys]
    return {node.value for node in nodes if isinstance(node, ast.Constant)}


@texts
def test_every_link_to_a_file_and_to_a_part_of_it_leads_there(text):
    wrong = []
    for target in re.findall(r"\]\(([^)\s]+)\)", outside_of_blocks(text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = text.parent / path if path else text
        if not file.exists() or (anchor and anchor not in anchors_of(file)):
            wrong.append(target)
    assert wrong == []


@pytest.mark.parametrize(
    "text", [file for file in TEXTS if file.parent in (ROOT, ROOT / "docs")], ids=lambda file: file.name
)
def test_a_document_is_named_by_a_link(text):
    """One of the repository, that is, and not a file that a command writes."""
    named = re.findall(r"(?<!\[)`([\w./-]+\.md)`", outside_of_blocks(text))
    assert [name for name in named if (ROOT / name).exists() or (text.parent / name).exists()] == []


def test_the_readme_leads_to_every_document():
    linked = set(re.findall(r"\]\((docs/\w+\.md)\)", (ROOT / "README.md").read_text()))
    assert linked == {f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md")}


def test_every_state_of_the_diagnostics_is_explained():
    tree = ast.parse((ROOT / "depthart_ros" / "diagnostics" / "verdicts.py").read_text())
    made = [node.args[1] for node in ast.walk(tree) if getattr(getattr(node, "func", None), "id", "") == "Verdict"]
    named = [node.value for node in ast.walk(tree) if getattr(getattr(node, "target", None), "id", "") == "states"]
    named += [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("state", "states", "without_camera")
    ]
    states = {node.value for node in made if isinstance(node, ast.Constant)}
    for value in named:
        parts = value.values if isinstance(value, ast.Dict) else ast.walk(value)
        states |= {part.value for part in parts if isinstance(part, ast.Constant) and part.value != "given"}
    table = NODE.partition("## Diagnostics")[2]
    assert {"no image", "frames fail", "stamps lie in the future", "not rectified", "no cloud"} <= states
    assert sorted(state for state in states if state not in table) == []


@documents
def test_every_subcommand_that_is_shown_exists(document):
    shown = {name for line in code(document) for name in re.findall(r"(?:^|[\s/])depthart ([a-z][\w-]*)", line)}
    assert shown <= SUBCOMMANDS.keys()


@documents
def test_every_option_of_a_subcommand_that_is_shown_exists(document):
    for line in code(document):
        found = re.search(r"(?:^|[\s/])depthart ([a-z][\w-]*)(.*)", line.partition("#")[0], re.DOTALL)
        if not found or found[1] not in SUBCOMMANDS:
            continue
        try:
            module = importlib.import_module(SUBCOMMANDS[found[1]])
        except ModuleNotFoundError as error:
            pytest.skip(f"{found[1]} needs {error.name}")
        parser = argparse.ArgumentParser()
        module.add_arguments(parser)
        options = re.findall(r"(?<!\S)(--?[a-z][\w-]*)", found[2].partition("--ros-args")[0])
        assert set(options) <= set(parser._option_string_actions), line


@documents
def test_a_command_in_a_block_can_be_typed_as_it_stands(document):
    for line in block_lines(document):
        found = re.search(r"(?:^|[\s/])depthart ([a-z][\w-]*)(.*)", line.partition("#")[0])
        if found and found[1] in SUBCOMMANDS:
            parser = argparse.ArgumentParser(exit_on_error=False)
            importlib.import_module(SUBCOMMANDS[found[1]]).add_arguments(parser)
            parser.parse_args(shlex.split(found[2].partition("--ros-args")[0]))


@documents
def test_a_program_of_the_checkout_takes_the_arguments_that_are_shown(document, monkeypatch):
    """Its own main reads them, and stops there."""

    class ReadError(Exception):
        pass

    read = argparse.ArgumentParser.parse_args

    def only_read(parser, arguments=None, namespace=None):
        read(parser, arguments, namespace)
        raise ReadError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", only_read)
    for line in code(document):
        for module, arguments in PROGRAM.findall(line):
            monkeypatch.setattr(sys, "argv", [module, *shlex.split(arguments)])
            with pytest.raises(ReadError):
                importlib.import_module(module).main()


@documents
def test_every_launch_file_and_argument_that_is_shown_exists(document):
    for line in code(document):
        found = re.search(r"ros2 launch\s+depthart_ros\s+(\S+\.launch\.py)(.*)", line, re.DOTALL)
        if found:
            given = set(re.findall(r"(?<!\S)(\w+):=", found[2]))
            assert given <= arguments_of(found[1]), line


def test_the_node_document_names_only_parameters_that_exist():
    theme = NODE.partition("## Parameters by theme")[2].partition("\n## ")[0]
    named = {
        name
        for row in re.findall(r"^\| \w+ \| (.*) \|$", theme, re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    }
    assert named <= SPECS.keys()


def test_the_node_document_lists_every_output():
    publishers = pytest.importorskip("depthart_ros.outputs.publishers", reason="no ROS 2 (extra `ros`)")
    assert set(publishers.OUTPUT_TYPES) <= set(re.findall(r"^\| out \| `([^`]+)`", NODE, re.MULTILINE))


def test_the_node_document_shows_every_example():
    examples = {file.name for file in (ROOT / "launch" / "examples").glob("*.launch.py")}
    assert examples <= set(re.findall(r"\S+\.launch\.py", NODE))


def shown_limits(kind):
    """Precision -> the percentages of its row in the table of that kind in docs/engines.md, NaN where any error is."""
    table = (ROOT / "docs" / "engines.md").read_text().partition(f"| precision of an {kind} |")[2].partition("\n\n")[0]
    rows = [re.findall(r"[^|]+", row) for row in table.splitlines()[2:]]
    return {
        name.split()[0].strip(","): [float(cell.replace("any", "nan").rstrip(" %")) for cell in cells]
        for name, *cells in rows
    }


def test_the_limits_of_exports_that_are_shown_are_those_that_are_kept():
    verify = pytest.importorskip("depthart_core.export.verify_export", reason="no onnxruntime (extra `onnx`)")
    limits, text = verify.LIMITS, (ROOT / "docs" / "engines.md").read_text()
    [percent] = re.findall(r"After fewer scales than all a mean error of (\S+) % is allowed in int8", text)
    assert {**limits, "int8": replace(limits["int8"], mean=float(percent) / 100)} == verify.COARSE_LIMITS
    kept = {name: [100 * (figure or math.nan) for figure in (each.mean, each.max)] for name, each in limits.items()}
    assert shown_limits("export") == {name: pytest.approx(row, nan_ok=True) for name, row in kept.items()}
    assert not [each for each in limits.values() if each.p99]


def test_the_limits_of_engines_that_are_shown_are_those_that_are_kept():
    kept = {name: [100 * figure for figure in (each.mean, each.p99, each.stage)] for name, each in LIMITS.items()}
    assert shown_limits("engine") == {name: pytest.approx(row) for name, row in kept.items()}
