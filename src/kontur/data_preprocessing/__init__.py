"""Parts to labelled pictures: scenes, rendering, data sets and their annotations."""
