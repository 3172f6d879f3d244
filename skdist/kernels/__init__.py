# SPDX-License-Identifier: BSD-3-Clause
"""What one shard computes: pure functions of arrays."""
