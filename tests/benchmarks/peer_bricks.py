"""Eight-node bricks with incompatible modes, solved by PARDISO (MKL) or PyAMG.

    python tests/benchmarks/peer_bricks.py pardiso|pyamg CASE.toml COARSER [KEY=VALUE ...]

Trilinear displacements and the three bubbles 1 - x^2 of Wilson et al. (Numerical and Computer
Methods in Structural Mechanics, 1973), condensed brick by brick; without them a brick locks in
bending. PARDISO factors the upper triangle (symmetric positive definite); PyAMG's smoothed
aggregation has the six rigid motions as its near null space and solves by conjugate gradients to
1e-8. Assembly counts.
"""

from __future__ import annotations

import sys

import numpy as np
from peer_problem import Clock, Problem, answer, problem, words
from scipy import sparse

CORNERS = np.array(
    ((0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1))
)
GAUSS = (0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5)
SHEARS = ((1, 2), (0, 2), (0, 1))
CHUNK = 20_000  # bricks whose matrices are made together
TOLERANCE = 1e-8


def strains(size: np.ndarray, point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return strains by corner displacements (m, 6, 24) and by bubbles (m, 6, 9) at a point of a
    brick with sides `size` (m, 3).
    """
    value = np.where(CORNERS, point, 1 - point)
    slope = np.where(CORNERS, 1.0, -1.0)
    shapes = [slope[:, a] * np.delete(value, a, 1).prod(axis=1) for a in range(3)]
    gradient = np.array(shapes).T / size[:, None, :]
    bubble = np.zeros((len(size), 3, 3))
    for a in range(3):
        bubble[:, a, a] = (4 - 8 * point[a]) / size[:, a]
    return _strain(gradient), _strain(bubble)


def _strain(gradient: np.ndarray) -> np.ndarray:
    """Arrange gradients of n shape functions (m, n, 3) as strains (m, 6, 3 n)."""
    count, functions, _ = gradient.shape
    B = np.zeros((count, 6, functions, 3))
    for i in range(3):
        B[:, i, :, i] = gradient[:, :, i]
    for row, (i, j) in enumerate(SHEARS, 3):
        B[:, row, :, i] = gradient[:, :, j]
        B[:, row, :, j] = gradient[:, :, i]
    return B.reshape(count, 6, 3 * functions)


def matrices(size: np.ndarray, C: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the bricks' stiffness (m, 24, 24) and thermal load (m, 24), bubbles condensed."""
    weight = size.prod(axis=1)[:, None, None] / 8
    points = np.array(np.meshgrid(GAUSS, GAUSS, GAUSS)).reshape(3, 8).T
    K, Kb, Kbb, f = 0.0, 0.0, 0.0, 0.0
    stress = (C @ free[:, :, None]) * weight
    for point in points:
        B, bubble = strains(size, point)
        CB = (C * weight) @ B
        K = K + B.transpose(0, 2, 1) @ CB
        Kb = Kb + bubble.transpose(0, 2, 1) @ CB
        Kbb = Kbb + bubble.transpose(0, 2, 1) @ (C * weight) @ bubble
        f = f + B.transpose(0, 2, 1) @ stress  # a bubble's mean strain is zero: it takes no load
    return K - Kb.transpose(0, 2, 1) @ np.linalg.solve(Kbb, Kb), f[:, :, 0]


def assembled(given: Problem, upper: bool) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Return the matrix, its upper triangle only if asked, and the load.

    A held displacement has a row and column of its own diagonal alone.
    """
    mesh, count = given.mesh, given.held.size
    size = mesh.nodes[mesh.bricks[:, 6]] - mesh.nodes[mesh.bricks[:, 0]]
    f = np.zeros(count)
    held = given.held.ravel()
    number = np.int32 if count < 2**31 else np.int64
    A = sparse.csr_matrix((count, count))
    for start in range(0, len(size), CHUNK):
        own = slice(start, start + CHUNK)
        medium = given.medium[own]
        K, load = matrices(size[own], given.stiffness[medium], given.free_strain[medium])
        dofs = (3 * mesh.bricks[own, :, None] + np.arange(3)).reshape(len(K), 24).astype(number)
        np.add.at(f, dofs, load)
        row, column = np.repeat(dofs, 24, axis=1).ravel(), np.tile(dofs, 24).ravel()
        wanted = ~held[row] & ~held[column] | (row == column)
        if upper:
            wanted &= row <= column
        entries = K.reshape(-1)[wanted], (row[wanted], column[wanted])
        A = A + sparse.csr_matrix(entries, shape=A.shape)
    f[held] = 0
    return A, f


def pardiso(A: sparse.csr_matrix, f: np.ndarray) -> np.ndarray:
    """Solve by MKL's PARDISO."""
    from pypardiso import PyPardisoSolver

    solver = PyPardisoSolver(mtype=2)
    solver.factorize(A)
    return solver.solve(A, f)


def aggregation(A: sparse.csr_matrix, f: np.ndarray, given: Problem) -> tuple[np.ndarray, int]:
    """Solve by PyAMG; return the iterations, too."""
    import pyamg

    x, y, z = (given.mesh.nodes - given.mesh.nodes.mean(axis=0)).T / np.ptp(given.mesh.nodes)
    modes = np.zeros((len(x), 3, 6))
    for axis in range(3):
        modes[:, axis, axis] = 1
    modes[:, 1, 3], modes[:, 2, 3] = -z, y
    modes[:, 0, 4], modes[:, 2, 4] = z, -x
    modes[:, 0, 5], modes[:, 1, 5] = -y, x
    modes[given.held] = 0
    hierarchy = pyamg.smoothed_aggregation_solver(
        A.tobsr((3, 3)),
        B=modes.reshape(-1, 6),
        symmetry="symmetric",
        strength=("symmetric", {"theta": 0.08}),
        smooth="energy",
        max_coarse=500,
    )
    residuals: list[float] = []
    solved = hierarchy.solve(f, tol=TOLERANCE, maxiter=1000, accel="cg", residuals=residuals)
    if residuals[-1] > 2 * TOLERANCE * np.linalg.norm(f):
        raise SystemExit(f"no convergence: {residuals[-1] / np.linalg.norm(f):.1e}")
    return solved, len(residuals) - 1


def main() -> None:
    """Solve once."""
    method, path, coarser, overrides = words(sys.argv[1:])
    given = problem(path, coarser, overrides, linear=True)
    clock, more = Clock(), {}
    A, f = assembled(given, upper=method == "pardiso")
    if method == "pardiso":
        found = pardiso(A, f)
    else:
        found, more["iterations"] = aggregation(A, f, given)
    seconds, w = clock.seconds(), found.reshape(-1, 3)[:, 2]
    answer(int((~given.held).sum()), seconds, given.surfaces(w), **more)


if __name__ == "__main__":
    main()
