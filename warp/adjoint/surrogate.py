"""Draw from the posterior beyond its normal form: a quadratic surrogate, sampled with emcee.

In whitened directions u of the posterior, p = p_hat + L u with L L' its covariance, the heights are

    w(u) = w + G u + SUM_kl H_kl u_k u_l

with G the derivatives of the search and H from one run for each pair of directions. The sum of
squares becomes a polynomial of degree four in u, so that a sample costs no surface. Affine
invariant sampling: J. Goodman and J. Weare, Comm. Appl. Math. Comp. Sci. 5 (2010) 65; emcee:
D. Foreman-Mackey et al., PASP 125 (2013) 306.
"""

from __future__ import annotations

from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from warp.adjoint.identify import Search
from warp.errors import WarpError

Array = np.ndarray
REACH = 2.0
"""Standard deviations of the posterior at which the runs for H lie."""
WALKERS, BURNED, STEPS = 32, 500, 2000


def sample(search: Search, seed: int = 0) -> Array:
    """Return samples (number, unknowns) of the posterior of a finished search."""
    emcee = sampler_package()
    best = search.path[-1]
    sizes = np.array([one.deviation for one in search.unknowns])
    L = sizes[:, None] * np.linalg.cholesky(best.covariance)
    moment = _moment(search, L)
    start = search.prior(best.values)
    n = len(sizes)
    pairs = list(combinations_with_replacement(range(n), 2))

    def log_posterior(u: Array) -> Array:
        basis = np.column_stack([np.ones(len(u)), u, *(u[:, k] * u[:, m] for k, m in pairs)])
        misfit = np.einsum("ai,ij,aj->a", basis, moment, basis)
        before = start + (u @ L.T) / sizes
        found: Array = -0.5 * (misfit + (before**2).sum(axis=1))
        return found

    rng = np.random.default_rng(seed)
    walkers = max(WALKERS, 2 * n + 2)
    sampler = emcee.EnsembleSampler(walkers, n, log_posterior, vectorize=True)
    sampler.random_state = np.random.RandomState(seed).get_state()
    sampler.run_mcmc(rng.standard_normal((walkers, n)), BURNED + STEPS)
    u = sampler.get_chain(discard=BURNED, thin=10, flat=True)
    found: Array = best.values + u @ L.T
    return found


def sampler_package() -> Any:
    """Import emcee; WarpError says how to get it."""
    try:
        import emcee
    except ImportError:
        raise WarpError("sampling needs emcee: pip install 'warpage[identify]'") from None
    return emcee


def _moment(search: Search, L: Array) -> Array:
    """Return the moments of the whitened residual's terms: 1, u_k and u_k u_l."""
    best, n = search.path[-1], len(L)
    directions = [*np.eye(n)]
    pairs = list(combinations_with_replacement(range(n), 2))
    ends = {}
    for k, m in pairs:
        u = REACH * (directions[k] if k == m else (directions[k] + directions[m]) / 2**0.5)
        ends[k, m] = search.forward.solve(best.values + L @ u).heights
    total = np.zeros((1 + n + len(pairs),) * 2)
    assert best.seen.slopes is not None
    for a, one in enumerate(search.observations):
        here, G = best.seen.heights[a], best.seen.slopes[a] @ L
        bent = {}
        for k in range(n):
            bent[k, k] = (ends[k, k][a] - here - REACH * G[:, k]) / REACH**2
        for k, m in pairs:
            if k != m:
                rest = ends[k, m][a] - here - REACH * (G[:, k] + G[:, m]) / 2**0.5
                bent[k, m] = 2 * rest / REACH**2 - bent[k, k] - bent[m, m]
        terms = [one.measured - here, *(-G.T), *(-bent[pair] for pair in pairs)]
        white = best.noise.whitened(one, np.column_stack(terms))
        total += white.T @ white
    return total
