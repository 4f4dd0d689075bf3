"""Search among choices: all of them if they are few, else by a tree of Parzen estimators (optuna).

S. Watanabe, arXiv 2304.11127 (2023), describes the estimator; T. Akiba et al., Proc. KDD 2019, the
program. The sampler's seed is fixed, so that stored runs are met again in their order.
"""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from warp.adjoint.search import Run, Search
from warp.adjoint.variables import Choice
from warp.errors import WarpError

Array = np.ndarray
SHARE = 0.6
"""Of the runs: spent on choices where the gradient follows."""
PENALTY = 10.0
"""Times the size at the start, for a limit that is exceeded by its whole value."""
FIRST = 8
"""Random runs before the estimator."""


def search(problem: Search, start: Array) -> str:
    """Run the start and choices; return how it ended."""
    most = problem.most if not problem.free else max(2, int(SHARE * problem.most))
    problem.run(start, slopes=False)
    chosen = [v for v in problem.variables if isinstance(v, Choice)]
    count = int(np.prod([len(v.names) for v in chosen]))
    if not problem.free and count <= most:
        for shares in product(*(np.linspace(0.0, 1.0, len(v.names)) for v in chosen)):
            problem.run(np.array(shares), slopes=False)
        return f"all {count} choices were made"
    return _estimated(problem, start, most)


def _estimated(problem: Search, start: Array, most: int) -> str:
    """Let optuna suggest runs."""
    try:
        import optuna
    except ImportError:
        raise WarpError(
            "choices that are too many to try need optuna: pip install 'warpage[optimize]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.TPESampler(
        seed=0,
        n_startup_trials=min(FIRST, most // 2),
    )
    study = optuna.create_study(sampler=sampler)
    study.enqueue_trial(_parameters(problem, start))
    for _ in range(most):
        if len(problem.runs) >= most:
            break
        trial = study.ask()
        run = problem.run(_suggested(problem, trial), slopes=False)
        study.tell(trial, _judged(problem, run))
    return f"{len(problem.runs)} runs among the choices were made"


def _parameters(problem: Search, x: Array) -> dict[str, Any]:
    """Return scaled values as parameters of a trial."""
    pairs = zip(problem.variables, x, strict=True)
    return {
        v.name: round(float(s) * v.high) if isinstance(v, Choice) else float(s) for v, s in pairs
    }


def _suggested(problem: Search, trial: Any) -> Array:
    """Return the scaled values that a trial suggests."""
    found = []
    for v in problem.variables:
        if isinstance(v, Choice):
            found.append(trial.suggest_categorical(v.name, range(len(v.names))) / v.high)
        else:
            found.append(trial.suggest_float(v.name, 0.0, 1.0))
    return np.array(found)


def _judged(problem: Search, run: Run) -> float:
    """Return the size of the number, made worse by what exceeds the limits, relative to them."""
    size, first = (abs(one.metrics[problem.metric]) for one in (run, problem.runs[0]))
    excess = sum(max(0.0, abs(run.metrics[one.metric]) / one.most - 1.0) for one in problem.limits)
    return (-size if problem.maximise else size) + PENALTY * first * excess
