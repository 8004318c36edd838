"""The result of one check."""

from dataclasses import dataclass, field


@dataclass
class Check:
    """Passes if there are no problems. `note` describes what was checked, such as the number of users."""

    name: str
    problems: list = field(default_factory=list)
    note: str = ""

    @property
    def passes(self):
        return not self.problems
