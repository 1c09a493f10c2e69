"""PyTorch: its optimum is our mode; AdamW's is not."""

from dataclasses import replace

import numpy as np
import pytest
from helpers import make_data

import bayesreg as br

from .crossing import Case, answers
from .deep import GAUSSIAN, certified, parameters, proofs, solve
from .proof import Proof

pytestmark = pytest.mark.interop

BIAS = "layer.bias.item() if layer.bias is not None else 0.0"
PROOFS = [
    *proofs("torch.SGD", BIAS),
    *proofs("torch.Adam", BIAS),
    *proofs("torch.penalty", BIAS),
    Proof("torch.SGD", br.Model(GAUSSIAN, br.Normal(0.5)), make_data(GAUSSIAN),
          {"loss": "MSELoss / 2", "reduction": "sum"}, BIAS),
]  # fmt: skip


@pytest.fixture(scope="module")
def found():
    return solve("torch", PROOFS)


@pytest.mark.parametrize("proof", parameters(PROOFS))
def test_the_library_ends_at_our_mode(proof, found, record_property):
    certified(proof, found, record_property)


STEPS = """
import torch

X, y = torch.as_tensor(X), torch.as_tensor(y)
layer = torch.nn.Linear(X.shape[1], 1, dtype=torch.float64)
start = torch.tensor({coef!r}, dtype=torch.float64)
with torch.no_grad():
    layer.weight.copy_(start)
    layer.bias.fill_({intercept!r})
optimizer = torch.optim.{optimizer}(
    [{{"params": [layer.weight], "weight_decay": {decay!r}}},
     {{"params": [layer.bias], "weight_decay": {bias_decay!r}}}], lr=1e-3)
for _ in range(1):
    optimizer.zero_grad()
    torch.nn.MSELoss()(layer(X).squeeze(1), y).backward()
    optimizer.step()
moved = (layer.weight - start).detach().abs()[0].numpy()
"""


def test_one_step_of_adamw_at_the_mode_in_its_box_and_at_that_of_the_normal_prior():
    """weight_decay = 4 is |w| <= 1/4; from rest a step of 1e-3 moves a weight by up to 2e-3.

    At the mode in the box the weights at 1/4 stay, and the others, whose gradient is 0, lose
    lr weight_decay w: a gradient of the size of eps = 1e-8 is what would hold them.  At the mode
    of the Normal prior that the same weight_decay means in Adam, Adam stays and AdamW does not.
    """
    data, decay = make_data(GAUSSIAN), 4.0
    box = br.find_map(br.Model(GAUSSIAN, br.Uniform(-1 / decay, 1 / decay)), data, tol=1e-14)
    assert np.sum(np.abs(box.coef) == 1 / decay) >= 2
    assert np.sum(np.abs(box.coef) < 0.2) >= 2
    ridge = br.find_map(br.to_prior("torch.Adam", {"weight_decay": decay, "bias_weight_decay": 0.0},
                                    data, likelihood=GAUSSIAN), data, tol=1e-14)  # fmt: skip
    cases = [
        Case(f"{optimizer}-{name}",
             STEPS.format(coef=[list(map(float, fit.coef))], intercept=float(fit.intercept),
                          optimizer=optimizer, decay=decay, bias_decay=0.0),
             data, {"moved": "moved"})
        for name, fit in (("box", box), ("ridge", ridge))
        for optimizer in ("AdamW", "Adam")
    ]  # fmt: skip
    found = answers("torch", cases).by_name
    moved = {name: answer.values["moved"] for name, answer in found.items()}
    bound = np.abs(box.coef) == 1 / decay
    assert np.max(moved["AdamW-box"][bound]) < 1e-9
    lost = 1e-3 * decay * np.abs(box.coef)
    np.testing.assert_allclose(moved["AdamW-box"][~bound], lost[~bound], atol=1e-6)
    lost = 1e-3 * decay * np.abs(ridge.coef)
    assert np.max(moved["AdamW-ridge"] / lost) > 0.05
    assert np.max(moved["Adam-ridge"]) < 1e-6
    assert np.max(moved["Adam-box"]) > 5e-4


def test_one_group_for_all_decays_the_bias():
    """weight_decay given to optim(layer.parameters()) is a Normal prior on the intercept too."""
    data = make_data(GAUSSIAN)
    model = br.to_prior("torch.SGD", {"weight_decay": 0.3}, data, likelihood=GAUSSIAN)
    code = br.to_penalty(model, "torch.SGD", data).code
    start, end = code.index("groups = ["), code.index("optimizer =")
    groups = 'groups = [{"params": layer.parameters(), "weight_decay": 0.3, "lr": lr}]\n'
    code = code[:start] + groups + code[end:]
    wanted = {"coef": "layer.weight.detach().numpy()[0]", "intercept": "layer.bias.item()"}
    answer = answers("torch", [Case("one", code, data, wanted)]).by_name["one"]
    assert not answer.error, answer.error
    assert model.intercept == model.prior
    values = answer.values
    assert br.certify(model, data, values["coef"], float(values["intercept"])).relative_gap < 1e-12
    free = br.Model(GAUSSIAN, model.prior)
    assert br.certify(free, data, values["coef"], float(values["intercept"])).relative_gap > 1e-4


def test_another_prior_is_told_apart(found):
    answer = found.by_name[PROOFS[0].name]
    other = replace(PROOFS[0].model, prior=br.Normal(0.505))
    intercept = float(answer.values["intercept"])
    assert br.certify(other, PROOFS[0].data, answer.values["coef"], intercept).relative_gap > 1e-7
