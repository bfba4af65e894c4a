"""The doors of whole research folders: CLIF and MEDS."""
