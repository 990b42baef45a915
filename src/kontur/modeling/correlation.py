"""Correlation of a picture's features with many templates: block by block in the frequency domain (overlap-save).

All blocks have one size, so the templates' spectra are computed once, whatever the size of the pictures; a block and the
spectra fit into the processor's cache, and blocks are shared out among threads.
"""

import cv2
import numba
import numpy as np
from numpy.typing import NDArray

from kontur.modeling.parallel import in_threads

Floats = NDArray[np.float32]

_BLOCK_TEMPLATES = 4
_LEAST_BLOCK = 96
"""Side of a block over side of the templates, and side of a block, at least: in smaller ones more is computed twice."""


class Correlator:
    """Templates, ready to be correlated with pictures.

    Attributes:
        size: side of the templates, odd.
    """

    def __init__(self, templates: Floats) -> None:
        """Take templates (K, C, size, size)."""
        self.size = templates.shape[-1]
        self._side = cv2.getOptimalDFTSize(max(_LEAST_BLOCK, _BLOCK_TEMPLATES * self.size))
        spectra = np.fft.rfft2(templates[..., ::-1, ::-1], (self._side, self._side))
        self._spectra = np.ascontiguousarray(spectra.astype(np.complex64))

    def correlate(self, features: Floats, pad: int) -> Floats:
        """Return (K, h + 2 pad, w + 2 pad) correlations of features (C, h, w) in a sea of zeros; `pad` <= size // 2."""
        half, step = self.size // 2, self._side - self.size + 1
        rows, columns = (side + 2 * pad for side in features.shape[1:])
        margin = half + pad
        down, right = (-(-side // step) * step - side for side in (rows, columns))
        wide = np.pad(features, ((0, 0), (margin, margin + down), (margin, margin + right)))
        out = np.empty((len(self._spectra), rows, columns), np.float32)
        corners = [(y, x) for y in range(0, rows, step) for x in range(0, columns, step)]
        in_threads(lambda corner: self._block(wide, *corner, out), corners)
        return out

    def _block(self, wide: Floats, y: int, x: int, out: Floats) -> None:
        """Correlate one block and write what does not wrap around."""
        side, skip = self._side, self.size - 1
        spectrum = np.fft.rfft2(wide[:, y : y + side, x : x + side], (side, side)).astype(np.complex64)
        product = np.empty((len(self._spectra), *spectrum.shape[1:]), np.complex64)
        flat = spectrum.reshape(len(spectrum), -1)
        _multiply(self._spectra.reshape(len(product), *flat.shape), flat, product.reshape(len(product), -1))
        values = np.fft.irfft2(product, (side, side))
        target = out[:, y : y + side - skip, x : x + side - skip]
        target[:] = values[:, skip : skip + target.shape[1], skip : skip + target.shape[2]]


@numba.njit(cache=True, nogil=True, fastmath=True)
def _multiply(spectra, spectrum, product):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Write the sum over channels of products: (K, C, P) times (C, P)."""
    for k in range(spectra.shape[0]):
        product[k] = spectra[k, 0] * spectrum[0]
        for c in range(1, spectrum.shape[0]):
            product[k] += spectra[k, c] * spectrum[c]
