"""Word lists as people write them: rows of text, words parted by spaces. Pure."""


def word_set(*rows: str) -> frozenset[str]:
    """The words of all rows."""
    return frozenset(word for row in rows for word in row.split())


def word_pairs(*rows: str) -> dict[str, str]:
    """Pairs written `给>向`; the last one of a word counts."""
    return {pair.partition(">")[0]: pair.partition(">")[2] for row in rows for pair in row.split()}
