"""A picture that is being decided on, and the two steps of every look at it: hypotheses are registered, and chosen among."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from kontur.geometry import Part
from kontur.modeling.coarse_pose import direction_field
from kontur.modeling.decide import DecisionOptions, decide
from kontur.modeling.detections import Detections, concatenate
from kontur.modeling.hearsay import against_names
from kontur.modeling.kin import Kin
from kontur.modeling.look_alikes import StandIns, alike, find_stand_ins, in_place_of
from kontur.modeling.parallel import in_threads
from kontur.modeling.plane import Plane
from kontur.modeling.proposals import Proposal
from kontur.modeling.refine import ROUNDS, RegistrationOptions, register
from kontur.modeling.views import Views
from kontur.pictures import Picture

TO_DECIDE = RegistrationOptions(rounds=(ROUNDS[0], ROUNDS[2]), rough_thinning=4, readings=(4, 2), contenders_only=True)
"""How what is proposed is registered: as far as it takes to decide."""
EVIDENCE = DecisionOptions(spacing_px=3.0, most_points=128)


class Relations(NamedTuple):
    """What is known of a part list before there is a picture.

    Attributes:
        parts: the list.
        stand_ins: see `look_alikes.find_stand_ins`.
        alike: (P, P) which are look-alikes, each of itself.
        kin: which have nearly one outline.
    """

    parts: tuple[Part, ...]
    stand_ins: StandIns
    alike: NDArray[np.bool_]
    kin: Kin


def relations_of(parts: Sequence[Part], faces: str) -> Relations:
    """Compare the parts of a list; `faces` is "up", or "both" where parts may lie face down."""
    stand_ins = find_stand_ins(parts, faces)
    return Relations(tuple(parts), stand_ins, alike(stand_ins), Kin(parts, stand_ins, faces))


@dataclass(frozen=True, eq=False)
class Inquiry:
    """A picture, and what is known and said of it.

    Attributes:
        views: of the picture.
        field: of its edges' directions, see `coarse_pose.direction_field`.
        said: by the network.
        relations: of the parts that may lie there.
    """

    views: Views
    field: NDArray[np.float32]
    said: Proposal
    relations: Relations

    def offered(
        self, aligned: Detections, plane: Plane | None = None, options: RegistrationOptions = TO_DECIDE
    ) -> Detections:
        """Register hypotheses, on a plane if that is told; add the look-alikes of each, in its pose."""
        known = plane if plane is not None and plane.log_scale is not None else None
        registered = register(self.views, aligned, self.relations.parts, options, known)
        return concatenate([registered, in_place_of(registered, self.relations.stand_ins)])

    def chosen(self, offered: Sequence[Detections]) -> Detections:
        """Choose among hypotheses by the picture, and among look-alikes by what the network says of them too."""
        pool = concatenate(offered)
        against = against_names(pool, self.said, self.relations.alike)
        return decide(self.views, pool, self.relations.parts, EVIDENCE, against)


def inquire(picture: Picture, said: Proposal, relations: Relations) -> Inquiry:
    """Begin with an (H, W, 3) uint8 BGR picture; the views that registration and decision look at first are made."""
    views, sigma, fields = Views(picture), TO_DECIDE.sigma_px, []
    views.reduced(TO_DECIDE.rounds[0].reduction)
    steps = (
        lambda: fields.append(direction_field(views)),
        lambda: views.background(sigma),
        lambda: [views.edges(sigma, step.reduction) for step in TO_DECIDE.rounds],
    )
    in_threads(lambda step: step(), steps)
    return Inquiry(views, fields[0], said, relations)
