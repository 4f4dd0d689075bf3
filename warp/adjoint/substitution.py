"""Media with others inside them: replaced, compared, listed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace

from warp.materials.material import Material, Medium, Phase
from warp.materials.mixing import Mixed


def substituted(
    medium: Medium,
    media: Mapping[int, Medium],
    starts: Mapping[tuple[int, float], float],
    memo: dict[int, Medium],
) -> Medium:
    """Return a medium with those inside it replaced; the same object if nothing changes.

    media: by id; starts: new stress-free temperatures by id and the one before.
    """
    if id(medium) in memo:
        return memo[id(medium)]
    found = media.get(id(medium), medium)
    if found is medium:
        if isinstance(medium, Mixed):
            parts = tuple(
                None if part is None else substituted(part, media, starts, memo)
                for part in medium.media
            )
            if any(a is not b for a, b in zip(parts, medium.media, strict=True)):
                found = replace(medium, media=parts)
        elif not isinstance(medium, Material):
            inner: Medium | None = getattr(medium, "medium", None)
            if inner is not None:
                changes: dict[str, object] = {}
                made = substituted(inner, media, starts, memo)
                if made is not inner:
                    changes["medium"] = made
                if isinstance(medium, Phase) and (id(inner), medium.since) in starts:
                    changes["since"] = starts[id(inner), medium.since]
                faces = tuple(getattr(medium, "faces", ()))
                other = tuple(substituted(face, media, starts, memo) for face in faces)
                if any(a is not b for a, b in zip(faces, other, strict=True)):
                    changes["faces"] = other
                if changes:
                    found = replace(medium, **changes)  # type: ignore[type-var]
    memo[id(medium)] = found
    return found


def inside(medium: Medium | None) -> Iterator[Medium]:
    """Yield a medium and all that it is made of, as `substituted` finds them."""
    if medium is None:
        return
    yield medium
    below = *getattr(medium, "media", ()), getattr(medium, "medium", None)
    for part in (*below, *getattr(medium, "faces", ())):
        yield from inside(part)


def same(a: object, b: object) -> bool:
    """Tell whether two media are made alike."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return bool(a == b)
