"""The IEEE 11073 SDC door: metrics, alerts and waveforms of devices at the bedside."""
