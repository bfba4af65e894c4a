"""The bedside: lungs, gases, circulation, glucose, kidney; each part by itself and all of them together."""
