"""How fast Assay is, against whom: ratios to a peer measured in the same run (docs/reference/benchmarks.md)."""
