"""The files of config/ that are for other programs: RViz and Nav2."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_the_rviz_layout_shows_our_topics():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    layout = yaml.safe_load((ROOT / "config" / "depth.rviz").read_text())["Visualization Manager"]
    shown = {display["Topic"]["Value"] for display in layout["Displays"] if "Topic" in display}
    assert shown == {"/image", "/points", "/depth/image_color"}
    assert layout["Global Options"]["Fixed Frame"] == "camera_optical_frame"


def test_the_parameters_for_nav2_are_valid_for_the_node():
    from depthart_ros.parameters.files import read_parameters, settings_of

    settings = settings_of(read_parameters(ROOT / "config" / "nav2_depth.yaml"))
    assert settings.points_stride > 1
    assert 0 < settings.min_range < settings.max_range


@pytest.mark.parametrize(("costmap", "layer"), [("local", "voxel_layer"), ("global", "obstacle_layer")])
def test_the_costmaps_take_the_cloud_of_the_node_within_its_ranges(costmap, layer):
    import yaml

    from depthart_ros.parameters.files import read_parameters, settings_of

    file = ROOT / "config" / "nav2_depth.yaml"
    settings = settings_of(read_parameters(file))
    parameters = yaml.safe_load(file.read_text())[f"{costmap}_costmap"][f"{costmap}_costmap"]["ros__parameters"]
    assert layer in parameters["plugins"]
    assert not parameters[layer].get("mark_threshold")  # more voxels than low obstacles fill
    sources = [parameters[layer][name] for name in parameters[layer]["observation_sources"].split()]
    for source in sources:
        assert (source["topic"], source["data_type"]) == ("/points", "PointCloud2")
        assert source["clearing"]
        assert settings.min_range <= source["raytrace_min_range"] < source["raytrace_max_range"]
        assert 2 * source["raytrace_max_range"] <= settings.max_range  # what lies behind free space clears it
    [source] = [source for source in sources if source["marking"]]
    assert settings.min_range <= source["obstacle_min_range"] < source["obstacle_max_range"]
    assert source["obstacle_max_range"] < source["raytrace_max_range"]
    for other in sources:
        if other is not source:  # what marking leaves out for its height, in three dimensions alone
            assert layer == "voxel_layer"
            assert other["min_obstacle_height"] < 0.0 < source["min_obstacle_height"]
            assert other["max_obstacle_height"] > source["max_obstacle_height"]


DOUBLES = (
    "min_obstacle_height", "max_obstacle_height", "obstacle_min_range", "obstacle_max_range", "raytrace_min_range",
    "raytrace_max_range", "observation_persistence", "expected_update_rate", "origin_z", "z_resolution",
)  # fmt: skip
NAV2_TYPES = {
    **dict.fromkeys(DOUBLES, float),
    **dict.fromkeys(("plugin", "observation_sources", "topic", "data_type"), str),
    **dict.fromkeys(("enabled", "publish_voxel_map", "marking", "clearing"), bool),
    **dict.fromkeys(("z_voxels", "mark_threshold"), int),
}
"""What the voxel and the obstacle layer declare of it (nav2_costmap_2d of Humble, Jazzy and Kilted)."""


@pytest.mark.parametrize(("costmap", "layer"), [("local", "voxel_layer"), ("global", "obstacle_layer")])
def test_the_layers_have_names_and_types_that_nav2_declares(costmap, layer):
    import yaml

    file = ROOT / "config" / "nav2_depth.yaml"
    parameters = yaml.safe_load(file.read_text())[f"{costmap}_costmap"][f"{costmap}_costmap"]["ros__parameters"][layer]
    sources = [parameters.pop(name) for name in parameters["observation_sources"].split()]
    for name, value in [pair for section in (parameters, *sources) for pair in section.items()]:
        assert type(value) is NAV2_TYPES[name], name  # a 2 for 2.0 would end Nav2
