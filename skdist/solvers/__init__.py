# SPDX-License-Identifier: BSD-3-Clause
"""One distributed algorithm per file, a function named after it."""
