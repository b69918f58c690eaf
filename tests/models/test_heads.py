"""Heads: their arithmetic by hand, and the fastai head against the one that fastai itself builds."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from petbreeds.errors import ChoiceError
from petbreeds.models.heads import AveragePool, ConcatPool, build_head, fastai_head, linear_head, mlp_head

MAP = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).reshape(2, 3, 2, 2)


def test_average_pool_by_hand() -> None:
    assert AveragePool()(MAP).tolist() == [[1.5, 5.5, 9.5], [13.5, 17.5, 21.5]]
    assert torch.equal(AveragePool()(MAP[:, :, 0, 0]), MAP[:, :, 0, 0])


def test_concat_pool_puts_the_maximum_first() -> None:
    assert ConcatPool()(MAP)[0].tolist() == [3, 7, 11, 1.5, 5.5, 9.5]
    pooled = MAP[:, :, 1, 1]
    assert torch.equal(ConcatPool()(pooled), torch.cat([pooled, pooled], dim=1))


def test_a_map_of_one_pixel_equals_its_pooled_features() -> None:
    features = torch.randn(4, 6)
    for head in (linear_head(6, 3), fastai_head(6, 3), mlp_head(6, 3)):
        head.eval()
        assert torch.equal(head(features), head(features[:, :, None, None]))


@pytest.fixture(scope="module")
def ours_and_theirs() -> tuple[nn.Sequential, nn.Sequential]:
    learner = pytest.importorskip("fastai.vision.learner")
    ours, theirs = fastai_head(24, 5), learner.create_head(24, 5)
    own_state, their_state = ours.state_dict(), theirs.state_dict()
    assert [value.shape for value in own_state.values()] == [value.shape for value in their_state.values()]
    generator = torch.Generator().manual_seed(0)
    for value in their_state.values():
        if value.is_floating_point():
            value.copy_(torch.rand(value.shape, generator=generator) + 0.1)  # above 0: some are variances
    ours.load_state_dict(dict(zip(own_state, their_state.values(), strict=True)))
    return ours, theirs


def test_the_fastai_head_has_the_layers_of_create_head(ours_and_theirs: tuple[nn.Sequential, nn.Sequential]) -> None:
    def layers(head: nn.Sequential) -> list[str]:
        passive = ("ConcatPool", "AdaptiveConcatPool2d", "Flatten")
        return [repr(part) for part in head if type(part).__name__ not in passive]

    ours, theirs = ours_and_theirs
    assert layers(ours) == layers(theirs)


def test_the_fastai_head_answers_as_create_head(ours_and_theirs: tuple[nn.Sequential, nn.Sequential]) -> None:
    ours, theirs = (head.eval() for head in ours_and_theirs)
    photos = torch.randn(3, 24, 7, 7)
    with torch.no_grad():
        assert torch.allclose(ours(photos), theirs(photos), rtol=1e-5, atol=1e-4)


def test_the_fastai_head_trains_as_create_head(ours_and_theirs: tuple[nn.Sequential, nn.Sequential]) -> None:
    ours, theirs = (head.train() for head in ours_and_theirs)
    photos = torch.randn(4, 24, 3, 3)
    answers = []
    for head in (ours, theirs):
        torch.manual_seed(7)  # the same dropout
        answers.append(head(photos))
        head.zero_grad()
        answers[-1].square().mean().backward()
    assert torch.allclose(answers[0], answers[1], rtol=1e-4, atol=1e-4)
    for own, their in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert own.grad is not None and their.grad is not None
        assert torch.allclose(own.grad, their.grad, rtol=1e-3, atol=1e-4)


def test_the_fastai_head_starts_with_kaiming_weights() -> None:
    torch.manual_seed(0)
    first = fastai_head(256, 10)[3]
    assert isinstance(first, nn.Linear)
    assert float(first.weight.detach().std()) == pytest.approx((2 / 512) ** 0.5, rel=0.02)


def test_the_mlp_head_has_the_parameters_of_the_notes() -> None:
    assert sum(parameter.numel() for parameter in mlp_head(512, 1).parameters()) == 65_793


def test_an_unknown_head_names_its_neighbour() -> None:
    with pytest.raises(ChoiceError, match="Unknown head 'linaer'. Did you mean 'linear'") as caught:
        build_head("linaer", 8, 2)
    assert "linear, fastai, mlp" in str(caught.value)
