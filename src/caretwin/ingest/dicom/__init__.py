"""DICOM files of a CT as one stack in Hounsfield units."""
