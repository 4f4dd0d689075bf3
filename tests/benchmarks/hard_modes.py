"""What the preconditioner leaves of hard models: eigenvalues that conjugate gradients met.

    python tests/benchmarks/hard_modes.py [WORD ...]    # cases whose name has one of the words

The coefficients alpha, beta of the iteration are those of the Lanczos matrix of M^-1 A,

    T[k, k] = 1 / alpha[k] + beta[k] / alpha[k-1],   T[k, k-1] = sqrt(beta[k]) / alpha[k-1],

whose lowest eigenvalues are those of the modes that one V-cycle hardly corrects: each costs
iterations of its own. Prints per case the iterations, the lowest and the highest eigenvalue, and
how many lie below 0.01, 0.03 and 0.1. Saad, Iterative Methods for Sparse Linear Systems (2003),
chapter 6.7.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "support"))

from hard_cases import CASES  # noqa: E402

from warp.machine.device import Device, select  # noqa: E402
from warp.solvers.elastic.load import load, mean_temperature  # noqa: E402
from warp.solvers.elastic.multigrid.cycle import Cycle  # noqa: E402
from warp.solvers.elastic.operator import moduli, operator  # noqa: E402
from warp.solvers.iteration import ALPHA, BETA, Iteration, System  # noqa: E402
from warp.voxels.voxelize import VoxelModel  # noqa: E402

TEMPERATURE = 398.15
"""K, of all voxels."""
TOLERANCE, MOST = 1e-8, 2000
BOUNDS = 0.01, 0.03, 0.1


def eigenvalues(model: VoxelModel, device: Device) -> np.ndarray:
    """Return the eigenvalues of the Lanczos matrix when the residual has reached the tolerance."""
    T = np.full(model.ids.shape, TEMPERATURE)
    A = operator(model, device, moduli(model, mean_temperature(model, T)))
    b = device.asarray(load(model, A, T))
    iteration = Iteration(device, System("elastic", A.apply, b), Cycle(A), np.float64)
    iteration.forget_direction()
    iteration.measure()
    alpha, beta, lengths = [], [], [1.0]
    while lengths[-1] > TOLERANCE and len(alpha) < MOST:
        iteration.run()
        # The cycle is given r / |r|.
        alpha.append(float(iteration.s[ALPHA]) / lengths[-1])
        beta.append(float(iteration.s[BETA]) * lengths[-1] / lengths[max(len(lengths) - 2, 0)])
        lengths.append(iteration.residual())
    diagonal = 1 / np.array(alpha)
    diagonal[1:] += np.array(beta[1:]) * diagonal[:-1]
    beside = np.sqrt(beta[1:]) / np.array(alpha[:-1])
    found: np.ndarray = np.linalg.eigvalsh(
        np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)
    )
    return found


def main(words: list[str]) -> None:
    """Print a line for each case."""
    device = select("cpu")
    below = ", ".join(f"< {bound}" for bound in BOUNDS)
    print(f"iterations, lowest, highest, {below}")
    for case in CASES:
        if words and not any(word in case.name for word in words):
            continue
        found = eigenvalues(case.build(), device)
        counts = " ".join(f"{(found < bound).sum():4d}" for bound in BOUNDS)
        line = f"{len(found):5d} {found[0]:9.1e} {found[-1]:7.2f} {counts}"
        print(f"{line}   {case.name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
