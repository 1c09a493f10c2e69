"""check_sampler: does a sampler draw from the posterior that it was given?"""

from __future__ import annotations

from bayesreg.data import Data
from bayesreg.model import Model
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.protocol import Sampler
from bayesreg.posterior.target import Posterior, pose
from bayesreg.testing._numeric import require
from bayesreg.testing.calibration import Ranks, rank_truth
from bayesreg.testing.geweke import JointTest, joint_test
from bayesreg.testing.simulation import Simulator

#: An adjusted p-value below this is a failure: one right sampler in a hundred.
LEVEL = 0.01


def check_sampler(
    sampler: Sampler | str,
    model: Model,
    data: Data,
    *,
    replications: int = 1000,
    transitions: int = 2000,
    thin: int = 8,
    tune: int = 100,
    seed: int = 0,
) -> None:
    """Check by simulation that a sampler draws from the posterior of a model.

    Two tests. *Calibration*: parameters are drawn from their priors and data given them; among the
    sampler's draws given those data the rank of every coefficient, the intercept, sigma, every
    scale, the log prior and the joint log likelihood is uniform (chi-square and
    Kolmogorov-Smirnov). *Geweke's test*: transitions that alternate with new data keep the prior.
    p-values are adjusted by Holm's method; below 0.01 the check fails, which a right sampler does
    with one seed in a hundred.

    Parameters
    ----------
    sampler : Sampler or str
        A row as in ``bayesreg.posterior.choice.SAMPLERS``, or the name of one.
    model : Model
        Every prior proper and informative: what the data decide alone, no test of this kind can
        see. A flat intercept is taken for a Gaussian likelihood; it is not ranked itself.
    data : Data
        X, weights, offset, trials; y is drawn anew each time. Few rows and columns see most.
    replications : int
        Simulated data sets of the calibration. 1000 find a prior scale that is 25% wrong.
    transitions : int
        Of Geweke's test; 0 leaves it out, as one must for a sampler whose state depends on the
        data (coordinates scaled by the curvature there).
    thin : int
        Transitions between two draws that are ranked: nearly independent ones are needed, and
        ranks at both ends (dependent draws) are taken for an error.
    tune : int
        Iterations of warm-up, for samplers that need one.
    seed : int

    Raises
    ------
    AssertionError
        Naming the quantity, the p-value and which way the ranks lean.
    ModelError
        A model that cannot be drawn from, or that the sampler does not take.
    """
    row = SAMPLERS[sampler] if isinstance(sampler, str) else sampler
    posterior = pose(model, data)
    reason = row.unsuited(posterior)
    require(reason is None, f"sampler {row.name!r} does not take this model: {reason}")
    if replications:
        require_calibrated(
            calibrate(row, model, data, replications=replications, thin=thin, tune=tune, seed=seed)
        )
    if transitions:
        require_joint(geweke(row, model, data, transitions=transitions, tune=tune, seed=seed))


def calibrate(
    sampler: Sampler,
    model: Model,
    data: Data,
    *,
    told: Model | None = None,
    replications: int = 1000,
    thin: int = 8,
    tune: int = 100,
    seed: int = 0,
) -> Ranks:
    """Ranks of draws from ``model`` among the sampler's, which is told ``told`` instead: a mutant
    of the model makes a mutant of the sampler."""
    posterior = pose(model, data)
    return rank_truth(
        sampler,
        Simulator(posterior),
        _told(posterior, told, data),
        replications=replications,
        thin=thin,
        tune=tune,
        seed=seed,
    )


def geweke(
    sampler: Sampler,
    model: Model,
    data: Data,
    *,
    told: Model | None = None,
    transitions: int = 2000,
    tune: int = 100,
    seed: int = 0,
) -> JointTest:
    """Geweke's test of a sampler that is told ``told``."""
    posterior = pose(model, data)
    require(
        not posterior.problem.flat_intercept,
        "Geweke's test draws every parameter from its prior; give the intercept a proper one, "
        "or pass transitions=0",
    )
    return joint_test(
        sampler,
        Simulator(posterior),
        _told(posterior, told, data),
        transitions=transitions,
        tune=tune,
        seed=seed,
    )


def _told(posterior: Posterior, told: Model | None, data: Data) -> Posterior:
    return posterior if told is None else pose(told, data)


def require_calibrated(found: Ranks) -> None:
    """Raise unless the ranks are uniform."""
    label, p = found.worst
    column = found.ranks[:, found.labels.index(label)]
    share = float(column.mean()) / 63.0
    outer = float(((column < 8) | (column >= 56)).mean())
    require(
        p > LEVEL,
        f"the ranks of {label} are not uniform over {len(column)} replications (adjusted "
        f"p = {p:.1e}): mean {share:.3f} of the range instead of 0.5, a share of {outer:.3f} in "
        "the outer quarter instead of 0.25. More in the outer quarter: the draws are too narrow, "
        "or dependent (raise thin); fewer: too wide; another mean: they lie beside the truth",
    )


def require_joint(found: JointTest) -> None:
    """Raise unless the chain kept its prior."""
    label, p = found.worst
    mean, spread = found.z[:, found.labels.index(label)]
    require(
        p > LEVEL,
        f"alternating with the data, {label} does not keep its prior (adjusted p = {p:.1e}): its "
        f"ranks among prior draws have z = {mean:.1f} for their mean and {spread:.1f} for their "
        "spread. A transition does not keep the posterior, or the chain's state depends on the "
        "data (then pass transitions=0)",
    )
