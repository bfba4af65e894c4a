"""The HL7 v2 door: messages of a hospital over MLLP."""
