"""What is known of a block of pixels while it is drawn: rows of one flat array, BLOCK numbers apart.

The fixed distances let the compiler prove that a step's inputs and outputs do not overlap, so that it can use vector
instructions.
"""

BLOCK = 256
"""Greatest number of pixels of a block; its rows stay in the fastest cache."""

NX, NY, CHANGE, UPRIGHT = (row * BLOCK for row in range(4))
"""The surface's slope, how much it changes within a pixel, and the normal's z."""
X, Y, TX, TY, ALONG, ACROSS = (row * BLOCK for row in range(4, 10))
"""Place in the part's frame (mm), direction of the brushing in the plane's frame, texel of the streaks."""
TONE, ROUGH, SCRATCH, RUST, DIRT = (row * BLOCK for row in range(10, 15))
"""Factor of light, factor of roughness, extra highlight, share of rust, fine texture."""
LIT, SENT = 15 * BLOCK, 18 * BLOCK
"""Three rows each, B, G, R: irradiance over pi; what a perfect mirror would show, and then light sent to the camera."""

ROWS = 21
