"""What the steps of finding parts look at: a picture, and what is made of it once for all of them."""

from kontur.modeling.edge_field import Floats, edge_field, field_tiles, smoothed_field
from kontur.modeling.edges import EdgePicture, edge_picture, edges_of
from kontur.modeling.evidence import Background, background_of
from kontur.modeling.smoothing import is_large, reduced
from kontur.modeling.tiles_on_demand import Tiles
from kontur.pictures import Picture


class Views:
    """A picture with its reduced and edge pictures, edge fields and background, each made when first asked for.

    Attributes:
        picture: (H, W, 3) uint8; it must not change while its views are in use.
    """

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._reduced: dict[int, Picture] = {}
        self._edges: dict[tuple[float, int], EdgePicture] = {}
        self._fields: dict[int, Floats] = {}
        self._smooth: dict[tuple[int, float], Tiles] = {}
        self._field_tiles: dict[int, Tiles] = {}
        self._backgrounds: dict[float, Background] = {}

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height of the picture."""
        return self.picture.shape[1], self.picture.shape[0]

    def reduced(self, reduction: int) -> Picture:
        """Return the picture reduced by area average, see `smoothing.reduced`."""
        if reduction not in self._reduced:
            self._reduced[reduction] = reduced(self.picture, reduction)
        return self._reduced[reduction]

    def edges(self, sigma_px: float, reduction: int = 1) -> EdgePicture:
        """Return the picture smoothed for edge detection, see `edges.edge_picture`."""
        key = sigma_px, reduction
        if key not in self._edges:
            large = is_large(self.picture, reduction)
            self._edges[key] = (
                edge_picture(self.picture, sigma_px, reduction)
                if large
                else edges_of(self.reduced(reduction), sigma_px, reduction)
            )
        return self._edges[key]

    def field(self, reduction: int) -> Floats:
        """Return the edge field, see `edge_field.edge_field`."""
        if reduction not in self._fields:
            self._fields[reduction] = edge_field(self.picture, reduction)
        return self._fields[reduction]

    def smooth_field(self, reduction: int, sigma_px: float) -> Tiles:
        """Return the edge field smoothed by a Gaussian, where it is asked for."""
        key = reduction, sigma_px
        if key not in self._smooth:
            self._smooth[key] = smoothed_field(self._field_or_tiles(reduction), sigma_px)
        return self._smooth[key]

    def _field_or_tiles(self, reduction: int) -> Floats | Tiles:
        """Return the edge field; tiles of it when the picture is large and nothing has needed the whole."""
        if reduction in self._fields or not is_large(self.picture, reduction):
            return self.field(reduction)
        if reduction not in self._field_tiles:
            self._field_tiles[reduction] = field_tiles(self.picture, reduction)
        return self._field_tiles[reduction]

    def background(self, sigma_px: float) -> Background:
        """Return what edges are like where nothing is sought, see `evidence.background_of`."""
        if sigma_px not in self._backgrounds:
            self._backgrounds[sigma_px] = background_of(self.edges(sigma_px))
        return self._backgrounds[sigma_px]


def views_of(picture: Picture | Views) -> Views:
    """Return the views of a picture; those that are given, when some are."""
    return picture if isinstance(picture, Views) else Views(picture)
