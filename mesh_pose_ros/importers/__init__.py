"""Networks made by others, turned into graphs and cards of this package."""
