"""core: what a program is.

Read in this order: types, dtypes, jaxpr, primitive, tracing, evaluate, array, check, printing,
tree, backend, then primitives/.  This folder imports no other part of ftx.
"""
