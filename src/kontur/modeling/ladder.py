"""How coarsely a picture is searched: the larger it is, the coarser its top level.

A class of parts of similar size has a ladder of banks. The finest one finds most in clutter; a picture of many megapixels
would take too long with it, so there the first rung whose edge field is small enough is used. Banks and what the search
prepares of them are made when the first picture needs them.
"""

from collections.abc import Callable

from kontur.modeling.coarse_search import Searcher
from kontur.modeling.templates import BankOptions, TemplateBank

RUNGS: tuple[tuple[float, dict[str, float]], ...] = (
    (0.7e6, {}),
    (1.6e6, {"radius_cells": 8.0}),
    (1.6e6, {"radius_px": 32.0, "radius_cells": 8.0}),
    (1.6e6, {"radius_px": 24.0, "radius_cells": 6.0}),
    (float("inf"), {"radius_px": 16.0, "radius_cells": 6.0}),
)
"""Most px of the edge field that a rung is used for, and how its bank differs from the finest one."""

Build = Callable[[BankOptions], TemplateBank]


class Ladder:
    """The banks of one class of parts.

    Attributes:
        finest: the bank that small pictures are searched with.
    """

    def __init__(self, finest: TemplateBank, largest_px: float, options: BankOptions, build: Build | None) -> None:
        """Take the finest bank and what makes coarser ones.

        Args:
            finest: made with `options`.
            largest_px: radius of the largest part at the largest scale.
            options: of the finest bank.
            build: makes a bank; None to search all pictures with the finest.
        """
        self.finest = finest
        self._largest_px, self._options, self._build = largest_px, options, build
        self._made: dict[BankOptions, tuple[TemplateBank, Searcher]] = {}

    def rung_for(self, size_wh: tuple[int, int]) -> tuple[TemplateBank, Searcher]:
        """Return the bank for pictures of a size, ready to be searched for."""
        options = self._options if self._build is None else self._options_for(size_wh[0] * size_wh[1])
        if options not in self._made:
            bank = self.finest if self._build is None or options == self._options else self._build(options)
            self._made[options] = bank, Searcher(bank)
        return self._made[options]

    def _options_for(self, pixels: int) -> BankOptions:
        for most, changes in RUNGS:
            options = self._options.coarser(**changes)
            if pixels / options.reduction(self._largest_px) ** 2 <= most:
                return options
        return options
