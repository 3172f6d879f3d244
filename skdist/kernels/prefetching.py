# SPDX-License-Identifier: BSD-3-Clause
"""Ask for what will be read soon."""

from typing import Any

from numba.core import cgutils, types
from numba.extending import intrinsic


@intrinsic
def prefetch(typingctx: Any, array: Any, index: Any) -> Any:
    """Have the cache line of ``array[index]``, `index` a tuple of int64, fetched meanwhile.

    Rows that are visited in random order come from memory one by one; asked for some rows ahead,
    they come while others are computed with.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        data = context.make_array(kind)(context, builder, arguments[0])
        where = [cgutils.unpack_tuple(builder, part) for part in (data.shape, data.strides)]
        at = cgutils.unpack_tuple(builder, arguments[1])
        address = cgutils.get_item_pointer2(
            context, builder, data.data, *where, kind.layout, at, wraparound=False
        )
        ir = cgutils.ir  # llvmlite's, which numba is built on
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        hint = cgutils.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0i8")
        to_read, keep, of_data = number(0), number(3), number(1)
        builder.call(hint, [builder.bitcast(address, byte), to_read, keep, of_data])
        return context.get_dummy_value()

    return types.void(array, index), generate
