"""One fact stands in several packaging files; they agree."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

ROOT = Path(__file__).parents[2]


def setup_field(name: str) -> str:
    command = [sys.executable, "setup.py", "--quiet", f"--{name}"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture(scope="module")
def package_xml() -> ET.Element:
    return ET.parse(ROOT / "package.xml").getroot()


@pytest.mark.skipif(importlib.util.find_spec("setuptools") is None, reason="setuptools is not installed")
@pytest.mark.parametrize("field", ["name", "version", "license"])
def test_package_xml_and_setup_py_agree_on(package_xml, field):
    assert package_xml.findtext(field) == setup_field(field)


def test_the_citation_names_the_same_version(package_xml):
    assert f"version: {package_xml.findtext('version')}\n" in (ROOT / "CITATION.cff").read_text()


def test_every_ros_package_that_the_node_imports_is_declared(package_xml):
    declared = {element.text for element in package_xml.findall("exec_depend")}
    sources = "\n".join(path.read_text() for path in (ROOT / "depthart_ros").rglob("*.py"))
    imported = set(re.findall(r"^\s*from (\w+(?:_msgs|_interfaces|py))\b", sources, re.MULTILINE))
    assert imported - {"numpy"} <= declared | {"rcl_interfaces", "builtin_interfaces"}, "rclpy brings the last two"
