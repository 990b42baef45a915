"""What is known of a block of pixels while it is drawn: rows of one flat array, BLOCK numbers apart.

A block is a tile of the picture, row after row. Its fixed size and the fixed distances let the compiler unroll every step
into vector instructions and prove that a step's inputs and outputs do not overlap.
"""

import numpy as np

TILE = 8
"""Side of a tile, px."""
BLOCK = TILE * TILE
"""Pixels of a block; its rows stay in the fastest cache."""
COLUMN = np.tile(np.arange(TILE, dtype=np.float32), TILE)
ROW = np.repeat(np.arange(TILE, dtype=np.float32), TILE)
"""Place of each pixel in its tile."""

MM, GX, GY = (row * BLOCK for row in range(3))
"""Signed distance to the top face's outline, mm, and how it changes with a step of the template."""
ALL, ALL_X, ALL_Y = (row * BLOCK for row in range(3, 6))
"""The same to the silhouette's, walls included."""
NX, NY, CHANGE, UPRIGHT = (row * BLOCK for row in range(6, 10))
"""The surface's slope, how much it changes within a pixel, and the normal's z."""
X, Y, TX, TY, ALONG, ACROSS = (row * BLOCK for row in range(10, 16))
"""Place in the part's frame (mm), direction of the brushing in the plane's frame, texel of the streaks."""
TONE, ROUGH, SCRATCH, RUST, DIRT = (row * BLOCK for row in range(16, 21))
"""Factor of light, factor of roughness, extra highlight, share of rust, fine texture."""
LIT, SENT = 21 * BLOCK, 24 * BLOCK
"""Three rows each, B, G, R: irradiance over pi; what a perfect mirror would show, and then light sent to the camera."""
FX, FY = 27 * BLOCK, 28 * BLOCK
"""Place between four elements of a template."""

ROWS = 29
INDEX, FOUND = 0, BLOCK
"""Rows of the whole numbers: where to look in a table, and what was found there: one or two numbers for each pixel."""
WHOLES = 3
