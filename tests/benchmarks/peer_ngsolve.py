"""NGSolve on the bricks of a case: p = 2, interior unknowns condensed, sparse Cholesky.

python tests/benchmarks/peer_ngsolve.py p2 CASE.toml COARSER [KEY=VALUE ...]

Its mesh is made from the bricks before the clock starts: assembly, factorisation and solution
count.
"""

import sys

import numpy as np
from netgen.meshing import Element2D, Element3D, FaceDescriptor, MeshPoint, Pnt
from netgen.meshing import Mesh as NetgenMesh
from ngsolve import (
    BilinearForm,
    CoefficientFunction,
    Grad,
    GridFunction,
    InnerProduct,
    LinearForm,
    Mesh,
    VectorH1,
    dx,
)
from peer_problem import Clock, Problem, answer, problem, words

SHEARS = ((1, 2), (0, 2), (0, 1))
X_LOW, Y_LOW = (0, 4, 7, 3), (0, 1, 5, 4)  # corners of a brick's faces x-, y-


def meshed(given: Problem) -> Mesh:
    """Make NGSolve's mesh, its planes of symmetry named x and y."""
    made = NetgenMesh(dim=3)
    points = [made.Add(MeshPoint(Pnt(*map(float, node)))) for node in given.mesh.nodes]
    for n in range(len(given.stiffness)):
        made.SetMaterial(n + 1, f"medium{n}")
    for brick, medium in zip(given.mesh.bricks, given.medium, strict=True):
        made.Add(Element3D(int(medium) + 1, [points[n] for n in brick]))
    for axis, (name, corners) in enumerate((("x", X_LOW), ("y", Y_LOW))):
        made.Add(FaceDescriptor(surfnr=axis + 1, domin=1, domout=0, bc=axis + 1))
        made.SetBCName(axis, name)
        if given.mesh.model.grid.mirror[axis]:
            faces = given.mesh.bricks[:, corners]
            for face in faces[(given.mesh.nodes[faces, axis] == 0).all(axis=1)]:
                made.Add(Element2D(axis + 1, [points[n] for n in face]))
    return Mesh(made)


def solve(given: Problem, mesh: Mesh) -> tuple[int, np.ndarray]:
    """Return the number of unknowns and the heights of the bricks' corners."""
    names = ("dirichletx", "dirichlety")
    mirrors = zip(names, "xy", given.mesh.model.grid.mirror, strict=True)
    space = VectorH1(mesh, order=2, **{key: bc for key, bc, mirror in mirrors if mirror})
    corners = len(given.mesh.nodes)
    for free in (space.FreeDofs(), space.FreeDofs(True)):
        for node, axis in np.argwhere(given.held):
            free[space.Range(int(axis)).start + int(node)] = False
    u, v = space.TnT()

    def by_medium(values: np.ndarray) -> CoefficientFunction:
        return CoefficientFunction([float(value) for value in values])

    def normal(of):
        return [Grad(of)[i, i] for i in range(3)]

    def shear(of):
        return [Grad(of)[i, j] + Grad(of)[j, i] for i, j in SHEARS]

    C, strain = given.stiffness, given.free_strain
    energy, work = 0, 0
    eu, ev, gu, gv = normal(u), normal(v), shear(u), shear(v)
    free_stress = np.einsum("mij,mj->mi", C, strain)
    for i in range(3):
        energy += sum(by_medium(C[:, i, j]) * eu[j] for j in range(3)) * ev[i]
        energy += by_medium(C[:, 3 + i, 3 + i]) * InnerProduct(gu[i], gv[i])
        work += by_medium(free_stress[:, i]) * ev[i]
    a, f = BilinearForm(space, symmetric=True, condense=True), LinearForm(space)
    a += energy * dx
    f += work * dx
    a.Assemble()
    f.Assemble()
    found = GridFunction(space)
    b = f.vec.CreateVector()
    b.data = f.vec + a.harmonic_extension_trans * f.vec
    inverse = a.mat.Inverse(space.FreeDofs(True), inverse="sparsecholesky")
    found.vec.data = inverse * b
    found.vec.data += a.harmonic_extension * found.vec + a.inner_solve * f.vec
    first = space.Range(2).start
    heights = np.array(found.vec.FV().NumPy()[first : first + corners])
    return sum(space.FreeDofs()), heights


def main() -> None:
    """Solve once."""
    _, path, coarser, overrides = words(sys.argv[1:])
    given = problem(path, coarser, overrides, linear=True)
    mesh = meshed(given)
    clock = Clock()
    unknowns, w = solve(given, mesh)
    answer(unknowns, clock.seconds(), given.surfaces(w))


if __name__ == "__main__":
    main()
