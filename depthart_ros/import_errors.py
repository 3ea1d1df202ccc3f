"""What a program says where a library cannot be imported: which one, why, and the command that cures it."""

from __future__ import annotations

import sys

ROS_MODULES = ("rclpy", "_msgs", "_interfaces")
ROS_MISSING = (
    "{program} needs ROS 2 ({error}): source yours (source /opt/ros/DISTRO/setup.bash), or on x86-64 Linux install its "
    "wheels: pip install ros-kilted-rclpy ros-kilted-rmw-fastrtps-cpp ros-kilted-common-interfaces"
)
PACKAGE_MISSING = "{program} needs the Python module {module} ({error}): install it for {python}"
OF_NUMPY_1 = (
    "{program}: a library was compiled for NumPy 1 and {python} has another ({error}), as apt's OpenCV and messages "
    "are; run: pip install 'numpy<2'"
)
DAMAGED = "{program}: a library of {python} cannot be imported: {error}"


def explain(program: str, error: ImportError) -> str:
    """Return one sentence with the cure.

    Args:
        program: its name, which begins the sentence.
        error: what the import raised; it has no name where a library is there and does not load.
    """
    module = error.name or ""
    first = str(error).partition("\n")[0]
    if is_of_ros(error):
        text = ROS_MISSING
    elif "numpy" in first and not module:
        text = OF_NUMPY_1
    else:
        text = PACKAGE_MISSING if isinstance(error, ModuleNotFoundError) else DAMAGED
    return text.format(program=program, error=first, module=module, python=sys.executable)


def is_interrupt(error: ImportError) -> bool:
    """Whether an interrupt came while a library was loaded, which rclpy's then call one that cannot be."""
    return isinstance(error.__cause__, KeyboardInterrupt)


def is_of_ros(error: ImportError) -> bool:
    """Whether a package of ROS is what is missing."""
    return any(part in (error.name or "") for part in ROS_MODULES)
