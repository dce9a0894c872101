"""The files of `dataset/`, by name; knowing them takes no heavy import."""

CARD = "README.md"
STATISTICS = "statistics.json"
PREVIEW = "preview.html"
DATASET_FILES = (
    CARD,
    STATISTICS,
    PREVIEW,
    "dataset_dict.json",
    *(
        f"{split}/{name}"
        for split in ("train", "validation", "test")
        for name in ("data-00000-of-00001.arrow", "dataset_info.json", "state.json")
    ),
)
"""All that a whole one holds beside its manifest; see `table.save` for the splits' own."""
