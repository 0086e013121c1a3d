"""Published data sets in and out: VITON-HD and DressCode trees become inputs and artefacts, and artefacts become such trees."""
