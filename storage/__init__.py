"""Storage: keeps articles and grades, their history, and answers searches."""
