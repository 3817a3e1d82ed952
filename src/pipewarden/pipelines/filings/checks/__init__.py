"""What the gate asks of a filing, in four categories; thresholds stand in ``gate.yaml``."""
