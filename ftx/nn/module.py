"""Module: a frozen dataclass that is a pytree by itself.

A subclass lists its fields. Those that hold arrays, or modules, or containers of either, are
the tree's children; those declared with `static` belong to its structure. So `grad`, `jit`,
`vmap` and the optimisers take modules as they take dicts, and the same object serves eager
and compiled code. Rests on one hook, `ftx.tree.register_dataclass`; knows no layer.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any, Self, dataclass_transform

from .. import numpy as fnp
from .. import tree
from ..core.errors import InputShapeError, ModuleError

__all__ = ["Module", "static"]


def static(**options) -> Any:
    """A field of a `Module` that is part of its structure: a size, a name, a function.

    Such a value must be hashable. Changing it compiles anew; gradients do not see it.

    Args:
      options: as for `dataclasses.field`, such as default=...

    >>> class Power(Module):
    ...     exponent: int = static(default=2)
    ...     def __call__(self, x):
    ...         return x**self.exponent
    >>> Power(3)(2.0), len(tree.leaves(Power(3)))
    (8.0, 0)
    """
    metadata = {**options.pop("metadata", {}), "static": True}
    return dataclasses.field(metadata=metadata, **options)


@dataclass_transform(field_specifiers=(static, dataclasses.field), frozen_default=True)
class Module:
    """Base of everything with weights: subclass it, list the fields, write `__call__`.

    The constructor takes the fields themselves: that is how trees are rebuilt and stored
    weights loaded. Random starting weights come from a classmethod, by convention
    `init(key, ...)`. Modules are immutable: training returns a new one, and `replace` makes
    one by hand.

    Raises: TypeError at the definition of a subclass that writes its own `__init__`.

    >>> class Affine(Module):
    ...     scale: Any
    ...     shift: Any
    ...     def __call__(self, x):
    ...         return self.scale * x + self.shift
    >>> model = Affine(fnp.asarray(2.0), fnp.ones(3))
    >>> model
    Affine(
      scale=float32[],
      shift=float32[3],
    )
    >>> model.parameter_count()
    4
    >>> tree.map(lambda leaf: leaf * 0, model)(5.0).tolist()
    [0.0, 0.0, 0.0]
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            raise ModuleError(
                f"{cls.__name__}: expected fields only, got an __init__ of its own, which would "
                f"run whenever a transform rebuilds the tree; write a classmethod instead:\n"
                f"    @classmethod\n"
                f"    def init(cls, key, ...): return cls(weight=...)"
            )
        # eq=False: comparing arrays gives arrays, so modules compare and hash by identity.
        dataclasses.dataclass(frozen=True, eq=False, repr=False)(cls)
        cls.__setattr__ = _refuse_assignment  # type: ignore[method-assign, assignment]
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        meta = [f.name for f in fields if f.metadata.get("static")]
        data = [f.name for f in fields if f.name not in meta]
        tree.register_dataclass(cls, data_fields=data, meta_fields=meta)

    def replace(self, **changes) -> Self:
        """The same module with some fields changed.

        Raises: TypeError for a name that is no field.

        >>> from ftx.nn import Linear
        >>> layer = Linear(fnp.ones((3, 2)), fnp.zeros(2))
        >>> layer.replace(bias=None).bias is None
        True
        """
        names = [f.name for f in dataclasses.fields(self)]  # type: ignore[arg-type]
        for name in changes:
            if name not in names:
                raise ModuleError(
                    f"{type(self).__name__}.replace: expected fields among {names}, got {name!r}"
                )
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def parameter_count(self) -> int:
        """Number of floating-point values in the tree: what training can change.

        >>> from ftx.nn import Linear
        >>> Linear(fnp.ones((3, 2)), fnp.zeros(2)).parameter_count()
        8
        """
        return sum(
            leaf.size
            for leaf in tree.leaves(self)
            if hasattr(leaf, "dtype") and fnp.issubdtype(leaf.dtype, fnp.inexact)
        )

    def __repr__(self) -> str:
        return "\n".join(_describe(self))


def check_features(layer, x, expected: int) -> None:
    """Refuse an input whose last axis is not `expected` long; names the layer's class."""
    if x.ndim == 0 or x.shape[-1] != expected:
        raise InputShapeError(
            f"{type(layer).__name__}: expected {expected} features on the last axis, got an "
            f"input of shape {tuple(x.shape)}"
        )


def _refuse_assignment(self, name, value):
    raise dataclasses.FrozenInstanceError(
        f"{type(self).__name__}.{name}: modules are immutable; make a changed one with "
        f"module.replace({name}=...)"
    )


def _describe(value) -> Iterator[str]:
    """Lines that show a tree with shapes instead of numbers."""
    if isinstance(value, Module):
        fields = dataclasses.fields(value)  # type: ignore[arg-type]
        items = [(f"{f.name}=", getattr(value, f.name)) for f in fields]
        yield from _bracket(f"{type(value).__name__}(", items, ")")
    elif isinstance(value, dict):
        yield from _bracket("{", [(f"{k!r}: ", v) for k, v in value.items()], "}")
    elif isinstance(value, list | tuple) and any(_is_tree(v) for v in value):
        opening, closing = "[]" if isinstance(value, list) else "()"
        yield from _bracket(opening, [("", v) for v in value], closing)
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        yield f"{value.dtype}[{','.join(map(str, value.shape))}]"
    elif callable(value) and hasattr(value, "__name__"):
        yield value.__name__
    else:
        yield repr(value)


def _is_tree(value) -> bool:
    return isinstance(value, Module | dict | list | tuple) or hasattr(value, "shape")


def _bracket(opening, items, closing) -> Iterator[str]:
    if not items:
        yield opening + closing
        return
    yield opening
    for label, item in items:
        first, *rest = _describe(item)
        lines = [label + first, *rest]
        yield from ("  " + line for line in lines[:-1])
        yield "  " + lines[-1] + ","
    yield closing
