"""The DICOM door: CT of the chest, sent (C-STORE) or laid in a folder."""
