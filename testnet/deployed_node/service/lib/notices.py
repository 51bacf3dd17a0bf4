"""What the service tells its journal. The folder is on the path by the unit's PYTHONPATH alone."""


def tell(text: str) -> None:
    """Say something that an operator may want to know."""
    print(text, flush=True)
