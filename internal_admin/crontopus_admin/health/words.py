"""Figures in words."""


def ago(seconds: float) -> str:
    """A length of time in its two largest units: `2 h 3 min`."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        amount, rest = divmod(rest, size)
        if amount or (name == "s" and not parts):
            parts.append(f"{amount} {name}")
        elif parts:
            break
    return " ".join(parts[:2])


def size(amount: float) -> str:
    """Bytes in the largest unit that leaves a number of at least one."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def number(amount: int) -> str:
    return f"{amount:,}"
