"""A function and many items in, its results in the same order out, from one process or several, here or on a cluster."""
from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, TypeVar

from agir_plugin.errors import AgirError, UsageError

#: Where work can be done besides this machine's own processes -> the package that it needs.
CLUSTERS = {"ray": "ray", "dask": "distributed"}
#: Names of all backends; `processes` are joblib's own on this machine.
BACKENDS = ("processes", *CLUSTERS)
#: Items in flight per worker on a cluster; results come back after each round, so that a kill loses at most these.
ROUND = 32

Item, Result = TypeVar("Item"), TypeVar("Result")


def in_order(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int = 1, backend: str = "processes"
) -> Iterator[Result]:
    """`function` of each item, in the items' order, by `workers` processes at once; results are not piled up.

    `backend` is "processes" (joblib on this machine), or "ray" or "dask" for a cluster: the one that RAY_ADDRESS or
    DASK_SCHEDULER_ADDRESS names, else one that is started on this machine. What `function` raises is raised here.
    UsageError for an unknown backend or one that is not installed.
    """
    if backend not in BACKENDS:
        raise UsageError(f"expected a backend out of {', '.join(BACKENDS)}, got {backend!r}")
    if backend != "processes":
        if find_spec(CLUSTERS[backend]) is None:
            raise UsageError(
                f"--backend {backend}: expected the package {CLUSTERS[backend]}, but it is not installed; run `pip install "
                f"agir-plugin[{backend}]`"
            )
        return _on_cluster(function, items, workers, backend)
    if workers == 1 or len(items) < 2:
        return map(function, items)
    return _by_processes(function, items, workers)


def _by_processes(function: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Iterator[Result]:
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import BrokenProcessPool

    try:
        yield from Parallel(n_jobs=workers, return_as="generator")(delayed(function)(item) for item in items)
    except BrokenProcessPool:
        raise AgirError(
            f"one of the {workers} worker processes was ended from outside, most often because memory ran out; what is done is "
            "kept: run the same command again to go on, with fewer --workers"
        ) from None


def _on_cluster(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, backend: str
) -> Iterator[Result]:
    from joblib import Parallel, delayed, parallel_config

    cluster = _ray(workers) if backend == "ray" else _dask(workers)
    with cluster, parallel_config(backend=backend, n_jobs=workers):
        for start in range(0, len(items), ROUND * workers):
            yield from Parallel()(delayed(function)(item) for item in items[start : start + ROUND * workers])


@contextmanager
def _ray(workers: int) -> Iterator[Any]:
    """Ray, joined where the environment or the caller has it running, else started here and stopped again."""
    import os

    import ray
    from ray.util.joblib import register_ray

    started = not ray.is_initialized()
    if started:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Ray would report its use to its makers
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        ray.init(log_to_driver=False, **local)
    register_ray()
    try:
        yield ray
    finally:
        if started:
            ray.shutdown()


@contextmanager
def _dask(workers: int) -> Iterator[Any]:
    """A Dask client of the scheduler that the environment names, else of one that is started here."""
    import os

    from distributed import Client

    address = os.environ.get("DASK_SCHEDULER_ADDRESS")
    local = {} if address else {"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None}
    with Client(address, **local) as client:
        yield client
