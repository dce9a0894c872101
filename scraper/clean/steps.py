"""What each step of cleaning does, in the words that card, preview and story use."""

MEANING = {
    "same-place": "one record per address or post",
    "main-text": "what a site's other pages repeat left out of its pages",
    "encoding": "broken encodings undone, invisible filler removed",
    "white-space": "one kind of space, at most one empty line between two",
    "repeated-blocks": "lines that repeat in the files of a folder removed",
    "contact-data": "phone numbers and e-mail addresses masked or removed",
    "no-text": "records without any text dropped",
    "other-account": "posts by accounts that are not the brand's dropped",
    "sponsored": "advertising dropped",
    "shared": "posts that pass another post on dropped",
    "too-short": "texts with too few words dropped",
    "exact-duplicate": "one record per text, letter case and spacing aside",
    "near-duplicate": "texts that nearly repeat a longer one dropped",
    "description": "language told, files given a title",
}
"""By the name a step has in `clean/rejected.jsonl` and `clean/changes.jsonl`, in their order."""
