"""Finds faces: MTCNN by default, or YuNet from a file that the user downloads.

Nothing is imported here, so that ml.detection does not load a runtime by itself.
"""
