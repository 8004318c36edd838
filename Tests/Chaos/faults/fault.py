"""What all faults have in common."""


class FaultFailed(Exception):
    """The fault could not be injected, or had no effect."""


class Fault:
    """A fault that lasts for some seconds. It ends in a `finally`, and what it has changed is undone by then."""

    name = ""
    # Whether a mail may be sent twice, because the mail server's answer or its record may be lost.
    may_repeat_mails = False

    def may_kill(self, process):
        """Whether a process may be killed while the fault lasts."""
        return False

    def inject(self, wait):
        """Injects the fault and ends it. `wait(seconds)` returns earlier if the test ends. Raises FaultFailed."""
        raise NotImplementedError


def require(condition, problem):
    """Raises FaultFailed unless the fault had the effect that the condition describes."""
    if not condition:
        raise FaultFailed(problem)
