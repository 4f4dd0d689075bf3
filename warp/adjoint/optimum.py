"""Find the inputs that make a number smallest: sequential quadratic programming with gradients.

    minimise  max over states (J(x) / J(x0))^2, or maximise it,   low <= x <= high,  |K(x)| <= limit

with J and K numbers of `design_numbers` and x the values that vary, each scaled to 0 .. 1 between
its bounds. States are temperatures of interest, or the steps of a process; with several of them

    minimise t,   (J_s(x) / J(x0))^2 <= t   for every state s

Every run solves the case on its own grid and differentiates it there; values of one variable with
several keys change together. Runs are kept in a file and never repeated: the same command goes on.
SLSQP of SciPy (D. Kraft, DFVLR-FB 88-28, 1988); choices are those of `choices`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from warp.adjoint import balance, choices
from warp.adjoint.search import ENOUGH, MOST, Outcome, Search, Stopped
from warp.adjoint.to_file import board_surface
from warp.adjoint.variables import Choice, Limit, Variable, start_of
from warp.case.case import Case
from warp.errors import WarpError
from warp.run.load_step import OnProgress

Array = np.ndarray


def optimize(
    case: Case,
    variables: Sequence[Variable | Choice],
    metric: str | None,
    path: Path | None,
    *,
    limits: Sequence[Limit] = (),
    maximise: bool = False,
    most: int = MOST,
    temperatures: Sequence[str] = (),
    device: str = "auto",
    on_progress: OnProgress | None = None,
) -> Outcome:
    """Search for the best values; the runs are kept in `path`, or in memory alone.

    Starts at the case's own values where they lie within the bounds, else in the middle. Without
    variables, the layers of [optimize] balance vary. metric: by default the warpage of the side to
    the board. temperatures: at which a case without steps is judged by the worst. Raises WarpError
    where a value has no gradient.
    """
    balanced = bool(case.file.optimize.balance)
    if bool(variables) == balanced:
        why = "stands beside [optimize] balance: keep one" if balanced else "is missing"
        raise WarpError(f'--vary {why}: --vary KEY="0.5 .. 2 mm", or [[optimize.balance]]')
    if balanced and maximise:
        raise WarpError("--maximise belongs to --vary: the balance of copper makes a number small")
    if temperatures and case.has_steps:
        raise WarpError("--over belongs to a case without steps: a process is judged by its steps")
    metric = metric or board_surface(case)
    say = on_progress or _ignore
    if balanced:
        search = Search(case, [], metric, limits, device, say, path, most, temperatures)
        return balance.balance(search)
    search = Search(
        case, variables, metric, limits, device, say, path, most, temperatures, maximise
    )
    start = np.array([start_of(v, case.tables) for v in variables])
    search.check(start)
    search.resume()
    said = f"{most} runs were made"
    try:
        if len(search.free) < len(variables):
            said = choices.search(search, start)
            if search.free:
                start = search.shares(search.runs[search.best()])
                said = _followed(search, start)
        else:
            said = _followed(search, start)
    except Stopped:
        pass
    allowed = [search.keeps(run) for run in search.runs]
    return Outcome(variables, metric, search.runs, allowed, search.best(), said)


def _followed(search: Search, start: Array) -> str:
    """Follow the gradient from a start, choices as they are; return how it ended."""
    from scipy.optimize import minimize

    first = search.run(start)
    scale = abs(first.metrics[search.metric]) or 1.0
    several = len(first.numbers[search.metric].values) > 1 and not search.maximise
    free = search.free

    def whole(z: Array) -> Array:
        x = np.array(start)
        x[free] = z[: len(free)]
        return x

    def squares(z: Array) -> tuple[Array, Array]:
        """Return (J / J0)^2 of every state and its derivatives."""
        run = search.run(whole(z))
        values = np.array(run.numbers[search.metric].values) / scale
        slopes = search.scaled(run, search.metric)[:, free] / scale
        return values**2, 2 * values[:, None] * slopes

    def cost(z: Array) -> tuple[float, Array]:
        if several:
            return float(z[-1]), np.eye(len(z))[-1]
        values, slopes = squares(z)
        worst = int(values.argmax())
        sign = -1.0 if search.maximise else 1.0
        return sign * float(values[worst]), sign * slopes[worst]

    constraints = [_constraint(search, whole, one, several) for one in search.limits]
    bounds: list[tuple[float, float | None]] = [(0.0, 1.0)] * len(free)
    z = start[free]
    if several:
        z = np.append(z, 1.0)
        bounds.append((0.0, None))
        one = {
            "type": "ineq",
            "fun": lambda z: z[-1] - squares(z)[0],
            "jac": lambda z: np.hstack((-squares(z)[1], np.ones((len(squares(z)[0]), 1)))),
        }
        constraints.append(one)
    found = minimize(
        cost,
        z,
        jac=True,
        bounds=bounds,
        constraints=constraints,
        method="SLSQP",
        options={"ftol": ENOUGH, "maxiter": search.most},
    )
    return str(found.message)


def _constraint(
    search: Search, whole: Callable[[Array], Array], one: Limit, several: bool
) -> dict[str, Any]:
    """Return 1 - (K / limit)^2 >= 0 of every state, with its derivatives."""

    def value(z: Array) -> Array:
        numbers = search.run(whole(z)).numbers[one.metric]
        found: Array = 1.0 - (np.array(numbers.values) / one.most) ** 2
        return found

    def slopes(z: Array) -> Array:
        run = search.run(whole(z))
        values = np.array(run.numbers[one.metric].values)
        by = -2 * values[:, None] / one.most**2 * search.scaled(run, one.metric)[:, search.free]
        found: Array = np.hstack((by, np.zeros((len(by), 1)))) if several else by
        return found

    return {"type": "ineq", "fun": value, "jac": slopes}


def _ignore(stage: str, iteration: int, residual: float) -> None:
    """Report no progress."""
    del stage, iteration, residual
