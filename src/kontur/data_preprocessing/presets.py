"""Named settings that a workspace may ask for with one key: each names only what it changes."""

from typing import Any

PRESETS: dict[str, dict[str, dict[str, Any]]] = {
    "none": {},
    "conveyor": {
        "background": {"kinds": {"conveyor": 3.0, "plain": 1.0, "noise": 1.0, "felt": 1.0}, "pictures": 0.1},
        "lens": {"motion": 0.5, "motion_px": (0.5, 5.0), "motion_deg": (0.0, 0.0)},
        "camera": {"tilt_deg": (0.0, 2.0)},
        "scene": {"pile": 0.1},
    },
    "bench": {
        "background": {"kinds": {"wood": 3.0, "cardboard": 1.0, "concrete": 1.0, "grid_mat": 1.0, "clutter": 1.0}},
        "scene": {"distractors": 0.7},
        "camera": {"tilt_deg": (0.0, 8.0)},
    },
    "lightbox": {
        "background": {"kinds": {"plain": 1.0}, "albedo": (0.7, 0.9), "contrast": (0.0, 0.05), "pictures": 0.0},
        "light": {"sky": (0.7, 1.0), "size_deg": (25.0, 45.0)},
        "scene": {"distractors": 0.0},
        "sensor": {"exposure": (0.4, 0.75), "highlights": (0.8, 2.0)},
    },
    "backlight": {
        "background": {"kinds": {"plain": 1.0}, "albedo": (0.7, 1.0), "saturation": (0.0, 0.1), "pictures": 0.0},
        "sensor": {"exposure": (0.4, 0.9), "highlights": (1.0, 4.0)},
        "light": {"from_below": 1.0, "lamps": (0, 1), "sky": (0.0, 0.2)},
        "scene": {"distractors": 0.1},
    },
    "hard": {
        "scene": {"pile": 0.6, "distractors": 0.9, "border": 0.4},
        "background": {"camouflage": 0.4, "pictures": 0.4},
        "materials": {"scratches": (0.2, 0.9), "stains": (0.2, 0.9), "rust": (0.0, 0.8)},
        "lens": {"blur_px": (0.5, 1.8), "motion": 0.2, "chromatic": 0.4},
        "sensor": {"exposure": (0.03, 0.6), "full_well_e": (1000.0, 8000.0), "jpeg_quality": (50, 90)},
    },
}
"""Preset, section, key: the values laid over those of the file."""
