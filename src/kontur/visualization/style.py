"""One look for overlays, plots and pages: colours that stay apart for colour-blind eyes, stable per part."""

from kontur.modeling.detections import UNKNOWN

PALETTE = ("#FFB000", "#5CC0F5", "#00A77C", "#F7F27A", "#5B78FF", "#DD3F10", "#F5A3D3")
"""After Okabe and Ito (jfly.uni-koeln.de/color) without black: lightened to show on dark metal, and kept as far apart."""
UNKNOWN_COLOUR = "#C8C8C8"
GOOD, BAD, NEUTRAL, ACCENT = "#0072B2", "#D55E00", "#8A8F98", "#009E73"
"""Colours of meaning in plots: right, wrong, context, second series."""

_VARIANTS = (("#FFFFFF", 0.0), ("#FFFFFF", 0.5), ("#000000", 0.35))


def part_colour(index: int) -> str:
    """Return the colour of a part as `#RRGGBB`: the palette, then its lighter and its darker shades, then again."""
    if index == UNKNOWN:
        return UNKNOWN_COLOUR
    towards, amount = _VARIANTS[index // len(PALETTE) % len(_VARIANTS)]
    return mix(PALETTE[index % len(PALETTE)], towards, amount)


def mix(colour: str, towards: str, amount: float) -> str:
    """Return the colour `amount` (0..1) of the way from one `#RRGGBB` to another."""
    pairs = zip(_rgb(colour), _rgb(towards), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * amount):02X}" for a, b in pairs)


def bgr(colour: str) -> tuple[int, int, int]:
    """Return `#RRGGBB` as OpenCV's (blue, green, red)."""
    red, green, blue = _rgb(colour)
    return blue, green, red


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
