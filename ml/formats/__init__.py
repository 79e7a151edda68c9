"""Recognises the formats of photos and reads their structure without decoding pixels."""

from ml.formats.recognition import FORMATS, OpenedFile, PhotoFormat, recognise

__all__ = ["FORMATS", "OpenedFile", "PhotoFormat", "recognise"]
