"""Print a hash of the draws of every sampler: run by test_determinism.py, in many ways."""

import hashlib
import json
import multiprocessing
import sys
import warnings

import numpy as np

import bayesreg as br
from bayesreg.posterior.choice import SAMPLERS
from bayesreg.posterior.protocol import posed


def cases():
    """(model, data) of many kinds; each sampler takes the first that suits it, and a wide one."""
    rng = np.random.default_rng(0)
    for n, p in ((1500, 40), (40, 60)):
        X = rng.normal(size=(n, p))
        y = X[:, 0] + rng.normal(size=n)
        data = br.Data(X, y)
        for prior in (br.Normal(0.1), br.Laplace(0.1)):
            yield br.Model(br.Gaussian(1.0), prior), data
        yield br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Normal(br.HalfCauchy(1.0))), data
        yield br.Model(br.Gaussian(br.HalfNormal(1.0)), br.Laplace(br.HalfCauchy(1.0))), data
        yield br.Model(br.Bernoulli(), br.Laplace(0.1)), br.Data(X, (y > 0).astype(float))
        classes = br.Data(X[:, :10], np.digitize(y, [-0.5, 0.5]).astype(float))
        yield br.Model(br.Multinomial(), br.Laplace(0.1)), classes


def chosen():
    """Every sampler that can stop after any block, with the cases that it takes."""
    for row in SAMPLERS.values():
        if row.prepare is None:
            continue
        for k, (model, data) in enumerate(cases()):
            if row.why_not(posed(model, data)) is None:
                yield f"{row.name}-{k}", row.name, model, data


def hashes(chains, cores):
    """Of the first two chains of every case."""
    found = {}
    for label, sampler, model, data in chosen():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            post = br.sample(model, data, 60, chains, 1, sampler, tune=30, cores=cores,
                             posterior_predictive=True)  # fmt: skip
        digest = hashlib.sha256()
        for group in ("posterior", "sample_stats", "log_likelihood", "posterior_predictive"):
            for name in sorted(post[group].data_vars):
                digest.update(np.ascontiguousarray(post[group][name].values[:2]).tobytes())
        found[label] = digest.hexdigest()
    return found


def _into(queue):
    queue.put(hashes(2, 2))


def in_a_child(method):
    """The same in a process that this one starts."""
    context = multiprocessing.get_context(method)
    queue = context.SimpleQueue()
    child = context.Process(target=_into, args=(queue,))
    child.start()
    found = queue.get()
    child.join()
    return found


if __name__ == "__main__":
    kind = sys.argv[1]
    if kind in ("fork", "spawn"):
        # The parent has run already: threads and locks are there to be inherited.
        br.sample(*next(cases()), draws=400, seed=1)
        found = in_a_child(kind)
    else:
        found = hashes(*json.loads(kind))
    sys.stdout.write(json.dumps(found))
