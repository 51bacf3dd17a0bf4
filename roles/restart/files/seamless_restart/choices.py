"""What an operator can choose where the service cannot be restarted unnoticed: each choice with its cost."""

from __future__ import annotations

from .settings import Settings


class RefusedError(Exception):
    """The service is not restarted; nothing that a client could notice has been done. The text says why.

    Attributes:
        left: Direct connections, or requests under way, at the limit.
        cut_helps: Whether `forced` would do what `seamless` cannot.
        plain_helps: The same of `plain`.
    """

    def __init__(self, why: str, *, left: int = 0, cut_helps: bool = True, plain_helps: bool = True) -> None:
        super().__init__(why)
        self.left = left
        self.cut_helps = cut_helps and plain_helps
        self.plain_helps = plain_helps


def choices(settings: Settings, refused: RefusedError) -> list[str]:
    """The settings that would go on, in the order of what they cost."""
    offered = []
    if refused.left:
        offered.append(
            f"restart_drain_limit above {settings.drain_limit:g} s, or a quieter time: it costs time; "
            "a client that sends nothing, or ignores `Connection: close`, keeps its connection all the same"
        )
    if refused.cut_helps and settings.how == "seamless":
        number = f"the {refused.left} that are left" if refused.left else "those open at that moment"
        offered.append(
            f"restart_strategy=forced: new connections wait and are not refused; {number} are cut: "
            "a request on one of them fails, and a POST may have been carried out although its client "
            "sees an error"
        )
    if refused.plain_helps:
        offered.append(
            "restart_strategy=plain: nothing is hidden; every open connection is cut, and until it serves "
            "again every request fails. Free for a node that is drained elsewhere, as by a load balancer"
        )
    return offered
