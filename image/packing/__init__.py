"""From a folder with a root file system to files that can be flashed. No root, no loop devices."""
