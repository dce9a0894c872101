"""From records to a data set: splits, files, card, statistics, preview, and the way to the hub."""
