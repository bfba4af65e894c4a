"""The WFDB door: numerics and waveforms of PhysioNet records."""
