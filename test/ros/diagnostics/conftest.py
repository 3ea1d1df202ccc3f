"""A verdict on a node that runs, but for some changes."""

import dataclasses

import pytest
from running_node import RUNNING

from depthart_ros.diagnostics.verdicts import judge


@pytest.fixture
def verdict():
    """A function of what is otherwise than on a node that runs; of settings and topics it may be a part."""

    def changed(**changes):
        whole = {
            name: dataclasses.replace(getattr(RUNNING, name), **change)
            for name, change in changes.items()
            if name in ("settings", "image", "camera_info")
        }
        return judge(dataclasses.replace(RUNNING, **changes | whole))

    return changed
