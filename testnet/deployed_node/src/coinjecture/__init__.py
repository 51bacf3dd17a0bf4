"""The node's own package of this name: it stands first on the path of a program that is started here."""
