"""The lake: bronze files, the DuckLake catalogue over them, and reads as of any moment."""
