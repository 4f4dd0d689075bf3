"""Balance the copper of layers: a share for every region, by one adjoint solve for all of them.

    minimise t,   |J_s(x)| <= t |J(x0)| for every state s,   low <= mean(x) <= high,
    x = low + (high - low) H z,   0 <= z <= 1

with J a number of `design_numbers`, one z for each region and its mirror images, and H the
row-normalised cone filter of radius r, H_ij ~ max(0, r - |c_i - c_j|): shares stay between their
bounds whatever z is (B. Bourdin, Int. J. Numer. Meth. Eng. 50 (2001) 2143). Regions are parts of
the grid (geometry/shapes), so that the derivative by a share is that of the discrete answer.
The method of moving asymptotes (K. Svanberg, SIAM J. Optim. 12 (2002) 555; NLopt) takes thousands
of unknowns with a few limits; sequential quadratic programming does not. J is nearly linear in the
shares, so that its size is limited from both sides instead of its square. The warpage of a surface
is followed by its p-norm: the corners of a package are often equally high, and the highest of them
has the derivative of one. Runs are kept as in `search`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from warp.adjoint.regions import images
from warp.adjoint.search import Outcome, Run, Search, Stopped
from warp.adjoint.variables import Variable
from warp.case import case as cases
from warp.case.balance import BalanceSection
from warp.case.case import Case
from warp.errors import WarpError
from warp.geometry.part import MOST_REGIONS, Laminated, Layer, Lump
from warp.geometry.shapes import Sheet
from warp.results.surface import SIDES

Array = np.ndarray
SLACK = 1e-6
"""Of a limit, relative: what the method may exceed."""
CURVED = 1e-4
"""Curvature that the method assumes at first: the numbers are nearly linear in the shares."""
EXCESS = 1e-3
"""Of a limit of the mean share, absolute."""
GAIN = 0.01
"""Of the size at the start: a search that gains less in `PATIENCE` runs ends."""
PATIENCE = 4
"""Runs: near a flat surface its extremes change places, and the gradient with them."""


@dataclass(frozen=True, eq=False)
class Field:
    """A layer whose regions vary.

    key: of its shares in the case file. start (rows, columns): its shares, first row at y+. number
    (rows, columns): the unknown of each region. filter (unknowns, unknowns): H.
    """

    key: str
    section: BalanceSection
    start: Array
    number: Array
    filter: Array

    @property
    def counts(self) -> Array:
        """Return how many regions each unknown has."""
        return np.bincount(self.number.reshape(-1))

    def variables(self) -> list[Variable]:
        """Return one variable for each unknown, with the keys of its regions."""
        low, high = self.section.between
        keys: list[list[str]] = [[] for _ in self.counts]
        for (row, column), n in np.ndenumerate(self.number):
            keys[n].append(f"{self.key}.{row + 1}.{column + 1}")
        return [Variable(tuple(own), low, high, "") for own in keys]

    def free(self) -> Array:
        """Return z (unknowns,) of the shares at the start, before the filter."""
        low, high = self.section.between
        mean = np.bincount(self.number.reshape(-1), self.start.reshape(-1)) / self.counts
        return np.clip((mean - low) / (high - low), 0.0, 1.0)


@dataclass(frozen=True)
class Balanced(Outcome):
    """A search for the balance of copper: its runs, and the layers that vary.

    case: the case with the regions, as it was at the start.
    """

    case: Case
    layers: Sequence[Field]

    def shares(self, run: int) -> list[Array]:
        """Return the shares (rows, columns) of each layer in a run, first row at y+."""
        values = np.array(self.runs[run].values)
        ends = np.cumsum([len(layer.counts) for layer in self.layers])
        parts = np.split(values, ends[:-1])
        return [own[layer.number] for own, layer in zip(parts, self.layers, strict=True)]

    def best_case(self) -> Case:
        """Return the case with the shares of the best run."""
        changed = {
            layer.key: written(shares)
            for layer, shares in zip(self.layers, self.shares(self.best), strict=True)
        }
        case = self.case
        return cases.parse(case.text, case.path, {**case.overrides, **changed})


def balance(search: Search) -> Balanced:
    """Find the shares of copper in the layers of [optimize] that make a number smallest in size.

    search: of no variables yet. Raises WarpError where a layer cannot vary, or where a number has
    no adjoint.
    """
    case, layers = divided(search.case)
    variables = [one for layer in layers for one in layer.variables()]
    asked = search.metric
    search = replace(search, case=case, variables=variables)
    if not case.has_steps and asked.rpartition(".")[2] in SIDES:
        search = replace(search, metric=f"{asked}.warpage_p", beside=(asked,))
    search.resume()
    said = f"{search.most} runs were made"
    try:
        own = np.concatenate([layer.free() for layer in layers])
        start = np.concatenate([layer.filter @ layer.free() for layer in layers])
        if not np.allclose(own, start, atol=1e-9):
            search.run(own, slopes=False)
        said = _followed(search, layers)
    except Stopped:
        pass
    except _Settled:
        said = f"the last {PATIENCE} runs gained less than {100 * GAIN:.2g} % of the start"
    allowed = [_keeps(search, layers, run) for run in search.runs]
    best = int(np.argmin(_costs(search, layers)))
    return Balanced(variables, asked, search.runs, allowed, best, said, case, layers)


def divided(case: Case) -> tuple[Case, list[Field]]:
    """Return a case whose layers are divided into regions, with the shares that they had."""
    changed, places = {}, []
    for section in case.file.optimize.balance:
        place = _Place.of(case, section)
        if place.key in changed:
            raise _refused(section, "is balanced twice")
        start = np.clip(place.shares(case), *section.between)
        changed[place.key] = written(start)
        places.append((place, start))
    made = cases.parse(case.text, case.path, {**case.overrides, **changed})
    return made, [place.layer(made, start) for place, start in places]


def written(shares: Array) -> str:
    """Write shares as --set takes them."""
    rows = ", ".join(f"[{', '.join(f'{share:.10g}' for share in row)}]" for row in shares)
    return f"[{rows}]"


@dataclass(frozen=True)
class _Place:
    """Where a layer stands: part, number from the top, and the part's own width and depth in m."""

    section: BalanceSection
    part: str
    number: int
    name: str | None
    size: tuple[float, float]

    @classmethod
    def of(cls, case: Case, section: BalanceSection) -> _Place:
        """Find a layer by its name or number; WarpError where it cannot have regions."""
        part, _, word = section.layer.partition(".")
        owner = case.parts.get(part)
        entries = (owner.layers if isinstance(owner, Laminated) else None) or ()
        names = [entry.name for entry in entries]
        if word in names:
            number = names.index(word)
        elif word.isdecimal() and 1 <= int(word) <= len(entries):
            number = int(word) - 1
        else:
            raise _refused(section, "is no layer of the case")
        entry = entries[number]
        if isinstance(entry, Lump):
            raise _refused(section, "is lumped: give the layer its own entry")
        if entry.vias:
            raise _refused(section, "has vias, which are no pattern")
        assert owner is not None
        outline = case.package.places[part].outline
        size = owner.turned_pair((outline.width, outline.depth))
        return cls(section, part, number, entry.name, size)

    @property
    def key(self) -> str:
        """Return the key of the layer's shares, as --set takes it."""
        return f"part.{self.part}.layers.{self.name or self.number + 1}.copper"

    @property
    def counts(self) -> tuple[int, int]:
        """Return columns and rows of regions."""
        if isinstance(self.section.tiles, tuple):
            return self.section.tiles
        columns, rows = (int(np.ceil(side / self.section.tiles - 1e-9)) for side in self.size)
        if max(columns, rows) > MOST_REGIONS:
            most = f"more than {MOST_REGIONS} along a side"
            raise _refused(self.section, f"has {columns} x {rows} regions, {most}")
        return columns, rows

    def shares(self, case: Case) -> Array:
        """Return the shares (rows, columns) that the layer has, first row at y+."""
        columns, rows = self.counts
        owner = case.parts[self.part]
        assert isinstance(owner, Laminated) and owner.layers is not None
        entry = owner.layers[self.number]
        assert isinstance(entry, Layer)
        if isinstance(entry.copper, float):
            return np.full((rows, columns), entry.copper)
        image = case.package.images[f"{self.part}: {self.name or f'layer {self.number + 1}'}"]
        whole = Sheet(0.0, 1.0, 0.0, 1.0, 0.0, 1.0, image, ("",))
        lines = np.linspace(0.0, 1.0, columns + 1), np.linspace(0.0, 1.0, rows + 1)
        return whole.mean_fraction(*lines)[::-1]

    def layer(self, case: Case, start: Array) -> Field:
        """Return the unknowns, numbered; regions that are mirror images share one."""
        names = {}
        for place in np.ndindex(*start.shape):
            key = ("part", self.part, "layers", self.number, "copper", *place)
            names[case.package.region_at(key) or ""] = place
        if "" in names:
            raise _refused(self.section, "has no dielectric beside its copper")
        mirrored = images(case)
        number = np.full(start.shape, -1)
        first: list[tuple[int, ...]] = []
        for name, place in names.items():
            if number[place] >= 0:
                continue
            group = {name}
            for image in mirrored:
                group |= {image.get(one, one) for one in group}
            if "" in group:
                raise _refused(self.section, "has its mirror image in another part")
            for one in group:
                number[names[one]] = len(first)
            first.append(place)
        smoothed = _filter(self.section.smooth, self.size, number, first)
        return Field(self.key, self.section, start, number, smoothed)


def _refused(section: BalanceSection, why: str) -> WarpError:
    """Return the error of a layer that cannot vary."""
    return WarpError(f"[optimize] balance: {section.layer!r} {why}")


def _filter(
    radius: float | None,
    size: tuple[float, float],
    number: Array,
    first: Sequence[tuple[int, ...]],
) -> Array:
    """Return H (unknowns, unknowns); first: one region of each unknown."""
    count = len(first)
    if radius is None:
        return np.eye(count)
    rows, columns = number.shape
    row, column = np.indices(number.shape)
    x, y = column * size[0] / columns, row * size[1] / rows
    H = np.empty((count, count))
    for n, (j, i) in enumerate(first):
        weight = np.maximum(0.0, radius - np.hypot(x - x[j, i], y - y[j, i]))
        H[n] = np.bincount(number.reshape(-1), weight.reshape(-1), count)
    return H / H.sum(axis=1, keepdims=True)


@dataclass(eq=False)
class _Problem:
    """The search as a smooth problem with limits, in z and t."""

    search: Search
    layers: Sequence[Field]
    scale: float

    def __post_init__(self) -> None:
        """Join the filters of all layers."""
        from scipy.linalg import block_diag

        self.H = block_diag(*(layer.filter for layer in self.layers))

    def run(self, y: Array) -> Run:
        """Return the run at z; raise `_Settled` where the last ones have gained nothing."""
        sizes = np.sqrt(_costs(self.search, self.layers))
        before = sizes[: max(0, len(sizes) - PATIENCE)]
        if len(before) and sizes.min() > before.min() - GAIN * self.scale:
            raise _Settled
        return self.search.run(np.clip(self.H @ y[:-1], 0.0, 1.0))

    def limits(self, y: Array) -> tuple[Array, Array]:
        """Return what must not be positive, and its derivatives."""
        run = self.run(y)
        values, slopes = [], []
        numbers = [(self.search.metric, self.scale, True)]
        numbers += [(one.metric, one.most, False) for one in self.search.limits]
        for name, scale, is_cost in numbers:
            number = np.array(run.numbers[name].values) / scale
            by = self.search.scaled(run, name) @ self.H / scale
            bound = y[-1] if is_cost else 1.0
            for sign in (1.0, -1.0):
                values.append(sign * number - bound)
                slopes.append(np.column_stack((sign * by, np.full(len(by), -float(is_cost)))))
        for value, slope in self._mean_limits(y):
            values.append(np.array([value]))
            slopes.append(slope[None, :])
        return np.concatenate(values), np.concatenate(slopes)

    def _mean_limits(self, y: Array) -> list[tuple[float, Array]]:
        """Return mean - high and low - mean of each layer with limits of its mean."""
        limits = []
        first = 0
        for layer in self.layers:
            own = slice(first, first + len(layer.counts))
            first = own.stop
            if layer.section.mean is None:
                continue
            low, high = layer.section.between
            slope = np.zeros(len(y))
            slope[own] = (high - low) * (layer.counts / layer.counts.sum()) @ layer.filter
            mean = low + float(slope @ y)
            least, most = layer.section.mean
            limits += [(mean - most, slope), (least - mean, -slope)]
        return limits


def _followed(search: Search, layers: Sequence[Field]) -> str:
    """Follow the gradient by moving asymptotes; return how it ended."""
    try:
        import nlopt
    except ImportError:
        raise WarpError(
            "the balance of copper needs nlopt: pip install 'warpage[optimize]'"
        ) from None
    z = np.concatenate([layer.free() for layer in layers])
    start = np.append(z, 1.0)
    problem = _Problem(search, layers, 1.0)
    first = problem.run(start)
    problem.scale = abs(first.metrics[search.metric]) or 1.0
    count = len(problem.limits(start)[0])

    def cost(y: Array, slope: Array) -> float:
        if slope.size:
            slope[:] = np.eye(len(y))[-1]
        return float(y[-1])

    def limits(out: Array, y: Array, slopes: Array) -> None:
        values, by = problem.limits(np.array(y))
        out[:] = values
        if slopes.size:
            slopes[:] = by

    method = nlopt.opt(nlopt.LD_MMA, len(start))
    method.set_lower_bounds(np.zeros(len(start)))
    method.set_upper_bounds(np.append(np.ones(len(z)), 2.0))
    method.set_min_objective(cost)
    method.add_inequality_mconstraint(limits, np.full(count, SLACK))
    method.set_ftol_abs(SLACK)
    method.set_param("rho_init", CURVED)
    method.optimize(start)
    return "no share gains any more"


def _costs(search: Search, layers: Sequence[Field]) -> Array:
    """Return what each run is judged by, infinite where it breaks a limit."""
    costs = [search.cost(run) if _keeps(search, layers, run) else np.inf for run in search.runs]
    return np.array(costs)


def _keeps(search: Search, layers: Sequence[Field], run: Run) -> bool:
    """Tell whether a run keeps to the limits, those of the mean shares among them."""
    first, keeps = 0, search.keeps(run)
    for layer in layers:
        own = np.array(run.values[first : first + len(layer.counts)])
        first += len(own)
        if layer.section.mean is not None:
            low, high = layer.section.mean
            mean = float(own @ layer.counts / layer.counts.sum())
            keeps = keeps and low - EXCESS <= mean <= high + EXCESS
    return keeps


class _Settled(Exception):
    """The search has come to its end."""
