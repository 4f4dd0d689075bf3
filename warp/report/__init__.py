"""Turn results into pictures, pages, tables and files for other programs."""
