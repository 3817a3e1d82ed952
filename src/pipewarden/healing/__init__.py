"""The closed loop as one resumable state machine: decide, retrain, prove, promote, verify, undo."""
