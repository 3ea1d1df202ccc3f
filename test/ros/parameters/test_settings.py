"""The table of parameters: its checks, and its agreement with depth.yaml, the README and the model core."""

import dataclasses
import re
from pathlib import Path

import pytest

from depthart_core.errors import ConfigError
from depthart_ros.parameters.settings import DEFAULTS, SPECS, TYPE_WORDS, Settings

ROOT = Path(__file__).parents[3]
MARKED = re.compile(r"<!-- parameters -->\n+(.*?)\n+<!-- /parameters -->", re.DOTALL)


def markdown_table():
    """The table of all parameters, as the README has it."""
    lines = ["| parameter | type | default | allowed | change | meaning |", "|---|---|---|---|---|---|"]
    for name, spec in SPECS.items():
        default = DEFAULTS[name]
        shown = str(default).lower() if isinstance(default, bool) else str(default)
        change = "dynamic" if spec.dynamic else "read-only"
        cells = (f"`{name}`", TYPE_WORDS[type(default)], f"`{shown}`", spec.allowed, change, spec.description)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def flattened(tree, prefix=""):
    """Nested YAML groups as parameter names with dots."""
    result = {}
    for name, value in tree.items():
        result |= flattened(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return result


def test_the_configuration_file_holds_every_parameter_with_its_default():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    tree = yaml.safe_load((ROOT / "config" / "depth.yaml").read_text())
    values = flattened(tree["/**"]["ros__parameters"])
    assert values == DEFAULTS
    assert {name: type(value) for name, value in values.items()} == {
        name: type(value) for name, value in DEFAULTS.items()
    }


def test_the_configuration_file_describes_every_parameter_as_the_table_does():
    text = (ROOT / "config" / "depth.yaml").read_text()
    for name, spec in SPECS.items():
        assert f"# {spec.description}" in text, name
        assert not spec.allowed or f"; {spec.allowed}" in text, name


def test_the_readme_shows_the_table():
    readme = ROOT / "README.md"
    found = MARKED.search(readme.read_text()) if readme.is_file() else None
    if found is None:
        pytest.skip("README.md has no <!-- parameters --> section")
    assert found[1] == markdown_table()


def test_every_parameter_has_a_description_and_every_number_a_range():
    for name, spec in SPECS.items():
        assert spec.description, name
        if type(DEFAULTS[name]) in (int, float):
            assert spec.limits is not None, name


def test_the_home_folder_may_stand_in_the_path_of_a_model_and_a_name_stays_one(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    assert Settings.from_values({"model": "~/runs/heads.safetensors"}).model == "/home/somebody/runs/heads.safetensors"
    assert Settings.from_values({"model": "nano"}).model == "nano"


def test_the_defaults_are_valid():
    assert Settings.from_values(DEFAULTS) == Settings()


def test_a_whole_number_does_for_a_floating_point_parameter():
    settings = Settings.from_values({"scale": 2})
    assert (settings.scale, type(settings.scale)) == (2.0, float)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"scale": -1.0}, "scale is -1.0; expected 0.0 to 10000.0"),
        ({"scale": float("nan")}, "scale is nan; expected 0.0 to 10000.0"),
        ({"scale": "big"}, "scale is 'big'; expected a value of type double"),
        ({"scale": True}, "scale is True; expected a value of type double"),
        ({"threads": 2.0}, "threads is 2.0; expected a value of type int"),
        ({"points.stride": 0}, "points.stride is 0; expected 1 to 64"),
        ({"backend": "abacus"}, "backend is 'abacus'; expected one of auto, "),
        ({"decode": "dream"}, "decode is 'dream'; expected one of expected, argmax, sample"),
        ({"image_reliability": "often"}, "image_reliability is 'often'; expected one of auto, reliable, best_effort"),
        ({"rectified": 1}, "rectified is 1; expected a value of type bool"),
        (
            {"min_range": 5.0, "max_range": 4.0},
            "min_range is 5 and max_range is 4; expected the first below the second",
        ),
        ({"color.min": 5.0, "color.max": 5.0}, "color.min is 5 and color.max is 5; expected"),
        ({"cameras": ["front", "front"]}, "cameras is ['front', 'front']; expected different names"),
        ({"cameras": ["points"]}, "cameras is ['points']; expected different names of letters, digits"),
        ({"cameras": ["a/b"]}, "cameras is ['a/b']; expected"),
        ({"cameras": "front"}, "cameras is 'front'; expected a value of type string array"),
        ({"cameras": 5}, "cameras is 5; expected a value of type string array"),
        ({"cameras": 1.5}, "cameras is 1.5; expected a value of type string array"),
        ({"cameras": True}, "cameras is True; expected a value of type string array"),
        ({"cameras": False}, "cameras is False; expected a value of type string array"),
        ({"scael": 1.0}, "scael: unknown parameter; expected one of model, "),
    ],
)
def test_a_bad_value_is_refused_with_its_name_value_and_what_is_allowed(values, sentence):
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}"):
        Settings.from_values(values)


def test_settings_and_table_have_the_same_entries():
    assert len(dataclasses.fields(Settings)) == len(SPECS) == len(DEFAULTS)
