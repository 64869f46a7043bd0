"""Tests of the benchmarks that judge, not only measure."""
