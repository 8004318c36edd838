"""One line of the verdict."""

from dataclasses import dataclass, field


@dataclass
class Check:
    """Passes where there are no problems. `note` says how many things were looked at, or such."""

    name: str
    problems: list = field(default_factory=list)
    note: str = ""

    @property
    def passes(self):
        return not self.problems
