# SPDX-License-Identifier: BSD-3-Clause
"""In which order the gallery shows its examples, and how strictly it runs them."""

import warnings

# What is not named here comes last, by name.
ORDER = [
    "plot_number_of_shards.py",
    "plot_decision_boundaries.py",
    "plot_rounds_of_averaging.py",
    "plot_solvers.py",
    "plot_sorted_shards.py",
    "plot_bytes_and_accuracy.py",
    "plot_averaged_conv_net.py",
    "plot_cascade.py",
    "plot_merge_sites.py",
    "plot_forest_in_place.py",
    "plot_outliers_of_a_site.py",
    "plot_killed_worker.py",
    "plot_what_happened.py",
    "plot_scaling.py",
    "plot_grid_search.py",
    "plot_pipeline_on_partitions.py",
]


class InOrder:
    """Sort key of sphinx-gallery: the list above, then what is not in it by name."""

    def __init__(self, src_dir):
        self.src_dir = src_dir

    def __call__(self, filename):
        return (ORDER.index(filename) if filename in ORDER else len(ORDER), filename)

    def __repr__(self):
        return "InOrder"


def warnings_are_errors(gallery_conf, filename):
    """Before each example: a warning that it does not expect is an error."""
    warnings.resetwarnings()
    warnings.simplefilter("error")
    # As an exception this one would end the thread that says so, which everybody waits for.
    warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given")
