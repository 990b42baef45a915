"""Which picture each training crop is cut from: every picture serves several crops, spread over time, out of memory.

Rendering or reading a picture costs far more than cutting a crop from it, so each is used `per_picture` times. Crops in a
row come from different pictures, and the uses of one picture lie many steps apart. The plan depends on the crop's number
alone, so that a resumed training, or one with more loader processes, sees the same crops.

Batches take turns in `LANES` lanes with pictures of their own, so that loader processes whose number divides `LANES` have
none in common. In lane order, crop c is use `c % per_picture` of picture
`c // per_picture - gap * use`: one new picture every `per_picture` crops, and each of the others is `gap` pictures older.
With one crop per picture, crop i is cut from picture i.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kontur.data_preprocessing.sample import Sample

LANES = 8
MEMORY_BYTES = 256 * 2**20
"""What all pictures in memory may take together."""
_MOST_GAP = 8


@dataclass(frozen=True)
class Replay:
    """How pictures are used again.

    Attributes:
        per_picture: crops cut from each picture.
        gap: how many pictures of a lane are begun between two uses of one.
        batch_size: crops in a row that belong to one lane.
    """

    per_picture: int = 1
    gap: int = 1
    batch_size: int = 1

    @property
    def pictures_in_memory(self) -> int:
        """How many pictures all lanes together must hold for none to be made twice."""
        if self.per_picture == 1:
            return 1
        begun_in_a_batch = -(-self.batch_size // self.per_picture)
        return LANES * ((self.per_picture - 1) * self.gap + 1 + begun_in_a_batch)

    def picture_of(self, crop: int) -> int:
        """Return the number of the picture that a crop is cut from."""
        batch, place = divmod(crop, self.batch_size)
        turn, lane = divmod(batch, LANES)
        newest, use = divmod(turn * self.batch_size + place, self.per_picture)
        picture = newest - use * self.gap
        if picture < 0:  # at the beginning there are no older ones: those that are there take their place
            picture %= newest + 1
        turn, place = divmod(picture, self.batch_size)
        return (turn * LANES + lane) * self.batch_size + place


def plan_replay(per_picture: int, batch_size: int, sample: Sample) -> Replay:
    """Return a plan whose pictures, as large as `sample`, fit into `MEMORY_BYTES`, uses as far apart as that allows."""
    most = MEMORY_BYTES // (sample.image.nbytes + sample.ids.nbytes)
    plans = [Replay(per_picture, gap, batch_size) for gap in range(1, _MOST_GAP + 1)]
    return max((plan for plan in plans if plan.pictures_in_memory <= most), default=plans[0], key=lambda plan: plan.gap)


class Shelf:
    """Holds the latest things that were made, by number; the oldest is let go when there are too many."""

    def __init__(self, make: Callable[[int], Sample], most: int) -> None:
        self.most = most
        self._make = make
        self._held: dict[int, Sample] = {}

    def __getitem__(self, number: int) -> Sample:
        if number not in self._held:
            self._held[number] = self._make(number)
            if len(self._held) > self.most:
                del self._held[next(iter(self._held))]
        return self._held[number]
