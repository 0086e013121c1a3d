"""A geometric preview: warp, shade, layer. No weights, CPU, a fraction of a second."""
