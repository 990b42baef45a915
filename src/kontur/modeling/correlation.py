"""Correlation of a picture's features with many templates: in the frequency domain, block by block (overlap-save).

A small picture is one block, so nothing is computed twice; a large one is cut into blocks of one size, whose spectra take
little memory. The spectra of the templates are kept for the sizes of block that were used last:
pictures tend to come in one size. Templates are shared out among threads.

Spectra of real images are kept as OpenCV packs them: in a row the real part at frequency 0, then real and imaginary parts in
turn, at last the real part at the highest frequency; the first and last column are packed in the same way downwards.
"""

from functools import lru_cache

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.edge_field import CHANNELS
from kontur.modeling.parallel import in_threads, pieces

Floats = NDArray[np.float32]

_BLOCK_TEMPLATES = 4
_LEAST_BLOCK = 96
"""Side of a block over side of the templates, and side of a block, at least: in smaller ones more is computed twice."""
_MOST_SPECTRA = 16_000_000
"""The whole picture is one block while the spectra of all templates have no more numbers than this."""
_KEPT_SIZES = 2
_FEWEST_AT_ONCE = 4
"""Templates that are worth a thread."""


class Correlator:
    """Templates, ready to be correlated with pictures.

    Attributes:
        size: side of the templates, odd.
    """

    def __init__(self, templates: Floats) -> None:
        """Take templates (K, CHANNELS, size, size)."""
        self.size = templates.shape[-1]
        self._templates = templates
        self._spectra = lru_cache(maxsize=_KEPT_SIZES)(self._transform)

    def correlate(self, features: Floats, pad: int) -> Floats:
        """Return (K, h + 2 pad, w + 2 pad) correlations of features (CHANNELS, h, w) in a sea of zeros.

        `pad` is at most size // 2.
        """
        shape = tuple(side + 2 * pad for side in features.shape[1:])
        block = self._block_shape(*shape)
        margin, step = self.size // 2 + pad, [side - self.size + 1 for side in block]
        beyond = [-(-side // by) * by - side for side, by in zip(shape, step, strict=True)]
        wide = np.pad(features, ((0, 0), *((margin, margin + more) for more in beyond)))
        corners = [(y, x) for y in range(0, shape[0], step[0]) for x in range(0, shape[1], step[1])]
        spectra = self._spectra(*block)
        out = np.empty((len(spectra), *shape), np.float32)

        def work(some: slice) -> None:
            """Correlate some of the templates."""
            for y, x in corners:
                spectrum = _transforms(wide[:, y : y + block[0], x : x + block[1]])
                _correlate_block(spectra[some], spectrum, self.size - 1, out[some, y : y + step[0], x : x + step[1]])

        in_threads(work, pieces(len(spectra), _FEWEST_AT_ONCE))
        return out

    def _block_shape(self, rows: int, columns: int) -> tuple[int, int]:
        """Return the size of the blocks: all at once, or squares of a side that does not depend on the picture."""
        whole = [_good_side(side + self.size - 1) for side in (rows, columns)]
        if whole[0] * whole[1] * self._templates[..., 0, 0].size <= _MOST_SPECTRA:
            return whole[0], whole[1]
        return (_good_side(max(_LEAST_BLOCK, _BLOCK_TEMPLATES * self.size)),) * 2

    def _transform(self, rows: int, columns: int) -> Floats:
        """Return (K, CHANNELS, rows, columns) spectra of the templates."""
        spectra = np.zeros((*self._templates.shape[:2], rows, columns), np.float32)
        spectra[..., : self.size, : self.size] = self._templates[..., ::-1, ::-1]

        def work(some: slice) -> None:
            """Transform some of them."""
            for image in spectra[some].reshape(-1, rows, columns):
                cv2.dft(image, image)

        in_threads(work, pieces(len(spectra), _FEWEST_AT_ONCE))
        return spectra


def _good_side(least: int) -> int:
    """Return an even side, not less, that transforms are quick for."""
    side = cv2.getOptimalDFTSize(least)
    return side if side % 2 == 0 else _good_side(side + 1)


def _transforms(images: Floats) -> Floats:
    """Return (CHANNELS, h, w) packed spectra of images of the same shape."""
    return np.stack([cv2.dft(np.ascontiguousarray(image)) for image in images])


def _correlate_block(spectra: Floats, spectrum: Floats, skip: int, out: Floats) -> None:
    """Write correlations (K, h, w) of one block, the part of it that does not wrap around."""
    product, values = np.empty(spectrum.shape[1:], np.float32), np.empty(spectrum.shape[1:], np.float32)
    rows, columns = (slice(skip, skip + side) for side in out.shape[1:])
    for k in range(len(out)):
        _multiply(spectra[k], spectrum, product)
        cv2.idft(product, values, flags=cv2.DFT_SCALE)
        out[k] = values[rows, columns]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _multiply(spectra, spectrum, product):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the sum over channels of the products of packed spectra, (CHANNELS, h, w) float32 each, h and w even."""
    height, width = product.shape
    for y in range(height):
        for i in range(1, width - 1, 2):
            real, imaginary = np.float32(0), np.float32(0)
            for c in range(CHANNELS):
                a, b, p, q = spectra[c, y, i], spectra[c, y, i + 1], spectrum[c, y, i], spectrum[c, y, i + 1]
                real += a * p - b * q
                imaginary += a * q + b * p
            product[y, i], product[y, i + 1] = real, imaginary
    for x in (0, width - 1):
        for y in (0, height - 1):
            product[y, x] = 0
            for c in range(CHANNELS):
                product[y, x] += spectra[c, y, x] * spectrum[c, y, x]
        for i in range(1, height - 1, 2):
            real, imaginary = np.float32(0), np.float32(0)
            for c in range(CHANNELS):
                a, b, p, q = spectra[c, i, x], spectra[c, i + 1, x], spectrum[c, i, x], spectrum[c, i + 1, x]
                real += a * p - b * q
                imaginary += a * q + b * p
            product[i, x], product[i + 1, x] = real, imaginary
