"""Look after look at a picture, until all that lies in it is decided on.

The first look takes what was proposed, on the plane that the picture's edges tell. What was accepted tells the plane better:
on it, places where nothing was accepted are looked at again, and then what the network says of the cells that nothing
explains (where parts lie on each other, the cells of one drown the votes of the other). Last come kin of what was accepted.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from kontur.modeling.aside import laid_aside
from kontur.modeling.coarse_pose import AGAIN, AROUND, align, plane_told_by_edges
from kontur.modeling.decide import decide, shared_plane
from kontur.modeling.detections import Detections, concatenate
from kontur.modeling.hearsay import vouched_for
from kontur.modeling.inquiry import EVIDENCE, Inquiry
from kontur.modeling.kin import SAME_PLACE_PX
from kontur.modeling.kin_looks import among_kin
from kontur.modeling.pile import stack_layers
from kontur.modeling.plane import Plane
from kontur.modeling.refine import RegistrationOptions, register

_TO_THE_END = RegistrationOptions(rounds=(), readings=(8, 4, 2))
_EXACTLY = RegistrationOptions(rounds=(), readings=(4, 2, 2, 1))
"""How what is accepted is registered at last, by the network alone, which is there to be quick, and beside others."""

_Look = Callable[[Inquiry, Detections, Plane], Detections]
"""From what was decided, and the plane that it tells, to more registered hypotheses."""


def look_until_decided(
    inquiry: Inquiry,
    px_per_mm: tuple[float, float],
    others: Sequence[Detections],
    left_by: Callable[[Detections], Detections],
) -> Detections:
    """Return all that the drawing accepts, scored by its evidence alone, in its order in the pile.

    Args:
        inquiry: the picture, and what the network says.
        px_per_mm: scales at which parts are sought.
        others: hypotheses of others, registered; with them there is time to read all points at last.
        left_by: returns what the network proposes for the cells that detections leave unexplained.
    """
    hypotheses, parts = inquiry.said.hypotheses, inquiry.relations.parts
    plane = plane_told_by_edges(inquiry.field, hypotheses, inquiry.said.places, parts, px_per_mm)
    offered = inquiry.offered(align(inquiry.field, hypotheses, parts, plane))
    decided = inquiry.chosen([offered, *others])
    looks: tuple[_Look, ...] = (_again, partial(_at_the_rest, left_by=left_by), _aside)
    for look in looks:
        further = look(inquiry, decided, shared_plane(decided))
        if len(further):
            offered, decided = concatenate([offered, further]), inquiry.chosen([decided, further])
    decided = among_kin(inquiry, decided, offered)
    vouched = vouched_for(decided, offered, parts)
    registered = register(inquiry.views, concatenate([decided, vouched]), parts, _EXACTLY if others else _TO_THE_END)
    sure = decide(inquiry.views, registered[: len(decided)], parts, EVIDENCE)
    return stack_layers(inquiry.views, concatenate([sure, registered[len(decided) :]]), parts)


def _again(inquiry: Inquiry, decided: Detections, plane: Plane) -> Detections:
    """Offer again, on the plane that others have told, what was proposed where nothing was accepted."""
    hypotheses = inquiry.said.hypotheses
    apart = np.linalg.norm(hypotheses.uv[:, None] - decided.uv[None], axis=2)
    doubtful = hypotheses[np.flatnonzero(apart.min(axis=1, initial=np.inf) > SAME_PLACE_PX)]
    if plane.log_scale is None or len(doubtful) == 0:
        return decided[:0]
    return inquiry.offered(align(inquiry.field, doubtful, inquiry.relations.parts, plane, AGAIN), plane)


def _at_the_rest(
    inquiry: Inquiry, decided: Detections, plane: Plane, left_by: Callable[[Detections], Detections]
) -> Detections:
    """Offer what the network says of the cells that nothing explains."""
    left = decided[:0] if plane.log_scale is None else left_by(decided)
    if len(left) == 0:
        return left
    return inquiry.offered(align(inquiry.field, left, inquiry.relations.parts, plane, AROUND), plane)


def _aside(inquiry: Inquiry, decided: Detections, plane: Plane) -> Detections:
    """Offer rings beside those that few edges support."""
    aside = laid_aside(decided, inquiry.relations.parts)
    return inquiry.offered(aside.scored(np.zeros(len(aside))), plane) if len(aside) else aside
