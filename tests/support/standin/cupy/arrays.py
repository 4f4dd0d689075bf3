"""Arrays of the device, and the functions of them that the program calls, as CuPy 14 has them.

They refuse NumPy arrays as operands, and become NumPy arrays by `get` or `asnumpy` only. A function
that is not here is an AttributeError: add it with the arguments that CuPy's reference gives.
"""

import inspect

import numpy as np

from cupy.account import busy, note
from cupy.memory import allocate

NUMBERS = int, float, bool, np.generic

SIGNATURES = {
    "absolute": "x, /, out=None",
    "add": "a, b, /, out=None",
    "argmax": "a, axis=None, dtype=None, out=None, keepdims=False",
    "argpartition": "a, kth, axis=-1",
    "argsort": "a, axis=-1, kind=None",
    "arange": "start, stop=None, step=1, dtype=None",
    "bincount": "x, weights=None, minlength=None",
    "broadcast_to": "array, shape",
    "clip": "a, a_min, a_max, out=None",
    "concatenate": "tup, axis=0, out=None, *, dtype=None, casting='same_kind'",
    "cumsum": "a, axis=None, dtype=None, out=None",
    "diff": "a, n=1, axis=-1, prepend=None, append=None",
    "divide": "a, b, /, out=None",
    "flatnonzero": "a",
    "hypot": "x1, x2, /, out=None",
    "isfinite": "x, /, out=None",
    "interp": "x, xp, fp, left=None, right=None, period=None",
    "maximum": "a, b, /, out=None",
    "minimum": "a, b, /, out=None",
    "multiply": "a, b, /, out=None",
    "nonzero": "a",
    "searchsorted": "a, v, side='left', sorter=None",
    "sqrt": "x, /, out=None",
    "stack": "tup, axis=0, out=None, *, dtype=None, casting='same_kind'",
    "subtract": "a, b, /, out=None",
    "sum": "a, axis=None, dtype=None, out=None, keepdims=False",
    "tensordot": "a, b, axes=2",
    "vdot": "a, b",
    "where": "condition, x=None, y=None",
}


class Flags:
    """Layout of an array, by name or by key."""

    def __init__(self, values: np.ndarray) -> None:
        self.c_contiguous, self.f_contiguous = values.flags.c_contiguous, values.flags.f_contiguous


class ndarray:  # the name that CuPy gives it
    """An array on the device; a view shares its block."""

    __array_priority__ = 100
    __hash__ = None

    def __init__(self, values: np.ndarray) -> None:
        self._values = values

    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    nbytes = property(lambda self: self._values.nbytes)
    itemsize = property(lambda self: self._values.itemsize)
    strides = property(lambda self: self._values.strides)
    flags = property(lambda self: Flags(self._values))
    T = property(lambda self: self._view(self._values.T))

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self):
        return (self[n] for n in range(len(self)))

    def __repr__(self) -> str:
        return f"device {self._values!r}"

    def _view(self, values: np.ndarray) -> "ndarray":
        return ndarray(values)

    def get(self) -> np.ndarray:
        """Copy to the host, after everything launched so far."""
        busy("a copy to the host")
        note("to_host", "arrays")
        note("to_host", "bytes", self.nbytes)
        return np.array(self._values, order="C")

    def set(self, arr, stream=None):
        """Copy from the host."""
        busy("a copy to the device")
        if not isinstance(arr, np.ndarray) or (arr.dtype, arr.shape) != (self.dtype, self.shape):
            raise ValueError("an array of the host of this type and shape is needed")
        note("to_device", "arrays")
        note("to_device", "bytes", arr.nbytes)
        self._values[...] = arr

    def item(self):
        """Return the only number."""
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().reshape(-1)[0].item()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    __index__ = __int__

    def __bool__(self) -> bool:
        return bool(self.item())

    def __array__(self, dtype=None, copy=None):
        words = "Implicit conversion to a NumPy array is not allowed. Please use `.get()`"
        raise TypeError(words)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **keys):
        if method != "__call__" or keys:
            return NotImplemented
        return operation(ufunc, *inputs, out=None if out is None else out[0])

    def reshape(self, *shape, order="C"):
        values = self._values.reshape(*shape)
        if self.size and not np.shares_memory(values, self._values):
            return on_device(values)
        return self._view(values)

    def ravel(self, order="C"):
        return self.reshape(-1)

    def transpose(self, *axes):
        return self._view(self._values.transpose(*axes))

    def swapaxes(self, one, other):
        return self._view(self._values.swapaxes(one, other))

    def view(self, dtype=None):
        return self._view(self._values if dtype is None else self._values.view(dtype))

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        if not copy and self.dtype == dtype:
            return self
        busy("astype")
        note("operations", "astype")
        with np.errstate(all="ignore"):
            return on_device(self._values.astype(dtype))

    def copy(self, order="C"):
        return self.astype(self.dtype)

    def fill(self, value):
        self[...] = value

    def sum(self, axis=None, dtype=None, out=None, keepdims=False):
        return _reduced("sum", self, axis=axis, dtype=dtype, keepdims=keepdims)

    def mean(self, axis=None, dtype=None, out=None, keepdims=False):
        return _reduced("mean", self, axis=axis, dtype=dtype, keepdims=keepdims)

    def max(self, axis=None, out=None, keepdims=False):
        return _reduced("max", self, axis=axis, keepdims=keepdims)

    def min(self, axis=None, out=None, keepdims=False):
        return _reduced("min", self, axis=axis, keepdims=keepdims)

    def any(self, axis=None, out=None, keepdims=False):
        return _reduced("any", self, axis=axis, keepdims=keepdims)

    def all(self, axis=None, out=None, keepdims=False):
        return _reduced("all", self, axis=axis, keepdims=keepdims)

    def __getitem__(self, key):
        key, gathers = _index(key)
        if gathers:
            busy("an index array")
            note("operations", "gather")
            return on_device(self._values[key])
        found = self._values[key]
        return self._view(found if isinstance(found, np.ndarray) else self._values[(*key, ...)])

    def __setitem__(self, key, value):
        busy("an assignment")
        key, scatters = _index(key)
        note("operations", "scatter" if scatters else "copy")
        if isinstance(value, ndarray):
            value = value._values
        elif not isinstance(value, NUMBERS):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        if scatters and np.ndim(value):
            _refuse_repeated(key)
        with np.errstate(all="ignore"):
            self._values[key] = value

    def __neg__(self):
        return operation(np.negative, self)

    def __invert__(self):
        return operation(np.invert, self)

    def __abs__(self):
        return operation(np.absolute, self)


def _operators() -> None:
    names = {
        "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide,
        "floordiv": np.floor_divide, "mod": np.remainder, "pow": np.power,
        "and": np.bitwise_and, "or": np.bitwise_or, "xor": np.bitwise_xor,
    }  # fmt: skip
    compared = ("lt", np.less), ("le", np.less_equal), ("gt", np.greater), ("eq", np.equal)
    compared = *compared, ("ge", np.greater_equal), ("ne", np.not_equal)
    for name, ufunc in names.items():
        for form, make in (
            (f"__{name}__", lambda f: lambda a, b: operation(f, a, b)),
            (f"__r{name}__", lambda f: lambda a, b: operation(f, b, a)),
            (f"__i{name}__", lambda f: lambda a, b: operation(f, a, b, out=a)),
        ):
            setattr(ndarray, form, make(ufunc))
    for name, ufunc in compared:
        setattr(ndarray, f"__{name}__", lambda a, b, f=ufunc: operation(f, a, b))


_operators()


def operation(ufunc, *operands, out=None):
    """Apply a ufunc of NumPy to arrays of the device and numbers, by CuPy's rules."""
    busy(ufunc.__name__)
    note("operations", ufunc.__name__)
    for operand in operands:
        if not isinstance(operand, (ndarray, *NUMBERS)):
            raise TypeError(f"Unsupported type {type(operand)} in {ufunc.__name__}")
    with np.errstate(all="ignore"):
        found = ufunc(*(a._values if isinstance(a, ndarray) else a for a in operands))
    if out is None:
        return on_device(found)
    if not np.can_cast(found.dtype, out.dtype, "same_kind"):
        words = f"could not be coerced to provided output parameter (typecode '{out.dtype}')"
        raise TypeError(f"output (typecode '{found.dtype}') {words}")
    out._values[...] = found
    return out


def _reduced(name: str, a: ndarray, **keys) -> ndarray:
    busy(name)
    note("operations", name)
    keys = {key: value for key, value in keys.items() if value is not None}
    return on_device(getattr(a._values, name)(**keys))


def _index(key) -> tuple[tuple, bool]:
    """Return an index for the values, and whether it holds index arrays."""
    found, arrays = [], False
    for part in key if isinstance(key, tuple) else (key,):
        if isinstance(part, (np.ndarray, list)) and np.ndim(part):
            note("to_device", "arrays")
            note("to_device", "bytes", np.asarray(part).nbytes)
        if isinstance(part, ndarray):
            part = part._values
            if part.dtype.kind not in "biu":
                words = "arrays used as indices must be of integer or boolean type"
                raise IndexError(f"{words}. (actual: {part.dtype})")
        arrays = arrays or isinstance(part, (np.ndarray, list))
        found.append(part)
    return tuple(found), arrays


def _refuse_repeated(key: tuple) -> None:
    """Refuse an assignment that names an entry twice: which value stays is left open on a GPU."""
    part = key[0]
    indices = len(key) == 1 and isinstance(part, np.ndarray) and part.dtype != bool
    if indices and len(np.unique(part)) != part.size:
        raise RuntimeError("an assignment names an entry twice")


def on_device(values) -> ndarray:
    """Put the result of an operation on the device."""
    values = np.asarray(values)
    there = allocate(values.shape, values.dtype, poisoned=False)
    there[...] = values
    return ndarray(there)


def array(obj, dtype=None, copy=True, order="K"):
    """Copy to a new array."""
    if isinstance(obj, ndarray):
        return obj.astype(dtype or obj.dtype)
    values = np.asarray(obj, dtype)
    if values.dtype.kind not in "biuf":
        raise ValueError(f"Unsupported dtype {values.dtype}")
    busy("a copy to the device")
    note("to_device", "arrays")
    note("to_device", "bytes", values.nbytes)
    return on_device(values)


def asarray(a, dtype=None, order=None):
    """Copy to the device, unless it is an array of the device and of this type."""
    if isinstance(a, ndarray) and (dtype is None or a.dtype == dtype):
        return a
    return array(a, dtype)


def ascontiguousarray(a, dtype=None):
    """Return an array in C order, of one dimension at least."""
    a = asarray(a, dtype)
    if not a.flags.c_contiguous:
        return a.copy()
    return a if a.ndim else a.reshape(1)


def asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    """Copy to the host."""
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def empty(shape, dtype=float, order="C"):
    """Allocate poisoned memory."""
    return ndarray(allocate(shape, dtype, poisoned=True))


def zeros(shape, dtype=float, order="C"):
    """Allocate zeros."""
    busy("memset")
    return ndarray(allocate(shape, dtype, poisoned=False))


def ones(shape, dtype=float, order="C"):
    """Allocate ones."""
    found = zeros(shape, dtype)
    found[...] = 1
    return found


def empty_like(a, dtype=None):
    """Allocate poisoned memory of an array's shape."""
    return empty(a.shape, dtype or a.dtype)


def zeros_like(a, dtype=None):
    """Allocate zeros of an array's shape."""
    return zeros(a.shape, dtype or a.dtype)


def function(name: str, of=np, signature: str | None = None):
    """Return a function of NumPy that takes and returns arrays of the device."""
    signature = SIGNATURES.get(name) if signature is None else signature
    if signature is None:
        raise AttributeError(f"the stand-in for CuPy has no {name!r} (tests/support/standin)")
    bind = inspect.signature(eval(f"lambda {signature}: None")).bind
    call = getattr(of, name)

    def plain(value):
        if isinstance(value, np.ndarray):
            raise TypeError(f"Unsupported type {type(value)} in {name}")
        if isinstance(value, (list, tuple)):
            return type(value)(map(plain, value))
        return value._values if isinstance(value, ndarray) else value

    def applied(*args, **keys):
        busy(name)
        bind(*args, **keys)
        out = keys.pop("out", None)
        note("operations", name)
        with np.errstate(all="ignore"):
            found = call(*map(plain, args), **{key: plain(value) for key, value in keys.items()})
        if isinstance(found, tuple):
            return tuple(map(on_device, found))
        if out is None:
            return on_device(found)
        out[...] = on_device(found)
        return out

    return applied
