"""Operations that torch counts wrongly by itself."""

import torch

from training.operations import counted


def test_gradients_of_a_grouped_convolution_count_as_twice_its_operations():
    layer = torch.nn.Conv2d(8, 8, 3, padding=1, groups=8)
    image = torch.zeros(1, 8, 16, 16, requires_grad=True)
    _, operations = counted(lambda: layer(image).sum().backward())
    assert operations == 3 * (2 * 16 * 16 * 8 * 9)
