"""The SDKs that people use against every upstream, and the matrix in docs/compatibility.md.

``scenarios`` says what is tried, ``clients`` how each SDK says it, ``upstreams`` who answers,
``report`` what the document looks like. ``python -m tests.sdk_matrix`` runs it all and writes the
document; the tests fail where the document says something else than the run.
"""
