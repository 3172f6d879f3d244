# SPDX-License-Identifier: BSD-3-Clause
"""Pieces of rows that stay in the processor's registers while much is added to them.

A compiled loop that adds many rows to one reads and writes the one again for every few of them. A
piece is a value, as a number is: what is added to it meets memory once, where it is stored. LLVM
makes of it as many registers as it takes.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from numba import config, types
from numba.core import cgutils, codegen
from numba.extending import intrinsic, models, register_model

ir = cgutils.ir  # llvmlite's, which numba is built on
ROUNDED_ONCE = ("contract",)  # x y + z is


def _widest() -> int:
    """Bytes of half the registers there are: the other half is for what is added."""
    told = config.CPU_FEATURES
    features = codegen.get_host_cpu_features() if told is None else told
    return 1024 if "+avx512f" in features else 256


WIDEST = _widest()


class Piece(types.Type):
    """`n` neighbours in a row."""

    def __init__(self, dtype: Any, n: int) -> None:
        self.dtype, self.n = dtype, n
        super().__init__(name=f"Piece({dtype}, {n})")


@register_model(Piece)
class PieceModel(models.PrimitiveModel):
    """A piece is a vector of LLVM's."""

    def __init__(self, manager: Any, kind: Piece) -> None:
        number = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(number, kind.n))


def _address(context: Any, builder: Any, kind: Any, array: Any, at: Any, vector: Any) -> Any:
    """Where a piece begins in an array."""
    array = context.make_array(kind)(context, builder, array)
    wide = [builder.sext(i, ir.IntType(64)) if i.type.width < 64 else i for i in at]
    place = cgutils.get_item_pointer(context, builder, kind, array, wide, wraparound=False)
    return builder.bitcast(place, vector.as_pointer())


class Pieces(NamedTuple):
    """What there is to do with pieces of a size, in compiled functions."""

    load: Callable[..., Any]  # (A, at) -> the piece of A that begins at the tuple `at`
    store: Callable[..., Any]  # (piece, A, at)
    times: Callable[..., Any]  # (piece, x) -> x times it
    plus: Callable[..., Any]  # (piece, piece) -> their sum


def pieces_of(n_bytes: int) -> Pieces:
    """The operations on pieces of `n_bytes`."""

    @intrinsic
    def load(typingctx: Any, A: Any, at: Any) -> Any:
        kind = Piece(A.dtype, n_bytes // (A.dtype.bitwidth // 8))

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            vector = context.get_value_type(kind)
            where = cgutils.unpack_tuple(builder, arguments[1])
            place = _address(context, builder, A, arguments[0], where, vector)
            return builder.load(place, align=A.dtype.bitwidth // 8)

        return kind(A, at), generate

    @intrinsic
    def store(typingctx: Any, piece: Any, A: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            where = cgutils.unpack_tuple(builder, arguments[2])
            place = _address(context, builder, A, arguments[1], where, arguments[0].type)
            builder.store(arguments[0], place, align=A.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(piece, A, at), generate

    return Pieces(load, store, _times, _plus)


@intrinsic
def _times(typingctx: Any, piece: Any, x: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector, number = arguments[0].type, ir.IntType(32)
        nothing = ir.Constant(vector, ir.Undefined)
        first = builder.insert_element(nothing, arguments[1], number(0))
        everywhere = ir.Constant(ir.VectorType(number, vector.count), None)
        spread = builder.shuffle_vector(first, nothing, everywhere)
        return builder.fmul(arguments[0], spread, flags=ROUNDED_ONCE)

    return piece(piece, piece.dtype), generate


@intrinsic
def _plus(typingctx: Any, piece: Any, other: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.fadd(*arguments, flags=ROUNDED_ONCE)

    return piece(piece, piece), generate
