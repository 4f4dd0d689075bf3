"""A substrate's build-up: layers of dielectric with copper in them, as materials and heights."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from warp.errors import Fault, Key
from warp.geometry.package import VOID, Mixture, Package
from warp.geometry.part import Drawing, Laminated, Layer, Lump
from warp.geometry.place import Outline, Place
from warp.geometry.shapes import Regions, Shape, Sheet, block

FRACTION_STEPS = 16  # steps in which a voxel's share of a picture's copper is rounded
VIA_FRACTION_STEPS = 32  # for vias, in squares: most voxels hold a few per cent or none


def laminate(
    name: str, plate: Laminated, where: Place, package: Package
) -> Iterator[tuple[str, float, float]]:
    """Yield material, bottom and top of each layer, from the top down as the file lists them."""
    top = where.z1
    for word in ("shrinkage", "intrinsic_stress"):
        if getattr(plate, word):
            raise Fault(("part", name, word), "belongs to the layer that has it: give it there")
    for number, entry in enumerate(plate.layers or ()):
        key: Key = ("part", name, "layers", number)
        label = f"{name}: {entry.name or f'layer {number + 1}'}"
        if isinstance(entry, Lump):
            thickness = sum(layer.thickness for layer in entry.lump)
            fractions: dict[str, float] = {}
            for n, layer in enumerate(entry.lump):
                made_of = _layer(
                    plate,
                    layer,
                    (*key, "lump", n),
                    f"{label}, {layer.name or n + 1}",
                    package,
                    where.outline,
                )
                fractions[made_of] = fractions.get(made_of, 0.0) + layer.thickness / thickness
            package.recipes[label] = Mixture("z-layers", fractions, key)
            material = label
        else:
            thickness = entry.thickness
            material = _layer(plate, entry, key, label, package, where.outline)
        bottom = top - thickness
        if number == len(plate.layers or ()) - 1:
            bottom = where.z0  # the sum of thicknesses, without its round-off
        yield material, bottom, top
        top = bottom


def layer_shape(
    made_of: str, outline: Outline, low: float, high: float, plate: Laminated, package: Package
) -> Shape:
    """Return a box, or a sheet if the layer's copper is a picture, turned with the plate."""
    image = package.images.get(made_of)
    if image is None:
        return block(outline, low, high)
    turned = np.rot90(image, -(plate.turn // 90))  # rot90 turns pictures, whose rows run down
    if made_of in package.regions:
        known = np.array(package.regions[made_of], object).reshape(image.shape)
        own = tuple(map(str, np.rot90(known, -(plate.turn // 90)).reshape(-1)))
        return Regions(*outline.bounds, low, high, turned, own, name=made_of)
    recipe = package.recipes[made_of]
    vias = isinstance(recipe, Mixture) and recipe.rule == "columns"
    names, _ = _levels(made_of, vias)
    exponent = 2 if vias else 1
    return Sheet(*outline.bounds, low, high, turned, names, exponent, made_of)


def _levels(label: str, vias: bool) -> tuple[tuple[str, ...], list[float]]:
    """Return the names and fractions of copper that a voxel of a picture may have."""
    if vias:
        fractions = [(level / VIA_FRACTION_STEPS) ** 2 for level in range(VIA_FRACTION_STEPS + 1)]
        return tuple(f"{label} {100 * fraction:.3g} %" for fraction in fractions), fractions
    fractions = [level / FRACTION_STEPS for level in range(FRACTION_STEPS + 1)]
    return tuple(
        f"{label} {level}/{FRACTION_STEPS}" for level in range(FRACTION_STEPS + 1)
    ), fractions


def _image(
    plate: Laminated,
    layer: Layer,
    word: str,
    drawing: Drawing,
    dielectric: str,
    key: Key,
    label: str,
    package: Package,
    outline: Outline,
) -> str:
    """Write recipes for every fraction of copper in a picture (`word`: copper or vias)."""
    if "lump" in key:
        raise Fault(
            (*key, word), "is a picture, which cannot be lumped: give the layer its own entry"
        )
    size = (
        (outline.depth, outline.width)
        if plate.turn in (90, 270)
        else (outline.width, outline.depth)
    )
    from warp.geometry.copper import copper_fraction

    package.images[label] = copper_fraction(drawing, package.folder, size, (*key, word))
    conductor = package.want(plate.conductor, ("part", key[1], "conductor"))
    if conductor == dielectric:
        del package.images[label]
        return dielectric
    rule = _rule(layer, word == "vias")
    for name, fraction in zip(*_levels(label, word == "vias"), strict=True):
        of = {conductor: fraction, dielectric: 1.0 - fraction}
        of = {material: part for material, part in of.items() if part}
        package.recipes[name] = Mixture(rule, of, key)
    package.recipes[label] = Mixture(rule, {conductor: 0.5, dielectric: 0.5}, key)
    return label


def _layer(
    plate: Laminated, layer: Layer, key: Key, label: str, package: Package, outline: Outline
) -> str:
    """Return the layer's material: a dielectric, or the recipe of copper in it."""
    dielectric = layer.material or plate.material
    if dielectric is None:
        raise Fault(
            (*key, "material"),
            f"is missing: add material to the layer, or to part {key[1]!r} for all of them",
        )
    named = (*key, "material") if layer.material else ("part", key[1], "material")
    for word, where in ((dielectric, named), (plate.conductor, ("part", key[1], "conductor"))):
        if word == VOID:
            raise Fault(
                where, 'cannot be void in a laminate: cut the hole with a part of shape = "void"'
            )
    package.want(dielectric, named)
    word = "shrinkage" if layer.shrinkage else "intrinsic_stress"
    own = f"{label}: {dielectric}"
    strains = layer.shrinkage, layer.intrinsic_stress
    dielectric = package.strained(dielectric, own, *strains, (*key, word))
    if layer.copper and layer.vias:
        raise Fault(
            (*key, "vias"),
            "stands beside copper: a layer has a pattern or vias, make it two layers",
        )
    fraction = layer.copper or layer.vias
    if isinstance(fraction, str | Drawing):
        word = "copper" if layer.copper else "vias"
        drawing = Drawing(file=fraction) if isinstance(fraction, str) else fraction
        return _image(plate, layer, word, drawing, dielectric, key, label, package, outline)
    if isinstance(fraction, tuple):
        return _regions(plate, layer, dielectric, key, label, package)
    if fraction == 0.0:
        return dielectric
    conductor = package.want(plate.conductor, ("part", key[1], "conductor"))
    if fraction == 1.0 or conductor == dielectric:
        return conductor
    rule = _rule(layer, bool(layer.vias))
    package.recipes[label] = Mixture(rule, {conductor: fraction, dielectric: 1.0 - fraction}, key)
    return label


def _regions(
    plate: Laminated, layer: Layer, dielectric: str, key: Key, label: str, package: Package
) -> str:
    """Write a recipe for every region of a layer."""
    if "lump" in key:
        raise Fault(
            (*key, "copper"), "has regions, which cannot be lumped: give the layer its own entry"
        )
    assert isinstance(layer.copper, tuple)
    image = np.array(layer.copper, float)[::-1]
    conductor = package.want(plate.conductor, ("part", key[1], "conductor"))
    if conductor == dielectric:
        return dielectric
    rule = _rule(layer, False)
    names = []
    for (row, column), share in np.ndenumerate(image):
        names.append(f"{label} [{len(image) - row}, {column + 1}]")
        of = {conductor: float(share), dielectric: 1.0 - float(share)}
        where: Key = (*key, "copper", len(image) - row - 1, column)
        package.recipes[names[-1]] = Mixture(rule, of, where)
    package.recipes[label] = Mixture(rule, {conductor: 0.5, dielectric: 0.5}, key)
    package.images[label] = image
    package.regions[label] = tuple(names)
    return label


def _rule(layer: Layer, vias: bool) -> str:
    """Return how copper and dielectric mix: columns that stand through the layer, or a pattern."""
    if vias:
        return "columns"
    return "voigt" if layer.pattern == "plane" else "traces"
