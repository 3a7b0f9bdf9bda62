"""Pauses of Python's garbage collector."""

import gc


def freeze_startup() -> None:
    """Take what starting has made out of the collector's sight.

    Modules, models and routes live as long as the process and are a few hundred thousand objects: a full
    collection that looks at each of them holds everybody up for 0.15 s. Called once, when all is composed.
    """
    gc.collect()
    gc.freeze()
