"""Plants: trouble put into a simulated world on a known day, so that what looks for it can be tested."""
