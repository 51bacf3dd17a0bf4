"""Names that other programs of this folder share."""

BlockHash = str
