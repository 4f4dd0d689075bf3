"""Write and read HDF5: whole files or none, checksums, chunks of layers, arrays left on disk.

A file is written whole or not at all (`whole_file`). Every dataset carries Fletcher-32 checksums,
and the metadata of HDF5's format v110 its own, so that a flipped bit is found when it is read.
Fletcher-32 of zeros is zero, so a block that reads as zeros passes it: each dataset has BLAKE2b
digests besides (RFC 7693), of the whole or of each layer, in its attribute `blake2b`; `checked`
compares them with what it reads. A digest of all names, types, shapes, digests and attributes in
the root's attribute `contents` shows that none was renamed, exchanged or edited. A dataset that
would unpack to more than its stored bytes can hold is not read. Knows nothing of what the datasets
mean.
"""

from __future__ import annotations

import hashlib
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from warp.errors import WarpError
from warp.files import bounded
from warp.files.whole_file import FileError, replacing

CHUNK_BYTES = 1 << 20  # HDF5's default chunk cache (1 MiB before 2.0) holds one
DIGEST = "blake2b"
DIGEST_BYTES = 16
CONTENTS = "contents"
LONGEST_NUMBER = 20  # digits and sign of a whole number
DEEPEST = 8  # groups within groups
PACKING = 1040  # times that zlib packs at most (its manual: 1032)
LARGEST_PACKED = 64_000_000  # bytes of packed numbers and text that are no field
_FILTERS = (h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32)


class DamagedFile(FileError):
    """Report a file whose content is not what was written, or points elsewhere."""


@dataclass(frozen=True)
class Stored:
    """Read a dataset on disk as an array: an index reads a part, np.asarray reads all."""

    path: Path
    name: str

    def __getitem__(self, key: Any) -> np.ndarray:
        with reading(self.path) as file:
            return checked(file[self.name], key)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[()], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        with reading(self.path) as file:
            return file[self.name].shape


def _digest(data: np.ndarray) -> np.ndarray:
    whole = np.ascontiguousarray(data).reshape(-1).view(np.uint8)
    return np.frombuffer(hashlib.blake2b(whole.data, digest_size=DIGEST_BYTES).digest(), np.uint8)


def checked(dataset: h5py.Dataset, key: Any = ()) -> np.ndarray:
    """Read `dataset[key]` and compare every layer that it touches with its digest.

    Layers are read whole, once, and one at a time, so that a part of a large field costs no more
    memory than the part and one layer. Files without digests (results before schema 1.2) are read
    as they are. Raises ValueError if the content differs or the digest is missing in a file that
    has them.
    """
    _refuse_to_expand(dataset)
    if DIGEST not in dataset.attrs:
        if DIGEST in dataset.file.attrs:
            raise ValueError(f"{dataset.name} has no digest")
        return dataset[key]
    digests = dataset.attrs[DIGEST]
    lead = digests.ndim - 1
    if digests.dtype != np.uint8 or digests.shape != (*dataset.shape[:lead], DIGEST_BYTES):
        raise ValueError(f"the digests of {dataset.name} do not fit it")
    chosen = _whole_key(key, dataset.ndim)
    if not all(isinstance(k, int | np.integer | slice) for k in chosen[:lead]):
        return checked(dataset)[key]
    per_axis = [np.arange(n)[k] for n, k in zip(dataset.shape[:lead], chosen[:lead], strict=True)]
    outer = tuple(n for axis_indices in per_axis for n in axis_indices.shape)
    if 0 in outer:
        return dataset[key]
    parts: np.ndarray | None = None
    for number, index in enumerate(
        itertools.product(*(axis_indices.ravel() for axis_indices in per_axis))
    ):
        layer = dataset[tuple(int(k) for k in index)]
        if not np.array_equal(_digest(layer), digests[index]):
            raise ValueError(f"the content of {dataset.name} differs from its digest")
        part = np.asarray(layer)[chosen[lead:]]
        if not outer:
            return part
        if parts is None:
            parts = np.empty((int(np.prod(outer)), *part.shape), part.dtype)
        parts[number] = part
    assert parts is not None
    return parts.reshape(*outer, *parts.shape[1:])


def _refuse_to_expand(dataset: h5py.Dataset) -> None:
    """Raise ValueError where a dataset declares more bytes than its stored ones can make."""
    made = dataset.id.get_create_plist()
    filters = [made.get_filter(n)[0] for n in range(made.get_nfilters())]
    if len(set(filters)) < len(filters) or not set(filters) <= set(_FILTERS):
        raise ValueError(f"{dataset.name} is packed in another way than results are")
    chunks = dataset.chunks or ()
    if any(chunk > length for chunk, length in zip(chunks, dataset.shape, strict=False)):
        raise ValueError(f"{dataset.name} has chunks that are larger than itself")
    stored = min(dataset.id.get_storage_size(), dataset.file.id.get_filesize())
    most = stored
    if h5py.h5z.FILTER_DEFLATE in filters:
        most = PACKING * stored if dataset.ndim > 2 else min(PACKING * stored, LARGEST_PACKED)
    if dataset.nbytes > most:
        size = f"{dataset.nbytes / 1e6:.3g} MB of {stored / 1e3:.3g} kB"
        raise ValueError(f"{dataset.name} would unpack to {size}, more than can be in it")


def _whole_key(key: Any, ndim: int) -> tuple[Any, ...]:
    """Return an index with one entry for each axis."""
    given = key if isinstance(key, tuple) else (key,)
    at = next((n for n, k in enumerate(given) if k is Ellipsis), len(given))
    after = given[at + 1 :]
    return (*given[:at], *(slice(None),) * (ndim - at - len(after)), *after)


def seal(file: h5py.File) -> None:
    """Store the digest of all names, types, shapes, digests and attributes."""
    file.attrs[CONTENTS] = _contents(file)


def check_contents(file: h5py.File) -> None:
    """Raise ValueError if anything was renamed, exchanged or edited since `seal`."""
    if CONTENTS in file.attrs and not np.array_equal(file.attrs[CONTENTS], _contents(file)):
        raise ValueError("its datasets or attributes are not those that were written")


def _contents(file: h5py.File) -> np.ndarray:
    found = hashlib.blake2b(digest_size=DIGEST_BYTES)
    for name, item in (("/", file), *_members(file, "", 0)):
        described = [name, type(item).__name__]
        if isinstance(item, h5py.Dataset):
            described += [item.dtype.str, str(item.shape)]
        found.update(json.dumps(described).encode())
        for key in sorted(item.attrs):
            if key != CONTENTS:
                if item.attrs.get_id(key).dtype.kind == "O":
                    raise ValueError(f"{name} has an attribute of variable length")
                value = np.asarray(item.attrs[key])
                content = value.tobytes()
                found.update(json.dumps([key, value.dtype.str, str(value.shape)]).encode())
                found.update(len(content).to_bytes(8, "little") + content)
    return np.frombuffer(found.digest(), np.uint8)


def _members(group: h5py.Group, above: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Yield every object below a group with its path, once for each hard link."""
    if depth > DEEPEST:
        raise ValueError(f"{above} has more than {DEEPEST} groups within groups")
    for name in sorted(group):
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ValueError(f"{above}{name} is a link that may lead out of the file")
        item = group[name]
        yield f"{above}{name}", item
        if isinstance(item, h5py.Group):
            yield from _members(item, f"{above}{name}/", depth + 1)


def put_word(file: h5py.File, key: str, word: str) -> None:
    """Store a word as an attribute of fixed length.

    HDF5 keeps text of variable length in a heap without checksums, where damage makes it hang.
    """
    file.attrs.create(key, np.bytes_(word.encode()))


def get_word(file: h5py.File, key: str) -> str | None:
    """Return a word stored by `put_word`, None where there is none.

    Empty where it is of variable length, as older versions stored it: it is not read.
    """
    if key not in file.attrs:
        return None
    fixed = file.attrs.get_id(key).dtype.kind == "S"
    return bytes(file.attrs[key]).decode("utf-8", "replace") if fixed else ""


def put(where: h5py.Group, name: str, data: np.ndarray) -> None:
    """Store an array with a checksum and its digest."""
    if data.size:
        stored = where.create_dataset(name, data=data, chunks=data.shape, fletcher32=True)
    else:
        stored = where.create_dataset(name, data=data)
    stored.attrs[DIGEST] = _digest(data)


def put_text(where: h5py.Group, name: str, text: str) -> None:
    """Text as bytes of fixed length: unlike HDF5's own strings they can carry a checksum."""
    put(where, name, np.frombuffer((text or "\n").encode(), np.uint8))


def put_layers(
    where: h5py.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: Any,
    layers: Iterable[np.ndarray],
    lead: int = 1,
    compress: bool = True,
) -> None:
    """Write a field layer by layer; the first `lead` axes of its shape count the layers.

    Each layer has its own digest, computed while HDF5 writes it. A chunk holds whole rows,
    compressed as ParaView can read it (zlib 1 on shuffled bytes).
    """
    packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compress else {}
    dtype = np.dtype(dtype)
    depth, plane = shape[lead - 1], int(np.prod(shape[lead:])) * dtype.itemsize
    rows = max(1, min(shape[lead], CHUNK_BYTES * shape[lead] // plane))
    deep = max(1, min(depth, CHUNK_BYTES // plane))
    chunks = (*(1,) * (lead - 1), deep, rows, *shape[lead + 1 :])
    data = where.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True, **packing)
    block = np.empty((deep, *shape[lead:]), dtype)
    digests = np.zeros((int(np.prod(shape[:lead])), DIGEST_BYTES), np.uint8)
    filled = 0
    with ThreadPoolExecutor(1) as beside:
        for number, layer in enumerate(layers):
            block[filled] = layer
            filled += 1
            k = number % depth
            if filled == deep or k == depth - 1:
                where_to = np.unravel_index(number // depth, shape[: lead - 1]) if lead > 1 else ()
                found = beside.map(_digest, block[:filled])
                data[(*where_to, slice(k + 1 - filled, k + 1))] = block[:filled]
                digests[number + 1 - filled : number + 1] = list(found)
                filled = 0
    data.attrs[DIGEST] = digests.reshape(*shape[:lead], DIGEST_BYTES)


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it.

    NumPy numbers become Python's, NaN becomes None, paths and the like become text.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    return value if value is None or isinstance(value, str | int) else str(value)


def datasets(file: h5py.File, group: str) -> list[str]:
    """Paths of all datasets below a group, none where there is no such group."""
    found: list[str] = []
    if group in file:
        file[group].visititems(
            lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None
        )
    return found


def get_text(dataset: h5py.Dataset) -> str:
    """Read text stored by `put_text`."""
    text = checked(dataset).tobytes().decode()
    return "" if text == "\n" else text


def get_json(dataset: h5py.Dataset) -> Any:
    """Read JSON stored by `put_text`; ValueError where a number is not finite."""
    numbers = {"parse_constant": _finite, "parse_float": _finite, "parse_int": _whole}
    return json.loads(get_text(dataset), **numbers)  # type: ignore[arg-type]


def _finite(text: str) -> float:
    value = float(text)
    if not np.isfinite(value):
        raise ValueError(f"{text[:20]} is no number")
    return value


def _whole(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text[:20]} is no number")
    return int(text)


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a result file; whatever HDF5 finds wrong with it becomes one sentence."""
    _refuse_to_open(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except WarpError:
        raise
    except PermissionError as error:
        raise WarpError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:  # h5py raises nearly every built-in kind on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DamagedFile(
            f"{path} is damaged or incomplete ({reason[:160]}); run the case again"
        ) from None


def _refuse_to_open(path: Path) -> None:
    """Raise WarpError where `path` is no regular file or does not begin as HDF5 does."""
    try:
        with bounded.opened(path):
            pass
        if h5py.is_hdf5(path):
            return
        made_of = "a case: `warp run` makes its result"
        reason = f"{path} is {made_of if path.suffix == '.toml' else 'not an HDF5 file'}"
    except FileNotFoundError:
        reason = f"cannot read {path}: no such file"
    except OSError as error:
        reason = f"cannot read {path}: {error.strerror or error}"
    except ValueError as error:
        reason = f"cannot read {path}: {error}"
    raise WarpError(reason)


@contextmanager
def creating(path: Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that takes its name once it is complete.

    A disk that fills up is one WarpError.
    """
    with replacing(path) as temporary, _Disk(temporary, "w+b") as disk:
        try:
            with h5py.File(disk, "w", libver=("v110", "v110")) as file:
                file.attrs[DIGEST] = DIGEST_BYTES
                yield file
                seal(file)
        except Exception:  # what HDF5 makes of a disk that forgets
            if disk.failure is None:
                raise
        if disk.failure is not None:
            raise disk.failure


class _Disk(io.FileIO):
    """Hide write errors (disk full) from HDF5, which would otherwise crash while closing.

    They are raised after.
    """

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        left = memoryview(data).cast("B")
        try:
            while len(left) and self.failure is None:
                left = left[super().write(left) :]
        except OSError as error:
            self.failure = error
        return len(data)

    def truncate(self, size: int | None = None) -> int:
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = error
            return self.tell() if size is None else size
