"""Write and read HDF5: whole files or none, checksums, chunks of layers, arrays left on disk.

A file is written under a temporary name in the same folder, flushed to the disk and renamed: no
reader sees half a file, and a failed run leaves none. Every dataset carries Fletcher-32 checksums,
and the metadata of HDF5's format v110 its own, so that a flipped bit is found when it is read.
Knows nothing of what the datasets mean.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from warp.errors import WarpError

CHUNK_BYTES = 1 << 20  # HDF5's default chunk cache (1 MiB before 2.0) holds one


def check_writable(path: str | os.PathLike[str], need: int = 0) -> None:
    """Fail before the solve if `path` cannot be written or its disk is too full.

    need: bytes that must be free.
    """
    path = Path(path)
    folder = path.parent
    if path.is_dir():
        raise WarpError(
            f"cannot write {path}: it is a folder; give a file name such as {path / 'out.h5'}"
        )
    if not folder.is_dir():
        raise WarpError(f"cannot write {path}: there is no folder {folder}; make it first")
    if path.exists() and not os.access(path, os.W_OK):
        raise WarpError(f"cannot write {path}: the file is there and is read-only")
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".warp-"):
            pass
    except OSError as error:
        raise WarpError(
            f"cannot write {path}: {error.strerror or error}; choose another folder with -o"
        ) from None
    free = shutil.disk_usage(folder).free
    if free < need:
        raise WarpError(
            f"cannot write {path}: the result needs about {need / 1e9:.1f} GB "
            f"and the disk has {free / 1e9:.1f} GB free"
        )


@dataclass(frozen=True)
class Stored:
    """Read a dataset on disk as an array: an index reads a part, np.asarray reads all."""

    path: Path
    name: str

    def __getitem__(self, key: Any) -> np.ndarray:
        with reading(self.path) as file:
            return file[self.name][key]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[()], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        with reading(self.path) as file:
            return file[self.name].shape


def put(where: h5py.Group, name: str, data: np.ndarray) -> None:
    """Store an array with a checksum, compressed if asked for."""
    if data.size:
        where.create_dataset(name, data=data, chunks=data.shape, fletcher32=True)
    else:
        where.create_dataset(name, data=data)


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

    A chunk holds whole rows, compressed as ParaView can read it (zlib 1 on shuffled bytes).
    """
    packing = {"compression": "gzip", "compression_opts": 1, "shuffle": True} if compress else {}
    dtype = np.dtype(dtype)
    depth, plane = shape[lead - 1], int(np.prod(shape[lead:])) * dtype.itemsize
    rows = max(1, min(shape[lead], CHUNK_BYTES * shape[lead] // plane))
    deep = max(1, min(depth, CHUNK_BYTES // plane))
    chunks = (*(1,) * (lead - 1), deep, rows, *shape[lead + 1 :])
    data = where.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True, **packing)
    block = np.empty((deep, *shape[lead:]), dtype)
    filled = 0
    for number, layer in enumerate(layers):
        block[filled] = layer
        filled += 1
        k = number % depth
        if filled == deep or k == depth - 1:
            where_to = np.unravel_index(number // depth, shape[: lead - 1]) if lead > 1 else ()
            data[(*where_to, slice(k + 1 - filled, k + 1))] = block[:filled]
            filled = 0


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
    text = dataset[()].tobytes().decode()
    return "" if text == "\n" else text


def get_json(dataset: h5py.Dataset) -> Any:
    """Read JSON stored by `put_text`."""
    return json.loads(get_text(dataset))


@contextmanager
def reading(path: Path) -> Iterator[h5py.File]:
    """Open a result file; whatever HDF5 finds wrong with it becomes one sentence."""
    try:
        with open(path, "rb"):
            pass
        if not h5py.is_hdf5(path):
            case = path.suffix == ".toml"
            raise WarpError(
                f"{path} is "
                + ("a case: `warp run` makes its result" if case else "not an HDF5 file")
            )
        with h5py.File(path, "r") as file:
            yield file
    except WarpError:
        raise
    except (PermissionError, FileNotFoundError) as error:
        raise WarpError(f"cannot read {path}: {error.strerror}") from None
    except Exception as error:  # h5py raises nearly every built-in kind on damaged files
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WarpError(
            f"{path} is damaged or incomplete ({reason[:160]}); run the case again"
        ) from None


@contextmanager
def creating(path: Path) -> Iterator[h5py.File]:
    """Yield a new HDF5 file that takes its name once it is complete.

    A disk that fills up is one WarpError.
    """
    with replacing(path) as temporary, _Disk(temporary, "w+b") as disk:
        with h5py.File(disk, "w", libver=("v110", "v110")) as file:
            yield file
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


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary file beside `path` that takes its name once complete and on the disk.

    It is removed on failure.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise WarpError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
    if os.name == "posix":
        _flush(path.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
