import numpy as np
from generator_parts import bracket, plate, star, washer

from kontur.data_preprocessing.faces import mirror_conflicts
from kontur.geometry import Contour, make_part, turn_matrix


def test_a_mirrored_twin_is_a_conflict():
    assert mirror_conflicts([bracket(), plate(), bracket("twin", mirrored=True)]) == [("bracket", "twin")]


def test_a_twin_drawn_at_another_angle_is_a_conflict_too():
    twin = bracket("twin", mirrored=True)
    turned = [Contour(contour.points @ turn_matrix(1.234).T) for contour in twin.contours]
    assert mirror_conflicts([bracket(), make_part("turned", turned[0], tuple(turned[1:]))]) == [("bracket", "turned")]


def test_look_alikes_that_differ_are_none():
    assert mirror_conflicts([bracket(), plate(4), plate(3), washer(), star(9), star(10)]) == []


def test_the_same_chiral_part_twice_is_none():
    assert mirror_conflicts([bracket("a"), bracket("b")]) == []


def test_a_small_difference_counts():
    twin = bracket("twin", mirrored=True)
    grown = twin.outer.points.copy()
    grown[np.argmax(grown[:, 1])] += (0.0, 1.5)
    assert mirror_conflicts([bracket(), make_part("grown", Contour(grown), twin.holes)]) == []
