"""The gates: is a forecaster good and honest, and should it replace the deployed one now."""
