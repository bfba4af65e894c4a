"""The FHIR R4 door: resources sent here, or pulled from a server."""
