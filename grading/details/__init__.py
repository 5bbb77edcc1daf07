"""Study details, read from title, abstract and metadata."""
