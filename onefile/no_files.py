"""In place of importlib._bootstrap_external, which finds modules in files: here no module comes from a file.

CPython's start calls `_install`, which would put finders of files into sys.meta_path and sys.path_hooks. What else the
standard library asks of it (inspect does, which click imports) is taken from the original, by another name."""


def _install(_bootstrap: object) -> None:
    """Nothing: the finders of built-in and of frozen modules are there already."""


def _set_bootstrap_module(_bootstrap: object) -> None:
    """Called where importlib is imported; `_install` came before."""


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    import _frozen_importlib

    import _original_bootstrap_external as original  # type: ignore[import-not-found] # frozen.py gives it this name

    original._set_bootstrap_module(_frozen_importlib)
    return getattr(original, name)
