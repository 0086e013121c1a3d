"""Reading and writing the folders of the GS-VITON demo (docs/facts/gs_viton_folder.md)."""
