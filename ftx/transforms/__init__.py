"""transforms: function to function, by way of jaxpr to jaxpr.

Read in this order: calling, jvp, linearize, transpose, grad, vmap, jit, staged, scan, cond,
checkpoint, counted, repeated, while_loop, custom, pmap, then passes/.  Imports core only.
"""
