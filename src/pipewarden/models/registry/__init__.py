"""The registry as a projection: MLflow shows what the state database says, and never decides."""
