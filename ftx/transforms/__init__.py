"""transforms: function to function, by way of jaxpr to jaxpr.

Read in this order: calling, jvp, linearize, transpose, grad, vmap, jit, control_flow, custom,
checkpoint, pmap, then passes/.  Imports core only.
"""
